/** What a change will come to, drawn on the map until it is saved or given up. */
import type { Geometry } from 'geojson'
import type { GeoJSONSource, Map as MapLibreMap } from 'maplibre-gl'

import type { Theme } from '@/api/types'

import { ACCENT, FONTS, HALO, INK } from './overlay'

// Named as what drawing tools put on the map: a new style leaves it there.
const PREVIEW = 'td-preview'

export interface Previewed {
  geometry: Geometry
  text: string
}

export function preview(map: MapLibreMap, theme: Theme, shapes: readonly Previewed[]): void {
  const data = {
    type: 'FeatureCollection' as const,
    features: shapes.map(({ geometry, text }, n) => ({ type: 'Feature' as const, properties: { text, n }, geometry })),
  }
  const known = map.getSource<GeoJSONSource>(PREVIEW)
  if (known) return void known.setData(data)
  map.addSource(PREVIEW, { type: 'geojson', data })
  map.addLayer({ id: `${PREVIEW}-fill`, type: 'fill', source: PREVIEW, paint: { 'fill-color': ['case', ['==', ['get', 'n'], 0], ACCENT[theme], '#e0a100'], 'fill-opacity': 0.22 } })
  map.addLayer({ id: `${PREVIEW}-line`, type: 'line', source: PREVIEW, layout: { 'line-join': 'round' }, paint: { 'line-color': ['case', ['==', ['get', 'n'], 0], ACCENT[theme], '#e0a100'], 'line-width': 3 } })
  map.addLayer({
    id: `${PREVIEW}-text`,
    type: 'symbol',
    source: PREVIEW,
    layout: { 'text-field': ['get', 'text'], 'text-font': FONTS, 'text-size': 12, 'text-variable-anchor': ['center', 'top', 'bottom'] },
    paint: { 'text-color': INK[theme], 'text-halo-color': HALO[theme], 'text-halo-width': 2 },
  })
}

export function clearPreview(map: MapLibreMap): void {
  for (const id of [`${PREVIEW}-text`, `${PREVIEW}-line`, `${PREVIEW}-fill`]) if (map.getLayer(id)) map.removeLayer(id)
  if (map.getSource(PREVIEW)) map.removeSource(PREVIEW)
}
