/** What the marks of a list say of what the map draws: feature states, places of rows. */
import type { Map as MapLibreMap } from 'maplibre-gl'

import type { Position } from '@/lib/replay'

import { ELSEWHERE, idsOf, LISTED, MARKS, onOtherFloor, type Marks } from './marks'

interface Mark {
  ids: number[]
  n: number
  place: Position
}

/** The marks in the tiles that are loaded, each once. */
export function marksIn(map: MapLibreMap): Mark[] {
  if (!map.getSource(MARKS)) return []
  const found = new Map<string, Mark>()
  for (const { properties, geometry } of map.querySourceFeatures(MARKS, { sourceLayer: 'list' })) {
    if (geometry.type !== 'Point') continue
    const ids = idsOf(properties)
    found.set(ids.join(), { ids, n: Number(properties.n), place: geometry.coordinates as Position })
  }
  return [...found.values()]
}

/** Where the mark is that stands for a row; the smallest one where tiles of two zooms are loaded. */
export function placeOf(map: MapLibreMap, id: number): Position | null {
  const holding = marksIn(map).filter((mark) => mark.ids.includes(id))
  return holding.sort((a, b) => a.n - b.n)[0]?.place ?? null
}

let told: string | null = null

/** Forget what was told of a list that is no longer open. */
export function clearListed(map: MapLibreMap, shapes: string | null, layer: string): void {
  told = null
  if (shapes !== null && map.getSource(shapes)) map.removeFeatureState({ source: shapes, sourceLayer: layer })
}

/**
 * Tell the shapes in sight whether they are listed, and the marks whether they lie on a floor
 * that is not drawn.
 */
export function tellListed(map: MapLibreMap, marks: Marks, floor: number): void {
  const { shapes, layer } = marks
  if (shapes === null || !map.getSource(shapes) || !map.getSource(MARKS)) return
  const listed = new Set(marksIn(map).flatMap((mark) => mark.ids))
  const drawn = map.querySourceFeatures(shapes, { sourceLayer: layer }).filter(({ id }) => typeof id === 'number' && listed.has(id))
  const elsewhere = new Map(drawn.map(({ id, properties }) => [Number(id), onOtherFloor(properties, floor)]))
  const all = JSON.stringify([marks.tiles, [...elsewhere].sort(([a], [b]) => a - b)])
  if (all === told) return
  told = all
  for (const [id, other] of elsewhere) {
    map.setFeatureState({ source: shapes, sourceLayer: layer, id }, { [LISTED]: true })
    map.setFeatureState({ source: MARKS, sourceLayer: 'list', id }, { [ELSEWHERE]: other })
  }
}
