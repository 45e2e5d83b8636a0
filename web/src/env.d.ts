/// <reference types="vite/client" />

declare module 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url' {
  const url: string
  export default url
}

declare module 'element-plus/es/locale/lang/*.mjs' {
  import type { Language } from 'element-plus/es/locale'
  const language: Language
  export default language
}

interface Window {
  /** The map, in builds for browser tests only (`--mode e2e`). */
  __map?: import('maplibre-gl').Map
}
