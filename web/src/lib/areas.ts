/** What becomes of declared areas and names when an area is cut in two, or two become one. */
import type { Feature, Field } from '@/api/types'

const valueOf = (feature: Feature, name: string): unknown => feature.facts.find((fact) => fact.field === name)?.value

/**
 * The declared areas of a part of a thing, by its share of the drawn area; or, with `other`, those
 * of both together. What is not known of one is not known of both.
 */
export function shared(feature: Feature, fields: readonly Field[], share: number, other?: Feature): Record<string, number | null> {
  const found: Record<string, number | null> = {}
  for (const { name, unit, type, editable } of fields) {
    if (unit !== 'm²' || type !== 'number' || !editable) continue
    const [mine, theirs] = [valueOf(feature, name), other ? valueOf(other, name) : 0]
    if (mine === null && !other) continue
    found[name] = typeof mine === 'number' && typeof theirs === 'number' ? Math.round((mine * share + theirs) * 100) / 100 : null
  }
  return found
}

/** A number that nothing else has: `B03-412` → `B03-412-2`. */
export function numberAfter(number: string, taken: ReadonlySet<unknown>): string {
  for (let n = 2; ; n += 1) {
    const next = `${number}-${n}`
    if (!taken.has(next)) return next
  }
}
