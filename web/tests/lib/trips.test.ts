import { describe, expect, it } from 'vitest'

import type { ListRow } from '@/api/lists'
import { byDay } from '@/lib/trips'

const trip = (id: number, started_at: string, length_km: number | null): ListRow => ({
  id, opens: { layer: 'trips', id }, title: null, path: '', center: null, bbox: null, refs: {},
  values: { started_at, length_km },
})
// Midnight in Shanghai is 16:00 UTC of the day before.
const rows = [
  trip(5, '2026-10-11T08:18:00Z', 20.8),
  trip(4, '2026-10-10T16:30:00Z', 20.8),
  trip(3, '2026-10-10T15:40:00Z', 31),
  trip(2, '2026-10-09T01:00:00Z', 43.8),
]
const told = (count: number, of = rows): [string, number, number | null][] =>
  byDay(of, count, 'Asia/Shanghai').map((each) => [each.day, each.trips.length, each.km && Math.round(each.km * 10) / 10])

describe('trips by the day', () => {
  it('belong to the day of the estate on which they began', () => {
    expect(told(4)).toEqual([['2026-10-11', 2, 41.6], ['2026-10-10', 1, 31], ['2026-10-09', 1, 43.8]])
  })

  it('have no sum for a day of which trips may not have been read', () => {
    expect(told(9).at(-1)).toEqual(['2026-10-09', 1, null])
  })

  it('have no sum where a length is not known', () => {
    expect(told(2, [trip(2, '2026-10-09T01:00:00Z', null), trip(1, '2026-10-08T01:00:00Z', 2)])).toEqual([
      ['2026-10-09', 1, null],
      ['2026-10-08', 1, 2],
    ])
  })
})
