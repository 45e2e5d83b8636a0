/** The exact shapes of what lies in view on the floor that is drawn: tiles round their corners. */
import type { Geometry, Position } from 'geojson'
import type { Map as MapLibreMap } from 'maplibre-gl'

import { api } from '@/api/client'
import type { Bounds } from '@/api/types'
import { holds } from '@/lib/snapping'

import { sourceOf } from './compose'
import { onOtherFloor } from './marks'

export interface Neighbour {
  id: number
  geometry: Geometry
  revision: number
  properties: Record<string, unknown>
}

/** The ids of what the tiles in view hold of a layer on one floor. */
function onFloor(map: MapLibreMap, layer: string, floor: number): Set<unknown> {
  if (!map.getSource(sourceOf(layer))) return new Set()
  const found = map.querySourceFeatures(sourceOf(layer), { sourceLayer: layer })
  return new Set(found.filter(({ properties }) => !onOtherFloor(properties, floor)).map(({ id }) => id))
}

/** What of a layer lies in view; where it lies on floors, on the one that is drawn. */
export async function neighboursIn(map: MapLibreMap, layer: string, floor: number | null): Promise<Neighbour[]> {
  const bounds = map.getBounds().toArray().flat() as Bounds
  const wanted = floor === null ? null : onFloor(map, layer, floor)
  const { features } = await api.shapes(layer, bounds)
  return features.flatMap(({ id, geometry, properties }) =>
    geometry && (wanted === null || wanted.has(id)) ? [{ id, geometry, properties, revision: Number(properties.revision) }] : [],
  )
}

/** The floor of a building that holds a place, as the tiles have it. */
export function levelAt(map: MapLibreMap, levels: string, floor: number, place: Position): number | null {
  if (!map.getSource(sourceOf(levels))) return null
  const found = map
    .querySourceFeatures(sourceOf(levels), { sourceLayer: levels })
    .find(({ properties, geometry }) => Number(properties.ordinal) === floor && holds(geometry, place))
  return typeof found?.id === 'number' ? found.id : null
}

/** The room of the drawn floor at a place. */
export async function roomAt(map: MapLibreMap, floor: number, place: Position): Promise<Neighbour | null> {
  const wanted = onFloor(map, 'rooms', floor)
  const [lon = 0, lat = 0] = place
  const { features } = await api.shapes('rooms', [lon, lat, lon, lat])
  const found = features.find(({ id, geometry }) => wanted.has(id) && geometry !== null && holds(geometry, place))
  return found?.geometry ? { ...found, geometry: found.geometry, revision: Number(found.properties.revision) } : null
}
