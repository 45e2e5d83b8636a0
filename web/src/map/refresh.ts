/** Fetching again exactly the tiles that a change touched. */
import type { Map as MapLibreMap } from 'maplibre-gl'

import type { Bounds } from '@/api/types'
import { tilesOf } from '@/lib/tiles'

/** What MapLibre keeps of tiles that left the view; it has no public way to drop it. */
interface Caches {
  tileManagers?: Record<string, { _outOfViewCache?: { reset: () => void } } | undefined>
}

/**
 * Fetch the tiles of a source again that hold an extent; all of them where `extents` is null.
 *
 * What is drawn stays until the new tiles are in.
 */
export function refreshSource(map: MapLibreMap, id: string, extents: readonly Bounds[] | null): void {
  const source = map.getSource(id)
  if (source?.type !== 'vector' || extents?.length === 0) return
  const tiles = extents && tilesOf(extents, source.minzoom ?? 0, source.maxzoom ?? 22)
  const style = map.style as unknown as Caches
  style.tileManagers?.[id]?._outOfViewCache?.reset()
  if (tiles) map.refreshTiles(id, tiles)
  else map.refreshTiles(id)
}
