/** Windows of observation: days `from/to`, the last day not included. */

export type Preset = 'week' | 'month' | 'last_month' | 'quarter' | 'year'

export const PRESETS: readonly Preset[] = ['week', 'month', 'last_month', 'quarter', 'year']

/** Shift a day by days or months; calendar arithmetic in UTC, so that no clock change matters. */
export function shift(from: string, { days = 0, months = 0 }: { days?: number; months?: number }): string {
  const [year, month, date] = from.split('-').map(Number) as [number, number, number]
  return new Date(Date.UTC(year, month - 1 + months, date + days)).toISOString().slice(0, 10)
}

const monthStart = (today: string): string => `${today.slice(0, 7)}-01`

/** The window of a preset as seen on `today`; `today` itself is included where it counts. */
export function presetWindow(preset: Preset, today: string): string {
  const tomorrow = shift(today, { days: 1 })
  const month = monthStart(today)
  switch (preset) {
    case 'week':
      return `${shift(today, { days: -7 })}/${today}`
    case 'month':
      return `${month}/${tomorrow}`
    case 'last_month':
      return `${shift(month, { months: -1 })}/${month}`
    case 'quarter':
      return `${shift(month, { months: -3 })}/${month}`
    case 'year':
      return `${shift(month, { months: -12 })}/${month}`
  }
}

/** The days that a person reads and picks: both included. */
export function daysOf(window: string): [first: string, last: string] {
  const [from = '', to = ''] = window.split('/')
  return [from, shift(to, { days: -1 })]
}

/** The window of two picked days, both included. */
export function windowOf(first: string, last: string): string {
  return `${first}/${shift(last, { days: 1 })}`
}
