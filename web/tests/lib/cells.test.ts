import { describe, expect, it } from 'vitest'

import type { ListColumn, ListRow } from '@/api/lists'
import { cell, tellingColumns, withUnit } from '@/lib/cells'

const column = (name: string, type: string, more: Partial<ListColumn> = {}): ListColumn => ({
  name, type, title: { zh: name, en: name }, unit: null, choices: null, reference: null,
  editable: false, summed: false, shown: true, added: false, ...more,
})
const row = (values: Record<string, unknown>, refs: ListRow['refs'] = {}): ListRow => ({
  id: 1, opens: { layer: 'rooms', id: 1 }, title: 'B03-412', path: '', center: null, bbox: null, values, refs,
})
const told = (value: unknown, of: ListColumn): string => cell(row({ x: value }), of, 'zh', 'Asia/Shanghai')

describe('a cell', () => {
  it.each<[string, unknown, ListColumn, string]>([
    ['nothing as a dash', null, column('x', 'number'), '—'],
    ['zero as zero', 0, column('x', 'number'), '0'],
    ['thousands apart', 19400, column('x', 'integer'), '19,400'],
    ['a moment in the zone of the estate', '2026-10-11T01:14:00Z', column('x', 'date-time'), '2026-10-11 09:14'],
    ['a day as it is', '2026-04-01', column('x', 'date'), '2026-04-01'],
    ['a code by its name', 'office', column('x', 'string', { choices: { office: { zh: '办公室', en: 'office' } } }), '办公室'],
    ['yes and no', false, column('x', 'boolean'), '否'],
  ])('tells %s', (_, value, of, text) => {
    expect(told(value, of)).toBe(text)
  })

  it('tells what it names, not its key', () => {
    const named = row({ body_id: 17 }, { body_id: { layer: 'bodies', id: 17, title: '区审计局' } })
    expect(cell(named, column('body_id', 'integer', { reference: 'bodies' }), 'zh', 'UTC')).toBe('区审计局')
  })

  it('has no unit where nothing is known', () => {
    const area = column('x', 'number', { unit: 'm²' })
    expect(withUnit(row({ x: 26.4 }), area, 'zh', 'UTC')).toBe('26.4 m²')
    expect(withUnit(row({ x: null }), area, 'zh', 'UTC')).toBe('—')
  })
})

describe('the columns that tell most', () => {
  const over = column('over_m2', 'number', { added: true, unit: 'm²' })
  const use = column('use', 'string')
  const area = column('usable_area_m2', 'number', { unit: 'm²' })
  const number = column('number', 'string')

  it('are first why the row is there, then amounts, then kinds', () => {
    const full = row({ over_m2: 14.4, use: 'office', usable_area_m2: 26.4, number: 'B03-412' })
    const names = tellingColumns(full, [number, use, area, over], 3).map((each) => each.name)
    expect(names).toEqual(['over_m2', 'usable_area_m2', 'use'])
  })

  it('do not repeat the title, nor tell what is not known', () => {
    const sparse = row({ over_m2: null, use: 'office', usable_area_m2: null, number: 'B03-412' })
    expect(tellingColumns(sparse, [number, use, area, over]).map((each) => each.name)).toEqual(['use'])
  })
})
