import { createExpression } from '@maplibre/maplibre-gl-style-spec'
import { describe, expect, it } from 'vitest'

import type { MeasureAnswer, Value } from '@/api/types'
import { classesOf, classOf, colorExpression, NO_DATA, STATE, withoutData } from '@/lib/classes'

function answer(values: Value[], more: Partial<MeasureAnswer> = {}): MeasureAnswer {
  return {
    measure: 'occupancy',
    layer: 'rooms',
    ids: values.map((_, i) => i + 1),
    values,
    numerator: [],
    denominator: [],
    coverage: [],
    unit: { zh: 'm²', en: 'm²' },
    breaks: [0, 10, 20],
    colors: ['#111111', '#222222', '#333333', '#444444'],
    colors_dark: ['#aaaaaa', '#bbbbbb', '#cccccc', '#dddddd'],
    editions: [],
    at: '2026-10-12T09:00:00+08:00',
    window: null,
    ...more,
  }
}

/** What MapLibre itself makes of the expression for a feature with this state. */
function drawn(found: MeasureAnswer, state: Value | undefined): string {
  const compiled = createExpression(colorExpression(found, 'light'), 'layers[0].paint.fill-color', {
    type: 'color',
    'property-type': 'data-driven',
    expression: { interpolated: true, parameters: ['zoom', 'feature', 'feature-state'] },
  } as never)
  if (compiled.result === 'error') throw new Error(JSON.stringify(compiled.value))
  const color = compiled.value.evaluate(
    { zoom: 16 } as never,
    { type: 3, properties: {} } as never,
    state === undefined ? {} : { [STATE]: state },
  ) as { r: number; g: number; b: number }
  const hex = (part: number): string => Math.round(part * 255).toString(16).padStart(2, '0')
  return `#${hex(color.r)}${hex(color.g)}${hex(color.b)}`
}

describe('classes of numbers', () => {
  it.each([
    [-1, 0],
    [0, 0],
    [0.01, 1],
    [10, 1],
    [10.5, 2],
    [20, 2],
    [99, 3],
  ])('put %s into class %s: a break belongs to the class below it', (value, index) => {
    expect(classOf(value, [0, 10, 20])).toBe(index)
  })

  it('put no data into no class', () => {
    expect(classOf(null, [0, 10])).toBe(-1)
    expect(classOf(Number.NaN, [0, 10])).toBe(-1)
  })

  it('count their features and tell their bounds', () => {
    const found = classesOf(answer([0, 5, 10, 15, 30, null]), 'light')
    expect(found.map((each) => each.count)).toEqual([1, 2, 1, 1])
    expect(found[1]).toMatchObject({ from: 0, to: 10, color: '#222222', extent: [5, 10] })
    expect(found[3]).toMatchObject({ from: 20, to: null })
    expect(withoutData(answer([0, 5, null]), 3)).toBe(1)
    expect(withoutData(answer([0, 5, null]), 10)).toBe(8)
  })

  it('wear other colours by night', () => {
    expect(classesOf(answer([1]), 'dark')[0]?.color).toBe('#aaaaaa')
  })

  it('are one where all values agree, and none where there is none', () => {
    const one = answer([7, 7], { breaks: [], colors: ['#111111'] })
    expect(classesOf(one, 'light')).toMatchObject([{ from: null, to: null, extent: [7, 7], count: 2 }])
    expect(classesOf(answer([null], { breaks: [], colors: [] }), 'light')).toEqual([])
  })
})

describe('the expression that colours the map', () => {
  it.each([0, 0.5, 10, 10.01, 20, 21])('gives %s the colour of the legend', (value) => {
    const found = answer([value])
    const own = classesOf(found, 'light').find((each) => each.count === 1)
    expect(drawn(found, value)).toBe(own?.color)
  })

  it('draws no data as no data, never as 0', () => {
    expect(drawn(answer([0]), null)).toBe(NO_DATA.light)
    expect(drawn(answer([0]), undefined)).toBe(NO_DATA.light)
    expect(drawn(answer([], { breaks: [], colors: [] }), 3)).toBe(NO_DATA.light)
  })

  it('colours categories by their code', () => {
    const states = answer(['up', 'down'], { breaks: [], categories: ['up', 'down', 'planned'] })
    expect(drawn(states, 'down')).toBe('#222222')
    expect(drawn(states, 'other')).toBe(NO_DATA.light)
    expect(drawn(states, null)).toBe(NO_DATA.light)
    expect(classesOf(states, 'light').map((each) => each.count)).toEqual([1, 1, 0])
  })
})
