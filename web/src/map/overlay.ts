/** What the page draws of its own on the service's style: sources and layers, in their order. */
import type { LayerSpecification, SourceSpecification, StyleSpecification } from 'maplibre-gl'

import type { Theme } from '@/api/types'

export interface Overlay {
  sources: Record<string, SourceSpecification>
  layers: LayerSpecification[]
}

export const ACCENT: Record<Theme, string> = { light: '#1f5fbf', dark: '#7fb2ff' }
export const HALO: Record<Theme, string> = { light: '#ffffff', dark: '#0d1013' }
export const INK: Record<Theme, string> = { light: '#1f2933', dark: '#e6eaef' }
/** As in the service's style: fonts of the reader's machine. */
export const FONTS = ['Microsoft YaHei', 'PingFang SC', 'Noto Sans CJK SC', 'sans-serif']

/** Sources whose data the page moves along by itself, many times a second. */
const LIVE = /^live-/
/** Sources and layers of the tools for drawing, which add and remove them on their own. */
const DRAWN = /^td-/

/**
 * The wanted style with what is on the map by other ways: a diff would take it off again.
 *
 * Handed to MapLibre as `transformStyle`.
 */
export function keepLive(before: StyleSpecification | undefined, wanted: StyleSpecification): StyleSpecification {
  if (!before) return wanted
  const sources = { ...wanted.sources }
  for (const [id, source] of Object.entries(before.sources)) {
    if (DRAWN.test(id) || (LIVE.test(id) && id in sources)) sources[id] = source
  }
  return { ...wanted, sources, layers: [...wanted.layers, ...before.layers.filter((layer) => DRAWN.test(layer.id))] }
}
