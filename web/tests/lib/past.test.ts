import { describe, expect, it } from 'vitest'

import type { ChangeMark } from '@/api/past'
import { clustered, fromLocal, importOf, inEffect, nextMark, ticksOf, toLocal, within, zoomed } from '@/lib/past'

const ZONE = 'Asia/Shanghai'
const at = (text: string): number => Date.parse(text)
const mark = (seq: number, time: string): ChangeMark => ({ seq, at: time, actor: null, reason: null, undoes: null, counts: {}, bbox: null })

describe('the moment from which on a change is in effect', () => {
  it('is the first whole millisecond that is not before it', () => {
    expect(inEffect('2026-10-12T08:01:32.505497+08:00')).toBe(at('2026-10-12T00:01:32.506Z'))
    expect(inEffect('2026-10-12T08:01:32.505000+08:00')).toBe(at('2026-10-12T00:01:32.505Z'))
    expect(inEffect('2026-10-12T08:01:32+08:00')).toBe(at('2026-10-12T00:01:32Z'))
  })
})

describe('a control for date and time', () => {
  it('counts in the zone of the estate', () => {
    expect(toLocal(at('2026-10-12T00:01:32Z'), ZONE)).toBe('2026-10-12T08:01:32')
    expect(fromLocal('2026-10-12T08:01:32', ZONE)).toBe(at('2026-10-12T00:01:32Z'))
    expect(fromLocal('2026-10-12T08:01', ZONE)).toBe(at('2026-10-12T00:01:00Z'))
    expect(fromLocal('', ZONE)).toBeNull()
  })

  it('goes over a change of the clocks', () => {
    for (const text of ['2026-03-29T01:30:00', '2026-03-29T03:30:00', '2026-10-25T04:00:00']) {
      expect(toLocal(fromLocal(text, 'Europe/Berlin') ?? 0, 'Europe/Berlin')).toBe(text)
    }
  })
})

describe('the scale', () => {
  const whole = [at('2026-10-01T00:00:00+08:00'), at('2026-10-31T00:00:00+08:00')] as const

  it('has ticks on round times of the zone', () => {
    const days = ticksOf(whole, 6, ZONE)
    expect(days.length).toBeLessThanOrEqual(7)
    expect(days.every((tick) => toLocal(tick.at, ZONE).endsWith('T00:00:00') && tick.unit === 'day')).toBe(true)
    const minute = ticksOf([whole[0], whole[0] + 60_000], 6, ZONE)
    expect(minute[0]?.unit).toBe('second')
  })

  it('zooms round a point and stays within the record', () => {
    const near = zoomed(whole, 0.5, whole[1], whole)
    expect(near[1]).toBe(whole[1])
    expect(near[1] - near[0]).toBe((whole[1] - whole[0]) / 2)
    expect(zoomed(near, 100, near[0], whole)).toEqual([...whole])
    const least = zoomed([whole[0], whole[0] + 12_000], 0.1, whole[0], whole)
    expect(least[1] - least[0]).toBe(10_000)
    expect(within([whole[0] - 5000, whole[0] + 5000], whole)).toEqual([whole[0], whole[0] + 10_000])
  })
})

describe('marks', () => {
  const sets = [mark(3, '2026-10-12T08:01:32Z'), mark(2, '2026-10-12T08:01:30Z'), mark(1, '2026-10-12T08:00:00Z')]

  it('that cannot be told apart are one', () => {
    expect(clustered(sets, 5000).map((each) => each.sets.map(({ seq }) => seq))).toEqual([[3, 2], [1]])
    expect(clustered(sets, 1000)).toHaveLength(3)
  })

  it('are gone through one by one', () => {
    const now = at('2026-10-12T09:00:00Z')
    expect(nextMark(sets, now, -1)).toBe(at('2026-10-12T08:01:32Z'))
    expect(nextMark(sets, at('2026-10-12T08:01:32Z'), -1)).toBe(at('2026-10-12T08:01:30Z'))
    expect(nextMark(sets, now, 1)).toBeNull()
  })

  it('tell imports from what a person did', () => {
    expect(importOf('import vehicles 车辆 2026')).toEqual({ kind: 'vehicles', source: '车辆 2026' })
    expect(importOf('重新分配')).toBeNull()
    expect(importOf(null)).toBeNull()
  })
})
