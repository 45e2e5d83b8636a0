import { describe, expect, it } from 'vitest'

import { age, alike, bounds, counted, day, exact, moment, number, quantity, tr, unitOf, unitWords, withUnitOf } from '@/lib/format'

describe('numbers', () => {
  it.each([
    [1234.56, '1,235'],
    [12.345, '12.3'],
    [0.04567, '0.0457'],
    [0, '0'],
    [-3.21, '-3.2'],
  ])('%s reads %s', (value, text) => expect(number(value, 'en')).toBe(text))

  it('of facts keep their digits', () => expect(exact(48210.512, 'zh')).toBe('48,210.512'))

  it.each([
    [[2.5601, 2.5958, 2.7044, 2.9424], ['2.56', '2.60', '2.70', '2.94']],
    [[10, 20, 30], ['10', '20', '30']],
    [[0, 1.3333, 2], ['0', '1.33', '2.00']],
    [[1200, 1500.4], ['1,200', '1,500']],
    [[], []],
  ])('%o that bound classes are told apart as %o', (values, texts) => {
    expect(values.map(bounds(values, 'en'))).toEqual(texts)
  })
})

describe('moments', () => {
  const early = '2026-10-12T01:00:00Z'

  it('are told in the time zone of the estate', () => {
    expect(moment(early, 'Asia/Shanghai', 'zh')).toBe('2026-10-12 09:00')
    expect(moment(early, 'Asia/Shanghai', 'en')).toBe('12 Oct 2026, 09:00')
    expect(day('2026-10-11T17:00:00Z', 'Asia/Shanghai')).toBe('2026-10-12')
  })

  it('have an age in the largest unit that fits', () => {
    const now = new Date(early).getTime()
    expect(age('2026-10-08T09:20:00Z', now, 'zh')).toBe('3 天前')
    expect(age('2026-10-12T00:11:00Z', now, 'en')).toBe('49 minutes ago')
  })
})

describe('texts', () => {
  it('fall back to Chinese', () => {
    expect(tr({ zh: '房间', en: 'Rooms' }, 'en')).toBe('Rooms')
    expect(tr('房间', 'en')).toBe('房间')
    expect(tr(null, 'en')).toBe('')
  })
})

describe('counted', () => {
  it('names one thing in the singular where the language has one', () => {
    const bodies = { zh: '个', en: 'bodies' }
    expect(counted(bodies, 1, 'en')).toBe('body')
    expect(counted(bodies, 0, 'en')).toBe('bodies')
    expect(counted(bodies, 1, 'zh')).toBe('个')
    expect(counted({ zh: '人', en: 'people' }, 1, 'en')).toBe('person')
    expect(counted({ zh: '次', en: 'trips' }, null, 'en')).toBe('trips')
  })
})

describe('numbers below each other', () => {
  const written = (values: number[], most?: number): string[] => values.map(alike(values, 'zh', most))

  it('have the decimals of the largest', () => {
    expect(written([0.384, 1, 0.679, 0.88])).toEqual(['0.384', '1.000', '0.679', '0.880'])
    expect(written([0.868, 2.4, 0.975])).toEqual(['0.87', '2.40', '0.98'])
    expect(written([5.2, 19.3, 19.06])).toEqual(['5.2', '19.3', '19.1'])
    expect(written([1234.5, 12.25])).toEqual(['1,235', '12'])
  })

  it('have none where all are whole, and no more than they may', () => {
    expect(written([4, 12])).toEqual(['4', '12'])
    expect(written([7.25, 3.5], 1)).toEqual(['7.3', '3.5'])
    expect(written([])).toEqual([])
  })
})

describe('units', () => {
  unitWords.value = { 人: { zh: '人', en: 'people' }, 元: { zh: '元', en: 'CNY' } }

  it('that are words are said in the language of the reader', () => {
    expect(unitOf('人', 'zh')).toBe('人')
    expect(unitOf('人', 'en')).toBe('people')
    expect(quantity(1, '人', 'en')).toBe('1 person')
    expect(withUnitOf(5600.5, '元', 'en')).toBe('5,600.5 CNY')
  })

  it('that are signs are the same for all', () => {
    expect(unitOf('m²', 'en')).toBe('m²')
    expect(unitOf('s', 'en', 1)).toBe('s')
    expect(unitOf(null, 'en')).toBe('')
  })
})
