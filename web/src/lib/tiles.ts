/** The tiles of a source that an extent touches. */
import type { Bounds } from '@/api/types'

export interface TileId {
  z: number
  x: number
  y: number
}

/** How far a tile draws beyond its edge, as a share of its side. */
const BUFFER = 0.05
/** More than so many tiles are no longer told one by one. */
const MOST = 2000

const column = (lon: number, z: number): number => ((lon + 180) / 360) * 2 ** z
function row(lat: number, z: number): number {
  const sine = Math.sin((Math.min(Math.max(lat, -85.05), 85.05) * Math.PI) / 180)
  return (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * 2 ** z
}

/** The tiles of one zoom; null where they are too many. */
function tilesAt(z: number, [west, south, east, north]: Bounds): TileId[] | null {
  const last = 2 ** z - 1
  const clamp = (value: number): number => Math.min(Math.max(Math.floor(value), 0), last)
  const [left, right] = [clamp(column(west, z) - BUFFER), clamp(column(east, z) + BUFFER)]
  const [top, bottom] = [clamp(row(north, z) - BUFFER), clamp(row(south, z) + BUFFER)]
  if ((right - left + 1) * (bottom - top + 1) > MOST) return null
  const found: TileId[] = []
  for (let x = left; x <= right; x += 1) for (let y = top; y <= bottom; y += 1) found.push({ z, x, y })
  return found
}

/**
 * The tiles of zooms `from` to `to` that hold any of the extents, each once; null where they are
 * too many to be told.
 */
export function tilesOf(extents: readonly Bounds[], from: number, to: number): TileId[] | null {
  const found = new Map<string, TileId>()
  for (const extent of extents) {
    for (let z = from; z <= to; z += 1) {
      const tiles = tilesAt(z, extent)
      if (!tiles || found.size + tiles.length > MOST) return null
      for (const tile of tiles) found.set(`${z}/${tile.x}/${tile.y}`, tile)
    }
  }
  return [...found.values()]
}
