/** What a thing was and became: its former shape dashed, the new one drawn through. */
import type { Feature, Geometry } from 'geojson'
import type { FilterSpecification, LayerSpecification } from 'maplibre-gl'

import type { Theme } from '@/api/types'

import { ACCENT, HALO, type Overlay } from './overlay'

export interface Ghost {
  before: Geometry | null
  after: Geometry | null
}

/** The colours of what was and of what became of it; the first is dashed besides. */
export const BEFORE: Record<Theme, string> = { light: '#b4530a', dark: '#ffb066' }

const SOURCE = 'ghost'

export function ghostOverlay(ghost: Ghost, theme: Theme): Overlay {
  const features: Feature[] = (['before', 'after'] as const).flatMap((side) => {
    const geometry = ghost[side]
    return geometry ? [{ type: 'Feature', properties: { side }, geometry }] : []
  })
  const side = (name: keyof Ghost, point: boolean): FilterSpecification => [
    'all',
    ['==', ['get', 'side'], name],
    [point ? '==' : '!=', ['geometry-type'], 'Point'],
  ]
  const line = (name: keyof Ghost, color: string, dashed: boolean): LayerSpecification[] => [
    { id: `${SOURCE}-${name}-halo`, type: 'line', source: SOURCE, filter: side(name, false), layout: { 'line-join': 'round' }, paint: { 'line-color': HALO[theme], 'line-width': 5, 'line-opacity': 0.9 } },
    { id: `${SOURCE}-${name}`, type: 'line', source: SOURCE, filter: side(name, false), layout: { 'line-join': 'round' }, paint: { 'line-color': color, 'line-width': 2.5, ...(dashed ? { 'line-dasharray': [2, 1.5] } : {}) } },
    { id: `${SOURCE}-${name}-point`, type: 'circle', source: SOURCE, filter: side(name, true), paint: { 'circle-radius': dashed ? 8 : 6, 'circle-color': dashed ? 'rgba(0,0,0,0)' : color, 'circle-stroke-width': 2.5, 'circle-stroke-color': dashed ? color : HALO[theme] } },
  ]
  return {
    sources: { [SOURCE]: { type: 'geojson', data: { type: 'FeatureCollection', features } } },
    layers: [...line('after', ACCENT[theme], false), ...line('before', BEFORE[theme], true)],
  }
}
