/** What differs between two moments on the map: colour, line and sign tell the kind. */
import type { ExpressionSpecification, FilterSpecification, LayerSpecification } from 'maplibre-gl'
import type { Map as MapLibreMap, Point } from 'maplibre-gl'

import type { DifferingFeature, Kind } from '@/api/past'
import type { Theme } from '@/api/types'
import type { Selection } from '@/lib/permalink'

import { FONTS, HALO, type Overlay } from './overlay'

const SOURCE = 'difference'
export const DIFFERENCE_LAYERS = ['difference-sign', 'difference-point', 'difference-line', 'difference-gone', 'difference-fill'] as const

/** As in the tokens of the page: what is in order, what asks for attention, what is bad. */
const COLORS: Record<Theme, Record<Kind, string>> = {
  light: { added: '#1f7f54', altered: '#9a6b00', gone: '#b32f2f' },
  dark: { added: '#45c48b', altered: '#f0bd3a', gone: '#ff7b7b' },
}
const SIGNS: Record<Kind, string> = { added: '+', altered: '≠', gone: '−' }

const byKind = (of: Record<Kind, string>): ExpressionSpecification => ['match', ['get', 'kind'], 'added', of.added, 'gone', of.gone, of.altered]
const point: FilterSpecification = ['==', ['geometry-type'], 'Point']
const shape: FilterSpecification = ['!=', ['geometry-type'], 'Point']
const gone: FilterSpecification = ['==', ['get', 'kind'], 'gone']

export function differenceOverlay(features: readonly DifferingFeature[], theme: Theme): Overlay {
  const color = byKind(COLORS[theme])
  const placed = features.filter((each) => each.geometry !== null)
  const data = {
    type: 'FeatureCollection' as const,
    // Ids of several layers meet in one source: each feature is found by its properties.
    features: placed.map(({ type, geometry, properties: { kind, layer, id, title } }) => ({ type, geometry: geometry!, properties: { kind, layer, id, title } })),
  }
  const round = { 'line-join': 'round' } as const
  const layers: LayerSpecification[] = [
    { id: 'difference-fill', type: 'fill', source: SOURCE, filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'fill-color': color, 'fill-opacity': 0.22 } },
    { id: 'difference-halo', type: 'line', source: SOURCE, filter: shape, layout: round, paint: { 'line-color': HALO[theme], 'line-width': 5, 'line-opacity': 0.8 } },
    { id: 'difference-line', type: 'line', source: SOURCE, filter: ['all', shape, ['!', gone]] as FilterSpecification, layout: round, paint: { 'line-color': color, 'line-width': 2.5 } },
    { id: 'difference-gone', type: 'line', source: SOURCE, filter: ['all', shape, gone] as FilterSpecification, layout: round, paint: { 'line-color': color, 'line-width': 2.5, 'line-dasharray': [2, 1.5] } },
    { id: 'difference-point', type: 'circle', source: SOURCE, filter: point, paint: { 'circle-radius': 10, 'circle-color': HALO[theme], 'circle-stroke-color': color, 'circle-stroke-width': 2.5 } },
    {
      id: 'difference-sign',
      type: 'symbol',
      source: SOURCE,
      layout: { 'text-field': byKind(SIGNS), 'text-font': FONTS, 'text-size': 17, 'text-allow-overlap': ['step', ['zoom'], false, 17, true] },
      paint: { 'text-color': color, 'text-halo-color': HALO[theme], 'text-halo-width': 2.5 },
    },
  ]
  return { sources: { [SOURCE]: { type: 'geojson', data } }, layers }
}

/** What differs at a point of the map, or null. */
export function differingAt(map: MapLibreMap, { x, y }: Point): Selection | null {
  const layers = DIFFERENCE_LAYERS.filter((id) => map.getLayer(id))
  if (layers.length === 0) return null
  const [found] = map.queryRenderedFeatures([[x - 4, y - 4], [x + 4, y + 4]], { layers })
  return found ? { layer: String(found.properties.layer), id: Number(found.properties.id) } : null
}
