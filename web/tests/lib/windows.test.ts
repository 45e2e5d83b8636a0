import { describe, expect, it } from 'vitest'

import { daysOf, presetWindow, shift, windowOf } from '@/lib/windows'

describe('windows of observation', () => {
  it.each([
    ['week', '2026-10-05/2026-10-12'],
    ['month', '2026-10-01/2026-10-13'],
    ['last_month', '2026-09-01/2026-10-01'],
    ['quarter', '2026-07-01/2026-10-01'],
    ['year', '2025-10-01/2026-10-01'],
  ] as const)('of the preset %s, seen on 12 October 2026, are %s', (preset, window) => {
    expect(presetWindow(preset, '2026-10-12')).toBe(window)
  })

  it('are picked and read with both days included', () => {
    expect(windowOf('2026-09-01', '2026-09-30')).toBe('2026-09-01/2026-10-01')
    expect(daysOf('2026-09-01/2026-10-01')).toEqual(['2026-09-01', '2026-09-30'])
  })

  it('cross years and leap days', () => {
    expect(shift('2028-02-28', { days: 1 })).toBe('2028-02-29')
    expect(shift('2026-01-01', { months: -1 })).toBe('2025-12-01')
    expect(shift('2026-12-31', { days: 1 })).toBe('2027-01-01')
  })
})
