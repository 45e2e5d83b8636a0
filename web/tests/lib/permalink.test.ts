import { describe, expect, it } from 'vitest'

import { formatView, parseCamera, parseView, type View } from '@/lib/permalink'

const plain: View = {
  camera: null,
  off: null,
  measure: null,
  window: null,
  floor: null,
  selection: null,
  lang: 'zh',
  theme: 'light',
}

describe('the permalink', () => {
  it('comes back as it went out', () => {
    const view: View = {
      camera: { zoom: 17.25, lat: 38.900123, lon: 119.600456, bearing: 0, pitch: 0 },
      off: ['roads', 'sites'],
      measure: 'energy_intensity',
      window: '2026-09-01/2026-10-01',
      floor: -1,
      selection: { layer: 'rooms', id: 412 },
      lang: 'en',
      theme: 'dark',
    }
    const read = parseView(formatView(view), plain)
    expect(read.camera?.zoom).toBe(17.25)
    expect(read.camera?.lat).toBeCloseTo(38.900123, 5)
    expect({ ...read, camera: null }).toEqual({ ...view, camera: null })
  })

  it('keeps turn and tilt', () => {
    const camera = { zoom: 15, lat: 39, lon: 120, bearing: -30.5, pitch: 45 }
    expect(parseView(formatView({ ...plain, camera }), plain).camera).toEqual(camera)
  })

  it('tells all layers on from the choice of the catalogue', () => {
    expect(parseView(formatView({ ...plain, off: [] }), plain).off).toEqual([])
    expect(parseView(formatView(plain), plain).off).toBeNull()
  })

  it('leaves out the window of no measure', () => {
    expect(formatView({ ...plain, window: '2026-09-01/2026-10-01' })).not.toContain('window')
  })

  it.each([
    ['a latitude beyond the pole', 'map=3/91/0'],
    ['half a camera', 'map=3/10'],
    ['words for numbers', 'map=x/y/z'],
    ['a floor between floors', 'floor=1.5'],
    ['a selection without an id', 'sel=rooms/'],
    ['a selection that walks up', 'sel=../1'],
    ['a window that ends before it starts', 'measure=m&window=2026-10-01/2026-09-01'],
    ['an unknown language', 'lang=xx'],
    ['a script', 'measure=<b>'],
  ])('passes over %s', (_, hash) => {
    const read = parseView(`#${hash}`, plain)
    expect({ ...read, measure: null }).toEqual({ ...plain, measure: null })
  })
})

describe('a camera', () => {
  it('holds its tilt within what the map can', () => {
    expect(parseCamera('3/10/20/0/120')?.pitch).toBe(85)
  })
})
