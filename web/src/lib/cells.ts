/** The values of a list as people read them. */
import type { ListColumn, ListRow } from '@/api/lists'
import type { Language } from '@/api/types'

import { amount, day, moment, quantity, tr } from './format'
import { choicesOf } from './where'

const DASH = '—'

/** A cell as text; a dash where nothing is known, which is not the same as zero. */
export function cell(row: ListRow, column: ListColumn, lang: Language, zone: string): string {
  const value = row.values[column.name]
  const named = row.refs[column.name]
  if (named) return named.title ?? String(named.id)
  if (value === null || value === undefined || value === '') return DASH
  if (typeof value === 'number') return column.reference ? String(value) : amount(value, column.unit, lang)
  if (typeof value === 'object') return Object.values(value).map(String).join(' · ') || DASH
  const code = String(value)
  const choice = choicesOf(column)[code]
  if (choice) return tr(choice, lang)
  if (column.type === 'date-time') return moment(code, zone, lang)
  if (column.type === 'date') return code.length > 10 ? day(code, zone) : code
  return code
}

/** Whether the cell says something. */
export const says = (row: ListRow, column: ListColumn): boolean => {
  const value = row.values[column.name]
  return value !== null && value !== undefined && value !== ''
}

/** A cell with its unit, for where no heading tells it. */
export function withUnit(row: ListRow, column: ListColumn, lang: Language, zone: string): string {
  const value = row.values[column.name]
  return column.unit && typeof value === 'number' ? quantity(value, column.unit, lang) : cell(row, column, lang, zone)
}

/**
 * The few columns that tell most of a row in a narrow list: why it is in the list (what is held,
 * what is allowed, by how much it is over), then what says more than its title does.
 */
export function tellingColumns(row: ListRow, columns: readonly ListColumn[], most = 2): ListColumn[] {
  const plain = (column: ListColumn): boolean => column.type !== 'object' && says(row, column)
  const why = columns.filter((column) => column.added && plain(column))
  const more = columns.filter(
    (column) => !column.added && column.shown && plain(column) && !String(row.title ?? '').includes(String(row.values[column.name])),
  )
  // An amount tells more than a kind, a kind or a date more than a code; what standards count leads.
  const sums = columns.filter((column) => !column.added && !column.shown && column.summed && column.unit !== null && plain(column))
  const amounts = [...more.filter((column) => column.unit !== null), ...sums]
  const leading = amounts.filter((column) => column.name === 'usable_area_m2')
  const kinds = more.filter((column) => column.unit === null && (column.choices !== null || column.type.startsWith('date')))
  const told = new Set([...why, ...leading, ...amounts.slice(0, 2), ...kinds, ...amounts, ...more])
  return [...told].slice(0, Math.max(most, Math.min(why.length, 3)))
}
