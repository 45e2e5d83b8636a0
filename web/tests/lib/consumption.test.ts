import { describe, expect, it } from 'vitest'

import { optionOf, tellStep } from '@/chart/consumption'
import { dayShown, monthBeside, monthOf, nameOf, stepsOf, whenOf, yearOf, type Bar, type Consumption } from '@/lib/consumption'

const day = (date: number, value: number | null, label: Bar['label']): Bar => ({
  start: `2026-08-0${date}T00:00:00+08:00`, end: `2026-08-0${date + 1}T00:00:00+08:00`, value, label,
})
// E-0144 was silent from 2 to 6 August: 19,400 kWh in all, the days unknown.
const silent: Consumption = {
  meter: { id: 144, title: 'E-0144' }, kind: 'electricity', unit: 'kWh', step: 'day',
  steps: [day(1, 3900, 'measured'), ...[2, 3, 4, 5, 6].map((date) => day(date, null, 'unknown')), day(7, null, 'missing')],
  events: [{
    start: '2026-08-02T00:00:00+08:00', end: '2026-08-07T00:00:00+08:00', at: null, kind: 'gap',
    title: { zh: '中断', en: 'gap' }, consumption: 19400,
  }],
  total: 23300, coverage: 0.9,
}
const context = {
  zone: 'Asia/Shanghai', lang: 'zh' as const, still: true,
  say: (key: string) => key, number: (value: number) => String(value),
  palette: { ink: '#000', quiet: '#111', line: '#222', bar: '#333', surface: '#444', unknown: '#555', mark: '#666', font: 'x' },
}

describe('windows', () => {
  it('are the last twelve months, up to and with today', () => {
    expect(yearOf('2026-10-12')).toBe('2025-11-01/2026-10-13')
  })

  it('are a month, and the months beside it over the turn of the year', () => {
    expect(monthOf('2026-12-31')).toBe('2026-12-01/2027-01-01')
    expect(monthBeside('2026-01-01/2026-02-01', -1)).toBe('2025-12-01/2026-01-01')
    expect(monthBeside('2026-12-01/2027-01-01', 1)).toBe('2027-01-01/2027-02-01')
  })
})

describe('steps', () => {
  it('are named in the time zone of the estate', () => {
    expect(nameOf('2026-08-31T16:00:00Z', 'month', 'Asia/Shanghai')).toBe('2026-09')
    expect(nameOf('2026-08-01T16:00:00Z', 'day', 'Asia/Shanghai')).toBe('08-02')
  })

  it('are touched by an event from its first to its last', () => {
    expect(stepsOf(silent.events[0]!, silent.steps)).toEqual([1, 2, 3, 4, 5])
    const moment = { ...silent.events[0]!, start: '2026-08-01T11:20:00+08:00', end: '2026-08-01T11:20:00+08:00' }
    expect(stepsOf(moment, silent.steps)).toEqual([0])
  })

  it('have a reading that does not count at its own moment, not at that of the one before', () => {
    // W-0031 was read every hour; the reading of 03:00 was a zero.
    const zero = { ...silent.events[0]!, start: '2026-08-03T02:00:00+08:00', end: '2026-08-03T03:00:00+08:00', at: '2026-08-03T03:00:00+08:00', kind: 'spurious_zero' }
    expect(whenOf(zero, 'Asia/Shanghai', 'zh')).toBe('2026-08-03 03:00')
    expect(stepsOf(zero, silent.steps)).toEqual([2])
    // After a silence the reading before is days away; one at midnight ends the day before.
    const late = { ...zero, start: '2026-08-01T00:00:00+08:00', end: '2026-08-04T00:00:00+08:00', at: '2026-08-04T00:00:00+08:00' }
    expect(stepsOf(late, silent.steps)).toEqual([2])
  })

  it('are touched by intervals, which are told from when to when', () => {
    expect(whenOf(silent.events[0]!, 'Asia/Shanghai', 'zh')).toBe('2026-08-02 – 2026-08-07')
    const hours = { ...silent.events[0]!, end: '2026-08-02T09:00:00+08:00' }
    expect(whenOf(hours, 'Asia/Shanghai', 'en')).toBe('02 Aug 2026, 00:00 – 09:00')
  })

  it('are looked at closer in the month of the last event, else of the last that is known', () => {
    expect(dayShown(silent, 'Asia/Shanghai')).toBe('2026-08-02')
    expect(dayShown({ ...silent, events: [] }, 'Asia/Shanghai')).toBe('2026-08-01')
    expect(dayShown({ ...silent, events: [], steps: [] }, 'Asia/Shanghai')).toBeNull()
  })

  it('tell their value, or why there is none, and what happened in them', () => {
    expect(tellStep(silent, 0, context)).toEqual(['08-01', '3900 kWh'])
    expect(tellStep(silent, 2, context)).toEqual(['08-03', 'meter.label.unknown', '中断 19400 kWh'])
    expect(tellStep(silent, 6, context)).toEqual(['08-07', 'meter.label.missing'])
  })
})

describe('the chart', () => {
  const option = optionOf(silent, context) as { series: { name: string; data: unknown[] }[]; tooltip: { renderMode: string } }
  const series = (name: string): unknown[] => option.series.find((each) => each.name === name)!.data

  it('draws no bar where nothing is known, and hatches the step instead', () => {
    expect(series('value')).toEqual([3900, null, null, null, null, null, null])
    expect(series('unknown').map((each) => each !== null)).toEqual([false, true, true, true, true, true, true])
  })

  it('marks the steps of events and writes tooltips without HTML', () => {
    expect(series('events')).toEqual([[1, 1], [2, 1], [3, 1], [4, 1], [5, 1]])
    expect(option.tooltip.renderMode).toBe('richText')
  })
})
