/** Classes of a measure: the same rule colours the map and writes the legend. */
import type { ExpressionSpecification } from 'maplibre-gl'

import type { MeasureAnswer, Text, Theme, Value } from '@/api/types'

export interface NumberClass {
  kind: 'number'
  /** Exclusive; null is open below. */
  from: number | null
  /** Inclusive; null is open above. */
  to: number | null
  /** The smallest and the largest value in it; null where it is empty. */
  extent: [number, number] | null
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
 * The index of the class that `value` falls in, or -1 where there is no data.
 *
 * A value equal to a break belongs to the class below it.
 */
export function classOf(value: Value, breaks: readonly number[]): number {
  if (typeof value !== 'number' || Number.isNaN(value)) return -1
  const index = breaks.findIndex((upper) => value <= upper)
  return index === -1 ? breaks.length : index
}

/** The classes of an answer with their colours and how many features fall in each. */
export function classesOf(answer: MeasureAnswer, theme: Theme): Class[] {
  const colors = colorsOf(answer, theme)
  if (isCategorical(answer)) {
    return (answer.categories ?? []).map((category, i) => ({
      kind: 'category',
      value: category,
      title: answer.labels?.[category] ?? null,
      color: colors[i] ?? NO_DATA[theme],
      count: answer.values.filter((value) => value === category).length,
    }))
  }
  const members = colors.map((): number[] => [])
  for (const value of answer.values) {
    if (typeof value === 'number') members[classOf(value, answer.breaks)]?.push(value)
  }
  return members.map((values, i) => ({
    kind: 'number',
    from: answer.breaks[i - 1] ?? null,
    to: answer.breaks[i] ?? null,
    extent: values.length > 0 ? extent(values) : null,
    color: colors[i] ?? NO_DATA[theme],
    count: values.length,
  }))
}

const extent = (values: readonly number[]): [number, number] =>
  values.reduce<[number, number]>(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)],
    [Infinity, -Infinity],
  )

/** How many of the `total` features of a layer have no value, whether the answer names them or not. */
export function withoutData(answer: MeasureAnswer, total: number): number {
  const known = answer.values.filter((value) => value !== null).length
  return Math.max(total, answer.values.length) - known
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
  // Not `step`: its classes hold their lower bound, ours their upper.
  const cases = answer.breaks.flatMap((upper, i) => [
    ['<=', ['to-number', state], upper],
    colors[i] ?? none,
  ])
  return [
    'case',
    ['!=', ['typeof', state], 'number'],
    none,
    ...cases,
    colors[answer.breaks.length] ?? none,
  ] as unknown as ExpressionSpecification
}
