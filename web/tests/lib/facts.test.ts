import { describe, expect, it } from 'vitest'

import type { Fact, Field, Insight } from '@/api/types'
import { byUrgency, isCode, lasting, placeOf, sorted } from '@/lib/facts'

const fact = (field: string, value: unknown, more: Partial<Fact> = {}): Fact => ({
  field, title: { zh: field, en: field }, value, label: null, unit: null, reference: null, ...more,
})
const field = (name: string, type: string, reference: string | null = null): Field => ({
  name, title: { zh: name, en: name }, type, unit: null, choices: null, editable: false, required: false, reference,
})

describe('the facts of a thing', () => {
  const room = sorted(
    [
      fact('number', 'B03-412'),
      fact('state', 'in_use', { label: '使用中' }),
      fact('usable_area_m2', 26.4, { unit: 'm²' }),
      fact('room_id', 7, { reference: { layer: 'rooms', id: 7, title: 'B03-412' } }),
      fact('body_id', 2, { reference: { layer: 'bodies', id: 2, title: '区教育局' } }),
      fact('vacant_since', null),
      fact('attributes.备注', '演示'),
      fact('positions.time', '2026-10-08T09:20:00+00:00'),
      fact('positions.speed_kmh', 0, { unit: 'km/h' }),
    ],
    [field('vacant_since', 'date'), field('room_id', 'integer', 'rooms')],
  )

  it('are grouped by what they tell', () => {
    const groups = Object.fromEntries(room.recorded.map((group) => [group.heading, group.facts.map((each) => each.field)]))
    expect(groups).toEqual({
      identity: ['number', 'body_id'], place: ['room_id'], state: ['state'], numbers: ['usable_area_m2'],
    })
  })

  it('keep apart what was observed, with its own time, and what a file said beyond the columns', () => {
    expect(room.observed.map((seen) => [seen.series, seen.time, seen.facts.map((each) => each.value)]))
      .toEqual([['positions', '2026-10-08T09:20:00+00:00', [0]]])
    expect(room.others.map((each) => each.value)).toEqual(['演示'])
  })

  it('fold away what nobody filled in, but not a zero', () => {
    expect(room.blank.map((each) => each.field)).toEqual(['vacant_since'])
  })

  it('write years, keys and digits of a register without thousands', () => {
    expect(['built_year', 'class_id', 'digits'].map(isCode)).toEqual([true, true, true])
    expect(isCode('built_area_m2')).toBe(false)
  })
})

describe('insights', () => {
  it('come with the most urgent first, equals as the service has them', () => {
    const made = (name: string, status: Insight['status']): Insight => ({
      name, status, title: { zh: '', en: '' }, headline: { zh: '', en: '' }, lines: [], citation: null,
    })
    const told = byUrgency([made('a', 'neutral'), made('b', 'attention'), made('c', 'bad'), made('d', 'attention')])
    expect(told.map((each) => each.name)).toEqual(['c', 'b', 'd', 'a'])
  })
})

describe('places and times', () => {
  it('narrow a list only to what lists know as places', () => {
    expect(placeOf('levels', 14)).toBe('level/14')
    expect(placeOf('bodies', 17)).toBe('body/17')
    expect(placeOf('rooms', 412)).toBeNull()
  })

  it('say how long something lasts in days, hours and whole minutes', () => {
    // Thursday 17:20 to Monday 09:00.
    expect(lasting(3 * 86_400 + 15 * 3600 + 40 * 60 + 59, 'zh')).toBe('3 天 15 小时 40 分')
    expect(lasting(7800, 'en')).toBe('2 h 10 min')
    expect(lasting(20, 'zh')).toBe('不到 1 分')
  })
})
