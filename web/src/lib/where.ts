/**
 * Filters of a list's columns: as they stand in the address, as the service reads them, and in
 * plain words.
 *
 * In the address: `use=office,meeting;area=10..20;name~周`. A value that holds one of the signs
 * has them written as `%XX`.
 */
import type { Language, Text } from '@/api/types'

import { exact, tr, unitOf } from './format'

export type Condition =
  | { column: string; kind: 'in'; values: string[] }
  /** Numbers or days, both ends included; null is open. */
  | { column: string; kind: 'range'; from: string | null; to: string | null }
  | { column: string; kind: 'has'; text: string }

/** What a filter must know of a column. */
export interface Filtered {
  name: string
  title: Text
  type: string
  unit: string | null
  choices: Record<string, Text> | null
  reference: string | null
}

export type Way = 'choice' | 'number' | 'day' | 'text'

const NAME = /^[a-z][a-z0-9_]*$/
const DAY = /^\d{4}-\d{2}-\d{2}$/
const BOOLEANS: Record<string, Text> = {
  true: { zh: '是', en: 'yes' },
  false: { zh: '否', en: 'no' },
}

/** How a column can be filtered; null for keys to other rows and for what is no plain value. */
export function wayOf(column: Filtered): Way | null {
  if (column.reference !== null) return null
  if (column.choices !== null || column.type === 'boolean') return 'choice'
  if (column.type === 'number' || column.type === 'integer') return 'number'
  if (column.type === 'date' || column.type === 'date-time') return 'day'
  return column.type === 'string' ? 'text' : null
}

export const choicesOf = (column: Filtered): Record<string, Text> =>
  column.choices ?? (column.type === 'boolean' ? BOOLEANS : {})

const escape = (text: string): string =>
  text.replace(/[%;,.]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)

function unescape(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function parsePart(part: string): Condition | null {
  const found = /^([a-z][a-z0-9_]*)([=~])(.+)$/s.exec(part)
  const [, column, sign, rest] = found ?? []
  if (!column || !rest) return null
  if (sign === '~') return { column, kind: 'has', text: unescape(rest) }
  const ends = rest.split('..')
  if (ends.length === 2) {
    const [from, to] = ends.map((end) => (end === '' ? null : unescape(end)))
    return from == null && to == null ? null : { column, kind: 'range', from: from ?? null, to: to ?? null }
  }
  return { column, kind: 'in', values: rest.split(',').filter(Boolean).map(unescape) }
}

/** Read the filters of an address; what cannot be read is left out. */
export function parseWhere(text: string | null): Condition[] {
  return (text ?? '').split(';').map(parsePart).filter((each) => each !== null)
}

function formatPart(each: Condition): string {
  if (each.kind === 'has') return `${each.column}~${escape(each.text)}`
  if (each.kind === 'in') return `${each.column}=${each.values.map(escape).join(',')}`
  // The ends of a range are numbers and days: their points are no signs.
  return `${each.column}=${each.from ?? ''}..${each.to ?? ''}`
}

export function formatWhere(conditions: readonly Condition[]): string | null {
  return conditions.length > 0 ? conditions.map(formatPart).join(';') : null
}

/** The filters with one column's replaced, or taken out where `condition` is null. */
export function changed(text: string | null, column: string, condition: Condition | null): string | null {
  const others = parseWhere(text).filter((each) => each.column !== column)
  return formatWhere(condition ? [...others, condition] : others)
}

type Node = Record<string, unknown>
const op = (name: string, ...args: unknown[]): Node => ({ op: name, args })

function ends(each: Extract<Condition, { kind: 'range' }>, way: Way): Node[] {
  const value = (end: string): unknown =>
    way === 'day' ? (DAY.test(end) ? { date: end } : null) : Number.isFinite(Number(end)) ? Number(end) : null
  const bound = (name: string, end: string | null): Node[] => {
    const limit = end === null ? null : value(end)
    return limit === null ? [] : [op(name, { property: each.column }, limit)]
  }
  return [...bound('>=', each.from), ...bound('<=', each.to)]
}

function nodes(each: Condition, column: Filtered): Node[] {
  const way = wayOf(column)
  const property = { property: each.column }
  if (each.kind === 'in' && way === 'choice') {
    const values = column.type === 'boolean' ? each.values.map((value) => value === 'true') : each.values
    return values.length > 0 ? [op('in', property, values)] : []
  }
  if (each.kind === 'range' && (way === 'number' || way === 'day')) return ends(each, way)
  if (each.kind === 'has' && way === 'text') {
    const pattern = `%${each.text.replace(/[\\%_]/g, (sign) => `\\${sign}`)}%`
    return [op('like', op('casei', property), op('casei', pattern))]
  }
  return []
}

/** The filters as CQL2-JSON; null where nothing is filtered. Columns that are not known are left out. */
export function toCql(conditions: readonly Condition[], columns: readonly Filtered[]): Node | null {
  const known = new Map(columns.map((column) => [column.name, column]))
  const parts = conditions.flatMap((each) => {
    const column = known.get(each.column)
    return column && NAME.test(each.column) ? nodes(each, column) : []
  })
  return parts.length > 1 ? op('and', ...parts) : (parts[0] ?? null)
}

/** A filter in plain words: “使用面积 10 – 20 m²”. */
export function told(each: Condition, column: Filtered, lang: Language): string {
  const title = tr(column.title, lang)
  const zh = lang === 'zh'
  if (each.kind === 'has') return zh ? `${title}含“${each.text}”` : `${title} contains “${each.text}”`
  if (each.kind === 'in') {
    const names = each.values.map((value) => tr(choicesOf(column)[value] ?? value, lang))
    return zh ? `${title}：${names.join('、')}` : `${title}: ${names.join(', ')}`
  }
  const day = wayOf(column) === 'day'
  const unit = column.unit && !day ? ` ${unitOf(column.unit, lang)}` : ''
  const written = (end: string): string => (day ? end : exact(Number(end), lang))
  if (each.from !== null && each.to !== null) {
    const between = day ? (zh ? ' 至 ' : ' to ') : ' – '
    return `${title} ${written(each.from)}${between}${written(each.to)}${unit}`
  }
  if (each.from !== null) return `${title} ≥ ${written(each.from)}${unit}`
  return `${title} ≤ ${written(each.to ?? '')}${unit}`
}
