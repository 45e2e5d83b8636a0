/** A form made from a layer's fields: what a control holds, what is sent, what was changed. */
import type { Conflict, Field, Language } from '@/api/types'

import { exact, moment, tr } from './format'

export type Values = Record<string, unknown>
export type Side = 'mine' | 'theirs'
export type Way = 'choice' | 'yes_no' | 'reference' | 'number' | 'day' | 'time' | 'text'

/** How a field is put in. */
export function wayIn(field: Field): Way {
  if (field.choices) return 'choice'
  if (field.type === 'boolean') return 'yes_no'
  if (field.reference) return 'reference'
  if (field.type === 'number' || field.type === 'integer') return 'number'
  if (field.type === 'date') return 'day'
  return field.type === 'date-time' ? 'time' : 'text'
}

/** The fields of a form: what identifies the thing first, then in the order of the table. */
export function formFields(fields: readonly Field[]): Field[] {
  const mine = fields.filter((field) => field.editable && field.type !== 'object')
  const first = ['number', 'code', 'name']
  const rank = (field: Field): number => (first.includes(field.name) ? first.indexOf(field.name) : field.name === 'body_id' ? 99 : 9)
  return [...mine].sort((a, b) => rank(a) - rank(b))
}

/** A stored value as a control holds it: times in the estate's zone, without an offset. */
export function toControl(field: Field, value: unknown, zone: string): unknown {
  if (value === undefined || value === null || value === '') return null
  if (wayIn(field) !== 'time') return value
  return moment(String(value), zone, 'zh', true).replace(' ', 'T')
}

const blank = (value: unknown): boolean => value === null || value === undefined || value === ''

/** What differs from `base`, as it is sent; an emptied field is null. */
export function changesOf(base: Values, values: Values): Values {
  const found: Values = {}
  for (const [name, value] of Object.entries(values)) {
    const trimmed = typeof value === 'string' ? value.trim() : value
    if (blank(trimmed) ? !blank(base[name]) : trimmed !== base[name]) found[name] = blank(trimmed) ? null : trimmed
  }
  return found
}

/** A value in words, for who compares two of them. */
export function inWords(field: Field | undefined, value: unknown, lang: Language, zone: string): string {
  if (blank(value)) return '—'
  const label = field?.choices?.[String(value)]
  if (label) return tr(label, lang)
  if (typeof value === 'boolean') return lang === 'zh' ? (value ? '是' : '否') : value ? 'yes' : 'no'
  if (field?.type === 'date-time') return moment(String(value), zone, lang)
  if (typeof value === 'number' && !field?.reference) return `${exact(value, lang)} ${field?.unit ?? ''}`.trim()
  return String(value)
}

/** The fields that both sides set to something else: a person is asked about these alone. */
export const clashes = (conflict: Conflict, mine: Values): string[] =>
  conflict.differs
    .filter(({ field, theirs }) => field in mine && (field === 'geometry' || (mine[field] ?? null) !== (theirs ?? null)))
    .map(({ field }) => field)

/** What is still to be sent of `mine` once a person has chosen; what they took from theirs is there. */
export function kept(mine: Values, chosen: Record<string, Side>): Values {
  return Object.fromEntries(Object.entries(mine).filter(([name]) => chosen[name] !== 'theirs'))
}
