import { describe, expect, it } from 'vitest'

import { changed, formatWhere, parseWhere, toCql, told, wayOf, type Condition, type Filtered } from '@/lib/where'

const column = (name: string, type: string, zh: string, en: string, more: Partial<Filtered> = {}): Filtered => ({
  name, type, title: { zh, en }, unit: null, choices: null, reference: null, ...more,
})
const use = column('use', 'string', '用途', 'use', {
  choices: { office: { zh: '办公室', en: 'office' }, meeting: { zh: '会议室', en: 'meeting room' } },
})
const area = column('usable_area_m2', 'number', '使用面积', 'usable area', { unit: 'm²' })
const since = column('vacant_since', 'date', '空置起始', 'vacant since')
const seen = column('seen_at', 'date-time', '观测时间', 'seen at')
const name = column('name', 'string', '名称', 'name')
const sealed = column('sealed', 'boolean', '封存', 'sealed')
const body = column('body_id', 'integer', '机构', 'body', { reference: 'bodies' })
const columns = [use, area, since, seen, name, sealed, body]

describe('filters in the address', () => {
  it.each<[string, Condition[]]>([
    ['use=office,meeting', [{ column: 'use', kind: 'in', values: ['office', 'meeting'] }]],
    ['usable_area_m2=10.5..20', [{ column: 'usable_area_m2', kind: 'range', from: '10.5', to: '20' }]],
    ['usable_area_m2=..20', [{ column: 'usable_area_m2', kind: 'range', from: null, to: '20' }]],
    ['vacant_since=2026-04-01..', [{ column: 'vacant_since', kind: 'range', from: '2026-04-01', to: null }]],
    ['name~周', [{ column: 'name', kind: 'has', text: '周' }]],
    [
      'use=office;name~A',
      [
        { column: 'use', kind: 'in', values: ['office'] },
        { column: 'name', kind: 'has', text: 'A' },
      ],
    ],
  ])('%s is read and written', (text, conditions) => {
    expect(parseWhere(text)).toEqual(conditions)
    expect(formatWhere(conditions)).toBe(text)
  })

  it('keep signs that are words of a reader', () => {
    const conditions: Condition[] = [
      { column: 'name', kind: 'has', text: '50%; a,b=c~d..e' },
      { column: 'use', kind: 'in', values: ['a,b', '..'] },
    ]
    expect(parseWhere(formatWhere(conditions))).toEqual(conditions)
  })

  it.each(['', null, 'use', '=x', 'Use=x', 'use=', 'a b~c', 'use=..'])('%s is none', (text) => {
    expect(parseWhere(text)).toEqual([])
    expect(formatWhere([])).toBeNull()
  })

  it('are replaced and taken away column by column', () => {
    const wider: Condition = { column: 'usable_area_m2', kind: 'range', from: '5', to: null }
    expect(changed('usable_area_m2=10..20;name~A', 'usable_area_m2', wider)).toBe('name~A;usable_area_m2=5..')
    expect(changed('name~A', 'name', null)).toBeNull()
  })
})

describe('filters as the service reads them', () => {
  const cql = (text: string): unknown => toCql(parseWhere(text), columns)

  it('choose among codes', () => {
    expect(cql('use=office,meeting')).toEqual({ op: 'in', args: [{ property: 'use' }, ['office', 'meeting']] })
  })

  it('tell true from false', () => {
    expect(cql('sealed=false')).toEqual({ op: 'in', args: [{ property: 'sealed' }, [false]] })
  })

  it('bound numbers on both sides, both included', () => {
    expect(cql('usable_area_m2=10..20')).toEqual({
      op: 'and',
      args: [
        { op: '>=', args: [{ property: 'usable_area_m2' }, 10] },
        { op: '<=', args: [{ property: 'usable_area_m2' }, 20] },
      ],
    })
  })

  it.each(['vacant_since', 'seen_at'])('bound days of %s as days', (each) => {
    expect(cql(`${each}=2026-04-01..`)).toEqual({ op: '>=', args: [{ property: each }, { date: '2026-04-01' }] })
  })

  it('look for words whatever their case, and take no sign for a placeholder', () => {
    expect(cql('name~50%25_A')).toEqual({
      op: 'like',
      args: [
        { op: 'casei', args: [{ property: 'name' }] },
        { op: 'casei', args: ['%50\\%\\_A%'] },
      ],
    })
  })

  it.each([
    ['a column that is not there', 'nothing=1..2'],
    ['words for a number', 'usable_area_m2=many..'],
    ['a month for a day', 'vacant_since=2026-04..'],
    ['a range of codes', 'use=a..b'],
    ['a key to another row', 'body_id=1..2'],
  ])('leave out %s', (_, text) => {
    expect(cql(text)).toBeNull()
  })
})

describe('filters in words', () => {
  const words = (text: string, of: Filtered, lang: 'zh' | 'en'): string => told(parseWhere(text)[0]!, of, lang)

  it.each<[string, Filtered, string, string]>([
    ['use=office,meeting', use, '用途：办公室、会议室', 'use: office, meeting room'],
    ['usable_area_m2=10..20', area, '使用面积 10 – 20 m²', 'usable area 10 – 20 m²'],
    ['usable_area_m2=10..', area, '使用面积 ≥ 10 m²', 'usable area ≥ 10 m²'],
    ['vacant_since=2026-04-01..2026-05-01', since, '空置起始 2026-04-01 至 2026-05-01', 'vacant since 2026-04-01 to 2026-05-01'],
    ['vacant_since=..2026-05-01', since, '空置起始 ≤ 2026-05-01', 'vacant since ≤ 2026-05-01'],
    ['name~周', name, '名称含“周”', 'name contains “周”'],
    ['sealed=true', sealed, '封存：是', 'sealed: yes'],
  ])('tell %s', (text, of, zh, en) => {
    expect(words(text, of, 'zh')).toBe(zh)
    expect(words(text, of, 'en')).toBe(en)
  })
})

it('keys to other rows and documents are no filters', () => {
  expect(wayOf(body)).toBeNull()
  expect(wayOf(column('attributes', 'object', '属性', 'attributes'))).toBeNull()
})
