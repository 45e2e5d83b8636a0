/** Which feature a person means by a point of the map. */
import type { Map as MapLibreMap, MapGeoJSONFeature, Point } from 'maplibre-gl'

import type { Selection } from '@/lib/permalink'

import { layerName } from './compose'

export interface Picked extends Selection {
  properties: Record<string, unknown>
  state: Record<string, unknown>
}

const REACH = 6 // CSS pixels round a point, for what is thin or small

const asPicked = (feature: MapGeoJSONFeature): Picked | null => {
  const layer = layerName(feature.layer)
  if (layer === null || typeof feature.id !== 'number') return null
  return { layer, id: feature.id, properties: feature.properties, state: feature.state }
}

/**
 * The topmost feature at `point` of a layer in `layers`.
 *
 * Points and lines win over areas within reach: nobody hits one pixel with a finger.
 */
export function pick(map: MapLibreMap, point: Point, layers: ReadonlySet<string>): Picked | null {
  const near = map.queryRenderedFeatures([
    [point.x - REACH, point.y - REACH],
    [point.x + REACH, point.y + REACH],
  ])
  const exact = map.queryRenderedFeatures(point)
  const wanted = (feature: MapGeoJSONFeature): boolean => {
    const name = layerName(feature.layer)
    return name !== null && layers.has(name)
  }
  const found =
    near.find((feature) => feature.layer.type === 'circle' && wanted(feature)) ??
    exact.find(wanted) ??
    near.find(wanted)
  return found ? asPicked(found) : null
}
