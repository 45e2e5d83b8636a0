import { describe, expect, it } from 'vitest'

import type { Conflict, Field } from '@/api/types'
import { changesOf, clashes, formFields, inWords, kept, toControl, wayIn } from '@/lib/form'

const field = (name: string, type: string, more: Partial<Field> = {}): Field => ({
  name, type, title: { zh: name, en: name }, unit: null, choices: null, reference: null, editable: true, required: false, ...more,
})
const text = { zh: '', en: '' }

describe('a form', () => {
  it('has the fields that people write, what identifies the thing first and its owner last', () => {
    const fields = [field('body_id', 'integer', { reference: 'bodies' }), field('name', 'string'), field('use', 'string'), field('area', 'number', { editable: false }), field('number', 'string'), field('names', 'object')]
    expect(formFields(fields).map(({ name }) => name)).toEqual(['number', 'name', 'use', 'body_id'])
  })

  it('has a control by the type of the field', () => {
    expect(wayIn(field('use', 'string', { choices: { office: text } }))).toBe('choice')
    expect(wayIn(field('room_id', 'integer', { reference: 'rooms' }))).toBe('reference')
    expect(['boolean', 'integer', 'date', 'date-time', 'string'].map((type) => wayIn(field('x', type)))).toEqual(['yes_no', 'number', 'day', 'time', 'text'])
  })

  it('shows a time as the clocks of the estate have it', () => {
    expect(toControl(field('at', 'date-time'), '2026-10-12T01:00:05Z', 'Asia/Shanghai')).toBe('2026-10-12T09:00:05')
  })

  it('sends what differs, and null for what was emptied', () => {
    expect(changesOf({ a: 'x', b: 1, c: null, d: 'y' }, { a: ' x ', b: 2, c: '', d: '' })).toEqual({ b: 2, d: null })
  })
})

describe('a conflict', () => {
  const differs = (name: string, base: unknown, theirs: unknown): Conflict['differs'][number] => ({ field: name, title: text, base, yours: null, theirs })
  const conflict: Conflict = { layer: 'rooms', id: 1, revision: 3, differs: [differs('capacity', 2, 7), differs('use', 'a', 'b'), differs('name', 'x', 'z')] }

  it('asks about what both changed to something else', () => {
    expect(clashes(conflict, { capacity: 9, name: 'z' })).toEqual(['capacity'])
  })

  it('sends what was kept of mine', () => {
    expect(kept({ capacity: 9, number: 'B' }, { capacity: 'theirs' })).toEqual({ number: 'B' })
  })
})

it('tells values in words', () => {
  expect(inWords(field('use', 'string', { choices: { office: { zh: '办公', en: 'office' } } }), 'office', 'zh', 'UTC')).toBe('办公')
  expect(inWords(field('area', 'number', { unit: 'm²' }), 12.5, 'en', 'UTC')).toBe('12.5 m²')
  expect(inWords(undefined, null, 'zh', 'UTC')).toBe('—')
})
