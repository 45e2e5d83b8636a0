/** Floors of what is in view. */
import type { FilterSpecification } from 'maplibre-gl'

export interface Floor {
  ordinal: number
  label: string
}

/** The usual name of a floor that has none of its own: 0 → 1F, −1 → B1. */
export function floorLabel(ordinal: number): string {
  return ordinal >= 0 ? `${ordinal + 1}F` : `B${-ordinal}`
}

/** One entry for each ordinal among `levels`, top first, under its most frequent short name. */
export function floorsOf(levels: readonly { ordinal: unknown; short_name?: unknown }[]): Floor[] {
  const names = new Map<number, Map<string, number>>()
  for (const level of levels) {
    const ordinal = Number(level.ordinal)
    if (level.ordinal === null || !Number.isInteger(ordinal)) continue
    const counts = names.get(ordinal) ?? new Map<string, number>()
    names.set(ordinal, counts)
    if (typeof level.short_name === 'string' && level.short_name !== '') {
      counts.set(level.short_name, (counts.get(level.short_name) ?? 0) + 1)
    }
  }
  return [...names]
    .sort(([a], [b]) => b - a)
    .map(([ordinal, counts]) => {
      const best = [...counts].sort((a, b) => b[1] - a[1])[0]
      return { ordinal, label: best?.[0] ?? floorLabel(ordinal) }
    })
}

/** The floor to draw: the chosen one, or the ground floor, or the one nearest above, or below. */
export function shownFloor(floors: readonly Floor[], chosen: number | null): number {
  const ordinals = floors.map((floor) => floor.ordinal)
  if (chosen !== null && (ordinals.includes(chosen) || ordinals.length === 0)) return chosen
  const above = ordinals.filter((ordinal) => ordinal >= 0)
  if (above.length > 0) return Math.min(...above)
  return ordinals.length > 0 ? Math.max(...ordinals) : 0
}

/** Keep features of one floor (`ordinal`, or a comma list in `ordinals`), and those of no floor. */
export function floorFilter(ordinal: number): FilterSpecification {
  return [
    'case',
    ['has', 'ordinals'],
    ['in', `,${ordinal},`, ['concat', ',', ['to-string', ['get', 'ordinals']], ',']],
    ['has', 'ordinal'],
    ['==', ['to-number', ['get', 'ordinal']], ordinal],
    true,
  ] as unknown as FilterSpecification
}
