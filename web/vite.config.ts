import { fileURLToPath } from 'node:url'

import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

// Paths of the service, handed on to it while developing with `npm run dev`.
const SERVICE = ['catalogue', 'style.json', 'tiles', 'measures', 'features', 'search', 'workspaces', 'filters', 'lists', 'trips', 'buildings', 'meters', 'quarantine', 'history', 'changes', 'conflicts', 'events', 'ogc', 'healthz', 'readyz', 'me', 'sign-in', 'sign-out', 'administration', 'audit']
const target = process.env.ONEMAP_URL ?? 'http://127.0.0.1:8000'

export default defineConfig({
  base: './',
  plugins: [vue()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  define: {
    __VUE_OPTIONS_API__: 'true', // Element Plus has a few components that use it
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __VUE_I18N_FULL_INSTALL__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
  },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // data: URLs would need font-src and script-src exceptions
    chunkSizeWarningLimit: 1200,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // What changes rarely stays in the browser's cache when the page itself is new.
        codeSplitting: {
          groups: [
            { name: 'map', test: /node_modules[\\/](@?maplibre|@mapbox)/ },
            { name: 'vue', test: /node_modules[\\/](@vue|vue|@intlify|vue-i18n)[\\/]/ },
          ],
        },
      },
    },
  },
  server: { proxy: Object.fromEntries(SERVICE.map((path) => [`/${path}`, target])) },
  test: { environment: 'node', include: ['tests/**/*.test.ts'] },
})
