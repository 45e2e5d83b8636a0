/** What the board shows of measures: ranked bars and one figure for the whole. */
import type { MeasureAnswer } from '@/api/types'

export interface Ranked {
  id: number
  value: number
  /** From 0 to 1, of the largest. */
  share: number
}

/** The features with the largest values, falling. */
export function ranked(answer: Pick<MeasureAnswer, 'ids' | 'values'>, most = 5): Ranked[] {
  const known = answer.ids
    .map((id, i) => ({ id, value: answer.values[i] }))
    .filter((each): each is { id: number; value: number } => typeof each.value === 'number')
    .sort((a, b) => b.value - a.value || a.id - b.id)
  const largest = known[0]?.value ?? 0
  return known.slice(0, most).map((each) => ({ ...each, share: largest > 0 ? each.value / largest : 0 }))
}

/**
 * The value of the whole: sum of the numerators over the sum of the denominators.
 *
 * A mean of ratios would count a hut as much as a tower. Features that lack either part are left
 * out of both; null where none has both.
 */
export function ofAll(answer: Pick<MeasureAnswer, 'numerator' | 'denominator'>): number | null {
  let above = 0
  let below = 0
  answer.denominator.forEach((denominator, i) => {
    const numerator = answer.numerator[i]
    if (typeof numerator !== 'number' || typeof denominator !== 'number') return
    above += numerator
    below += denominator
  })
  return below > 0 ? above / below : null
}

/** How many features have a value. */
export const knownOf = (answer: Pick<MeasureAnswer, 'values'>): number =>
  answer.values.filter((value) => typeof value === 'number').length
