/** Which feature a person means by a point of the map. */
import type { Map as MapLibreMap, MapGeoJSONFeature, Point } from 'maplibre-gl'

import type { Selection } from '@/lib/permalink'
import type { Position } from '@/lib/replay'

import { layerName } from './compose'
import { BUBBLE, idsOf, PIN } from './marks'
import { STACK_LAYERS } from './stack'

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

/** The room of a stacked floor at a point: of the raised floor, if one is. */
export function pickRoom(map: MapLibreMap, point: Point): Picked | null {
  const layers = STACK_LAYERS.filter((id) => map.getLayer(id))
  const found = map.queryRenderedFeatures(point, { layers })
  const room = found.find((feature) => feature.layer.id === 'stack-floor') ?? found[0]
  if (!room || typeof room.id !== 'number') return null
  return { layer: 'rooms', id: room.id, properties: room.properties, state: {} }
}

export interface PickedMark {
  n: number
  ids: number[]
  title: string | null
  place: Position
}

/** The mark of the open list at a point: what is small wins. */
export function markAt(map: MapLibreMap, { x, y }: Point): PickedMark | null {
  const layers = [PIN, BUBBLE].filter((id) => map.getLayer(id))
  if (layers.length === 0) return null
  const found = map.queryRenderedFeatures([[x - 3, y - 3], [x + 3, y + 3]], { layers })
  const mark = found.find((feature) => feature.layer.id === PIN) ?? found[0]
  if (mark?.geometry.type !== 'Point') return null
  const { n, title } = mark.properties
  return {
    n: Number(n),
    ids: idsOf(mark.properties),
    title: typeof title === 'string' ? title : null,
    place: mark.geometry.coordinates as Position,
  }
}

/** How far from the middle of the map a building may be to be meant by it, in CSS pixels. */
const REACHES = [0, 40, 120, 240]

/** The building in the middle of what no panel covers, or the nearest to it; null where there is none. */
export function buildingAt(map: MapLibreMap, covered: { top: number; right: number; bottom: number; left: number }): number | null {
  if (map.getZoom() < 15 || !map.getLayer('buildings')) return null
  const { clientWidth, clientHeight } = map.getContainer()
  const x = (covered.left + clientWidth - covered.right) / 2
  const y = (covered.top + clientHeight - covered.bottom) / 2
  for (const reach of REACHES) {
    const [found] = map.queryRenderedFeatures([[x - reach, y - reach], [x + reach, y + reach]], { layers: ['buildings'] })
    if (typeof found?.id === 'number') return found.id
  }
  return null
}
