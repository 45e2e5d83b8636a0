import { describe, expect, it } from 'vitest'

import { knownOf, ofAll, ranked } from '@/lib/board'

describe('the board', () => {
  const vacancy = { ids: [1, 2, 3, 4], values: [0.5, null, 0.1, 0.9], numerator: [5, null, 100, 9], denominator: [10, 20, 1000, 10] }

  it('ranks what has a value, the largest first', () => {
    expect(ranked(vacancy, 2)).toEqual([{ id: 4, value: 0.9, share: 1 }, { id: 1, value: 0.5, share: 0.5 / 0.9 }])
    expect(knownOf(vacancy)).toBe(3)
  })

  it('tells the whole as a sum over a sum, not as a mean of ratios', () => {
    // (5 + 100 + 9) / (10 + 1000 + 10); a building without a numerator is left out of both.
    expect(ofAll(vacancy)).toBeCloseTo(114 / 1020)
  })

  it('tells nothing of what has no parts', () => {
    expect(ofAll({ numerator: [null], denominator: [null] })).toBeNull()
    expect(ranked({ ids: [1], values: [null] })).toEqual([])
  })

  it('draws no bar longer than the track where all are zero', () => {
    expect(ranked({ ids: [1, 2], values: [0, 0] })).toEqual([{ id: 1, value: 0, share: 0 }, { id: 2, value: 0, share: 0 }])
  })
})
