import { describe, expect, it } from 'vitest'

import type { MeasureAnswer } from '@/api/types'
import { NO_DATA } from '@/lib/classes'
import { coloured, keyOf, stackOverlay, type Rooms } from '@/map/stack'

const square = { type: 'Polygon' as const, coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] }
const room = (id: number, ordinal: number, use: string | null, state: string, base = ordinal * 3.6) => ({
  type: 'Feature' as const,
  id,
  geometry: square,
  properties: { level_id: ordinal + 10, ordinal, base_m: base, top_m: base + 3.6, number: `${id}`, name: null, use, state },
})
const rooms: Rooms = {
  type: 'FeatureCollection',
  features: [
    room(1, -1, 'office', 'in_use'),
    room(2, 0, 'office', 'vacant'),
    room(3, 1, 'meeting', 'in_use'),
    room(4, 1, null, 'in_use'),
  ],
}
const answer = {
  measure: 'usable_area_per_person',
  layer: 'rooms',
  ids: [1, 2, 3],
  values: [5, 20, null],
  breaks: [9],
  colors: ['#111111', '#222222'],
  colors_dark: [],
} as unknown as MeasureAnswer

describe('the colours of stacked rooms', () => {
  it('count uses, most frequent first, and say what is not stated', () => {
    expect(keyOf(rooms, 'use', 'light').map(({ value, count }) => [value, count])).toEqual([['office', 2], ['', 1], ['meeting', 1]])
    expect(keyOf(rooms, 'use', 'light')[1]?.color).toBe(NO_DATA.light)
  })

  it('set vacant rooms apart', () => {
    const key = keyOf(rooms, 'vacancy', 'light')
    expect(key.map(({ value, count }) => [value, count])).toEqual([['in_use', 3], ['vacant', 1]])
    expect(key[0]?.color).not.toBe(key[1]?.color)
  })

  it('are those of the measure’s classes', () => {
    const colors = coloured(rooms, 'measure', answer, 'light').features.map(({ properties }) => properties.color)
    expect(colors).toEqual(['#111111', '#222222', NO_DATA.light, NO_DATA.light])
  })
})

describe('stacked floors', () => {
  const stacked = { rooms: coloured(rooms, 'use', null, 'light'), gap: 5, floor: null, selected: null }
  const base = (overlay: ReturnType<typeof stackOverlay>): unknown =>
    (overlay.layers[1] as unknown as { paint: Record<string, unknown> }).paint['fill-extrusion-base']

  it('stand on the lowest floor, with air between them', () => {
    // The cellar is floor −1 and begins at −3.6 m.
    expect(base(stackOverlay(stacked, 'light'))).toEqual(['+', ['-', ['get', 'base_m'], -3.6], ['*', 5, ['-', ['get', 'ordinal'], -1]]])
  })

  it('are all alike until one is chosen, which is drawn by itself', () => {
    const filters = (floor: number | null) => stackOverlay({ ...stacked, floor }, 'light').layers.map((layer) => ('filter' in layer ? layer.filter : null))
    expect(filters(null)).toEqual([['literal', false], ['literal', true]])
    expect(filters(1)).toEqual([['!=', ['get', 'ordinal'], 1], ['==', ['get', 'ordinal'], 1]])
  })

  it('are no layers where the building has no plan', () => {
    const none = { ...stacked, rooms: { type: 'FeatureCollection' as const, features: [] } }
    expect(stackOverlay(none, 'light').layers).toEqual([])
  })
})
