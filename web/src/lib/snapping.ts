/** Corners and edges of what is there already, and the one of them that a pointer means. */
import type { Geometry, Position } from 'geojson'

export interface Grid {
  places: Position[]
  edges: [Position, Position][]
}

interface Point {
  x: number
  y: number
}

/** How near a pointer must be, in CSS pixels: a corner is meant before an edge. */
export const REACH = { corner: 12, edge: 9 } as const

function linesOf(geometry: Geometry): Position[][] {
  switch (geometry.type) {
    case 'Point':
      return [[geometry.coordinates]]
    case 'LineString':
      return [geometry.coordinates]
    case 'MultiLineString':
    case 'Polygon':
      return geometry.coordinates
    case 'MultiPolygon':
      return geometry.coordinates.flat()
    default:
      return []
  }
}

export function gridOf(geometries: readonly Geometry[]): Grid {
  const lines = geometries.flatMap(linesOf)
  return {
    places: lines.flat(),
    edges: lines.flatMap((line) => line.slice(1).map((place, i): [Position, Position] => [line[i] as Position, place])),
  }
}

const away = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y)

/** How far along the segment from `a` to `b` the place nearest to `at` lies, from 0 to 1. */
function along(at: Point, a: Point, b: Point): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y]
  const size = dx * dx + dy * dy
  return size === 0 ? 0 : Math.min(Math.max(((at.x - a.x) * dx + (at.y - a.y) * dy) / size, 0), 1)
}

/** The corner, else the place on an edge, that a pointer at `at` means; null where it means none. */
export function snapTo(grid: Grid, at: Point, project: (place: Position) => Point): Position | null {
  let best: { place: Position; far: number } | null = null
  for (const place of grid.places) {
    const far = away(at, project(place))
    if (far <= REACH.corner && (!best || far < best.far)) best = { place, far }
  }
  if (best) return best.place
  for (const [start, end] of grid.edges) {
    const [a, b] = [project(start), project(end)]
    const t = along(at, a, b)
    const far = away(at, { x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t })
    if (far > REACH.edge || (best && far >= best.far)) continue
    const [x = 0, y = 0] = start
    const [u = 0, v = 0] = end
    best = { place: [x + (u - x) * t, y + (v - y) * t], far }
  }
  return best?.place ?? null
}

function crossing(a: Position, b: Position, c: Position, d: Position): boolean {
  const side = (p: Position, q: Position, r: Position): number =>
    Math.sign(((q[0] ?? 0) - (p[0] ?? 0)) * ((r[1] ?? 0) - (p[1] ?? 0)) - ((q[1] ?? 0) - (p[1] ?? 0)) * ((r[0] ?? 0) - (p[0] ?? 0)))
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0
}

/** Whether a closed ring crosses itself. */
export function crosses(ring: readonly Position[]): boolean {
  for (let i = 0; i < ring.length - 1; i += 1) {
    for (let j = i + 2; j < ring.length - 1; j += 1) {
      if (crossing(ring[i] as Position, ring[i + 1] as Position, ring[j] as Position, ring[j + 1] as Position)) return true
    }
  }
  return false
}

function inRing([x = 0, y = 0]: Position, ring: readonly Position[]): boolean {
  let inside = false
  ring.forEach(([u = 0, v = 0], i) => {
    const [s = 0, t = 0] = ring[(i + ring.length - 1) % ring.length] ?? []
    if (v > y !== t > y && x < ((s - u) * (y - v)) / (t - v) + u) inside = !inside
  })
  return inside
}

/** Whether an area holds a place; its holes do not. */
export function holds(geometry: Geometry, place: Position): boolean {
  if (geometry.type !== 'Polygon' && geometry.type !== 'MultiPolygon') return false
  const parts = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates
  return parts.some(([outer = [], ...holes]) => inRing(place, outer) && !holes.some((hole) => inRing(place, hole)))
}

/** The middle of what the corners span. */
export function middleOf(geometry: Geometry): Position {
  const { places } = gridOf([geometry])
  const mean = (axis: 0 | 1): number => {
    const all = places.map((place) => place[axis] ?? 0)
    return (Math.min(...all) + Math.max(...all)) / 2
  }
  return [mean(0), mean(1)]
}

/** Metres between two places that are near each other. */
export function metresApart([x = 0, y = 0]: Position, [u = 0, v = 0]: Position): number {
  return Math.hypot((u - x) * Math.cos((y * Math.PI) / 180), v - y) * 111_320
}
