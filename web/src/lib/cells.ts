/** The values of a list as people read them. */
import type { ListColumn, ListRow } from '@/api/lists'
import type { Language } from '@/api/types'

import { day, exact, moment, tr } from './format'
import { choicesOf } from './where'

const DASH = '—'

/** A cell as text; a dash where nothing is known, which is not the same as zero. */
export function cell(row: ListRow, column: ListColumn, lang: Language, zone: string): string {
  const value = row.values[column.name]
  const named = row.refs[column.name]
  if (named) return named.title ?? String(named.id)
  if (value === null || value === undefined || value === '') return DASH
  if (typeof value === 'number') return column.reference ? String(value) : exact(value, lang)
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
  const text = cell(row, column, lang, zone)
  return column.unit && text !== DASH ? `${text} ${column.unit}` : text
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
  // An amount tells more than a kind.
  const amounts = more.filter((column) => column.unit !== null)
  const told = [...why, ...amounts, ...more.filter((column) => column.unit === null)]
  return told.slice(0, Math.max(most, Math.min(why.length, 3)))
}
