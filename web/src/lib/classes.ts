/** Classes of a measure: the same rule colours the map and writes the legend. */
import type { ExpressionSpecification } from 'maplibre-gl'

import type { Category, MeasureAnswer, Text, Theme, Value } from '@/api/types'

export interface NumberClass {
  kind: 'number'
  /** Inclusive; null is open below. */
  from: number | null
  /** Exclusive; null is open above. */
  to: number | null
  color: string
  count: number
}

export interface CategoryClass {
  kind: 'category'
  value: string
  title: Text | null
  color: string
  count: number
}

export type Class = NumberClass | CategoryClass

export const NO_DATA: Record<Theme, string> = { light: '#d5d8dc', dark: '#4a5159' }

/** The feature state that holds a measure's value. */
export const STATE = 'measure'

export function colorsOf(answer: MeasureAnswer, theme: Theme): string[] {
  return theme === 'dark' && answer.colors_dark.length > 0 ? answer.colors_dark : answer.colors
}

export function isCategorical(answer: MeasureAnswer): boolean {
  return (answer.categories?.length ?? 0) > 0
}

/**
 * The inner thresholds of a measure's classes, one fewer than its colours.
 *
 * Outer bounds that came along are dropped: the first class is open below, the last above.
 */
export function thresholds(breaks: readonly number[], colors: number): number[] {
  if (breaks.length === colors + 1) return breaks.slice(1, -1)
  return breaks.slice(0, Math.max(colors - 1, 0))
}

const codeOf = (category: string | Category): string =>
  typeof category === 'string' ? category : category.value

/** The index of the class that `value` falls in, or -1 where there is no data. */
export function classOf(value: Value, inner: readonly number[]): number {
  if (typeof value !== 'number' || Number.isNaN(value)) return -1
  let index = 0
  while (index < inner.length && value >= (inner[index] ?? Infinity)) index += 1
  return index
}

/** The classes of an answer with their colours and how many features fall in each. */
export function classesOf(answer: MeasureAnswer, theme: Theme): Class[] {
  const colors = colorsOf(answer, theme)
  if (isCategorical(answer)) {
    return (answer.categories ?? []).map((category, i) => ({
      kind: 'category',
      value: codeOf(category),
      title: typeof category === 'string' ? null : category.title,
      color: colors[i] ?? NO_DATA[theme],
      count: answer.values.filter((value) => value === codeOf(category)).length,
    }))
  }
  const inner = thresholds(answer.breaks, colors.length)
  const counts = new Array<number>(inner.length + 1).fill(0)
  for (const value of answer.values) {
    const index = classOf(value, inner)
    if (index >= 0) counts[index] = (counts[index] ?? 0) + 1
  }
  return counts.map((count, i) => ({
    kind: 'number',
    from: inner[i - 1] ?? null,
    to: inner[i] ?? null,
    color: colors[i] ?? NO_DATA[theme],
    count,
  }))
}

/** How many features have no value. */
export function withoutData(answer: MeasureAnswer): number {
  return answer.values.filter((value) => value === null || value === undefined).length
}

/** MapLibre's expression for the same classes, reading the value from feature state. */
export function colorExpression(answer: MeasureAnswer, theme: Theme): ExpressionSpecification {
  const colors = colorsOf(answer, theme)
  const none = NO_DATA[theme]
  const state: ExpressionSpecification = ['feature-state', STATE]
  if (isCategorical(answer)) {
    const pairs = classesOf(answer, theme).flatMap((each) =>
      each.kind === 'category' ? [each.value, each.color] : [],
    )
    return ['match', ['to-string', state], ...pairs, none] as unknown as ExpressionSpecification
  }
  const inner = thresholds(answer.breaks, colors.length)
  const steps = inner.flatMap((threshold, i) => [threshold, colors[i + 1] ?? none])
  const first = colors[0] ?? none
  const classed = inner.length > 0 ? ['step', ['to-number', state], first, ...steps] : first
  return [
    'case',
    ['==', ['typeof', state], 'number'],
    classed,
    none,
  ] as unknown as ExpressionSpecification
}
