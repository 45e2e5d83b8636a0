import { describe, expect, it } from 'vitest'

import { scaleBar, tellArea, tellLength } from '@/lib/measuring'
import { uncovered } from '@/lib/printing'

describe('a length', () => {
  it.each([
    [0, '0 m'],
    [41.26, '41.3 m'],
    [999.9, '999.9 m'],
    [1000, '1 km'],
    [45_312, '45.31 km'],
  ])('of %d metres is told as %s', (metres, words) => {
    expect(tellLength(metres, 'zh')).toBe(words)
  })
})

describe('an area', () => {
  it.each([
    [26.44, '26.4 m²'],
    [9999.4, '9,999 m²'],
    [10_000, '1 ha（10,000 m²）'],
    [103_452, '10.35 ha（103,452 m²）'],
  ])('of %d square metres is told as %s', (area, words) => {
    expect(tellArea(area, 'zh')).toBe(words)
  })

  it('is bracketed as the language does', () => {
    expect(tellArea(12_000, 'en')).toBe('1.2 ha (12,000 m²)')
  })
})

describe('a bar of scale', () => {
  it.each([
    // metres to a pixel, most pixels, metres shown
    [1, 100, 100],
    [0.9, 100, 50],
    [0.3, 100, 20],
    [7, 300, 2000],
    [0.01, 100, 1],
  ])('at %d m to a pixel and up to %d pixels shows %d m', (perPixel, most, metres) => {
    const bar = scaleBar(perPixel, most)
    expect(bar.metres).toBe(metres)
    expect(bar.pixels).toBeCloseTo(metres / perPixel, 9)
    expect(bar.pixels).toBeLessThanOrEqual(most)
  })
})

describe('the picture that is printed', () => {
  it('is the part of the map that no panel covers', () => {
    const covered = { top: 0, right: 380, bottom: 0, left: 320 }
    expect(uncovered(2560, 1600, covered, 2)).toEqual({ left: 640, top: 0, width: 1160, height: 1600 })
  })

  it('is never nothing', () => {
    expect(uncovered(100, 100, { top: 0, right: 80, bottom: 200, left: 80 }, 1)).toMatchObject({ width: 1, height: 1 })
  })
})
