import { featureFilter } from '@maplibre/maplibre-gl-style-spec'
import { describe, expect, it } from 'vitest'

import { floorFilter, floorLabel, floorsOf, shownFloor } from '@/lib/floors'

describe('floors of what is in view', () => {
  it('stand top first, each once, under the name most of them use', () => {
    const found = floorsOf([
      { ordinal: 0, short_name: '1F' },
      { ordinal: 1, short_name: '2F' },
      { ordinal: 0, short_name: 'G' },
      { ordinal: 0, short_name: '1F' },
      { ordinal: -1 },
      { ordinal: null },
      { ordinal: 'roof' },
    ])
    expect(found).toEqual([
      { ordinal: 1, label: '2F' },
      { ordinal: 0, label: '1F' },
      { ordinal: -1, label: 'B1' },
    ])
  })

  it('have usual names where they have none of their own', () => {
    expect([2, 0, -1, -3].map(floorLabel)).toEqual(['3F', '1F', 'B1', 'B3'])
  })
})

describe('the floor that is drawn', () => {
  const floors = (...ordinals: number[]) => ordinals.map((ordinal) => ({ ordinal, label: '' }))

  it('is the chosen one where it is there', () => {
    expect(shownFloor(floors(2, 1, 0), 2)).toBe(2)
  })

  it('is the ground floor by itself, or the lowest above it', () => {
    expect(shownFloor(floors(2, 1, 0, -1), null)).toBe(0)
    expect(shownFloor(floors(3, 2), null)).toBe(2)
    expect(shownFloor(floors(1, 0), 5)).toBe(0)
  })

  it('is the one nearest to the ground where all are beneath it', () => {
    expect(shownFloor(floors(-1, -2), null)).toBe(-1)
  })

  it('stays as chosen while nothing is known', () => {
    expect(shownFloor([], 3)).toBe(3)
    expect(shownFloor([], null)).toBe(0)
  })
})

describe('the filter of a floor', () => {
  const keeps = (ordinal: number, properties: Record<string, unknown>): boolean =>
    featureFilter(floorFilter(ordinal) as never, 'layers[0].filter').filter({ zoom: 18 } as never, { type: 3, properties } as never)

  it.each([
    [0, { ordinals: '0' }, true],
    [1, { ordinals: '0,1' }, true],
    [1, { ordinals: '10,11' }, false],
    [-1, { ordinals: '-1,0' }, true],
    [1, { ordinals: '-1,0' }, false],
    [2, { ordinal: 2 }, true],
    [2, { ordinal: 0 }, false],
    [2, { name: 'outdoors' }, true],
  ])('of ordinal %s says of %o: %s', (ordinal, properties, kept) => {
    expect(keeps(ordinal, properties)).toBe(kept)
  })
})
