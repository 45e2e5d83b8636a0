/** What of a source lies in view, whatever its layers show. */
import type { Geometry } from 'geojson'
import type { Map as MapLibreMap } from 'maplibre-gl'

function touches(geometry: Geometry, [west = 0, south = 0, east = 0, north = 0]: number[]): boolean {
  if (!('coordinates' in geometry)) return false
  const numbers = geometry.coordinates.flat(3) as unknown as number[]
  const flat = typeof numbers[0] === 'number' ? numbers : (geometry.coordinates.flat(4) as unknown as number[])
  const xs = flat.filter((_, i) => i % 2 === 0)
  const ys = flat.filter((_, i) => i % 2 === 1)
  return Math.max(...xs) >= west && Math.min(...xs) <= east && Math.max(...ys) >= south && Math.min(...ys) <= north
}

/** The properties of what touches the view. */
export function inBounds(map: MapLibreMap, source: string, sourceLayer: string): Record<string, unknown>[] {
  const bounds = map.getBounds().toArray().flat() as number[]
  return map
    .querySourceFeatures(source, { sourceLayer })
    .filter(({ geometry }) => touches(geometry, bounds))
    .map(({ properties }) => properties)
}
