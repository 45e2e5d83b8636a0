/** Trips by the day on which they began, as a log-book has them. */
import type { ListRow } from '@/api/lists'

import { day } from './format'

export interface TripDay {
  /** `YYYY-MM-DD` in the estate's time zone. */
  day: string
  trips: ListRow[]
  /** What the trips of the day add up to; null where a length, or a trip of the day, may be missing. */
  km: number | null
}

/**
 * Group trips, the latest first.
 *
 * @param rows the latest trips of a vehicle, the latest first
 * @param count how many trips there are in all: the oldest day of a part may not be whole
 */
export function byDay(rows: readonly ListRow[], count: number, zone: string): TripDay[] {
  const days = new Map<string, ListRow[]>()
  for (const row of rows) {
    const began = day(String(row.values.started_at), zone)
    const held = days.get(began)
    if (held) held.push(row)
    else days.set(began, [row])
  }
  const cut = rows.length < count ? [...days.keys()].at(-1) : undefined
  return [...days].map(([began, trips]) => {
    const lengths = trips.map((trip) => trip.values.length_km)
    const known = lengths.filter((length): length is number => typeof length === 'number')
    const whole = began !== cut && known.length === lengths.length
    return { day: began, trips, km: whole ? known.reduce((sum, length) => sum + length, 0) : null }
  })
}
