import { describe, expect, it } from 'vitest'

import type { Feature, Field } from '@/api/types'
import { numberAfter, shared } from '@/lib/areas'

const feature = (facts: Record<string, unknown>): Feature =>
  ({ facts: Object.entries(facts).map(([field, value]) => ({ field, value })) }) as unknown as Feature
const fields = ['usable_area_m2', 'polygon_area_m2', 'capacity'].map(
  (name) => ({ name, unit: name === 'capacity' ? '人' : 'm²', type: 'number', editable: name !== 'polygon_area_m2' }) as Field,
)

describe('declared areas', () => {
  it('of a part are its share', () => {
    expect(shared(feature({ usable_area_m2: 60, polygon_area_m2: 61, capacity: 3 }), fields, 0.25)).toEqual({ usable_area_m2: 15 })
  })

  it('that nobody declared are left alone', () => {
    expect(shared(feature({ usable_area_m2: null }), fields, 0.25)).toEqual({})
  })

  it('of two together add up, and are not known where one is not', () => {
    expect(shared(feature({ usable_area_m2: 60 }), fields, 1, feature({ usable_area_m2: 12.5 }))).toEqual({ usable_area_m2: 72.5 })
    expect(shared(feature({ usable_area_m2: 60 }), fields, 1, feature({ usable_area_m2: null }))).toEqual({ usable_area_m2: null })
  })
})

it('a new number is one that nothing else has', () => {
  expect(numberAfter('B03-412', new Set(['B03-412-2']))).toBe('B03-412-3')
})
