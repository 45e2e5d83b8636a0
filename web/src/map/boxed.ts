/** The rows of the open list that are drawn in a box. */
import type { Map as MapLibreMap } from 'maplibre-gl'

import { BUBBLE, idsOf, LISTED, onOtherFloor, PIN, type Marks } from './marks'

/** Ids in the box, and how many rows lie there that a mark does not name. */
export function idsIn(map: MapLibreMap, marks: Marks, floor: number, box: [[number, number], [number, number]]): { ids: number[]; untold: number } {
  const shapes = map.queryRenderedFeatures(box).filter(({ source, id, state, properties }) =>
    source === marks.shapes && typeof id === 'number' && state[LISTED] === true && !onOtherFloor(properties, floor))
  if (shapes.length > 0) return { ids: [...new Set(shapes.map(({ id }) => Number(id)))], untold: 0 }
  const drawn = map.queryRenderedFeatures(box, { layers: [PIN, BUBBLE].filter((id) => map.getLayer(id)) })
  const known = new Map(drawn.map(({ properties }) => [idsOf(properties).join(), properties]))
  const ids = new Set<number>()
  let untold = 0
  for (const properties of known.values()) {
    const named = idsOf(properties)
    named.forEach((id) => ids.add(id))
    untold += Math.max(Number(properties.n) - named.length, 0)
  }
  return { ids: [...ids], untold }
}
