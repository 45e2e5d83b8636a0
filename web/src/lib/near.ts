/** When the map has to go to what was selected. */
import type { Position } from './replay'

export interface Way {
  /** Where on the map it was chosen; null where it was chosen elsewhere on the page. */
  at: Position | null
}

/**
 * Whether what is selected is not to be seen where the map is.
 *
 * What was chosen on the map is seen, unless a panel now lies over the place. A link says from how
 * far it is to be looked at; what the reader chose from a list has to be drawn as well as in sight:
 * `drawnFrom` is the zoom from which on it is.
 */
export function isFar(
  center: Position | null,
  way: Way | null,
  zooms: { now: number; drawnFrom: number },
  inSight: (place: Position | null) => boolean,
): boolean {
  if (way?.at) return !inSight(way.at)
  return !inSight(center) || (way !== null && zooms.now < zooms.drawnFrom)
}
