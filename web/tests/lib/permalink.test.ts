import { describe, expect, it } from 'vitest'

import { formatView, parseCamera, parseView, stepOf, type View } from '@/lib/permalink'

const plain: View = {
  camera: null,
  space: null,
  list: null,
  sort: null,
  find: null,
  where: null,
  place: null,
  table: false,
  columns: null,
  unit: null,
  stack: null,
  trip: null,
  at: null,
  since: null,
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
      space: 'space',
      list: { layer: 'persons', named: 'over_area_standard' },
      sort: '-over_m2,name',
      find: '周 & 吴',
      where: 'rank~deputy,clerk;area~10..20',
      place: 'level/14',
      table: true,
      columns: ['number', 'use'],
      unit: 17,
      stack: 3,
      trip: 993,
      at: '2026-10-12T00:01:32.506Z',
      since: '2026-10-11T16:00:00Z',
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

  it('tells the whole of a layer from what a named filter selects of it', () => {
    const hash = formatView({ ...plain, list: { layer: 'rooms', named: null } })
    expect(hash).toContain('list=rooms&')
    expect(parseView(hash, plain).list).toEqual({ layer: 'rooms', named: null })
  })

  it('leaves out how no list is narrowed', () => {
    const hash = formatView({ ...plain, sort: 'name', find: 'x', where: 'a~b', place: 'level/1', table: true })
    expect(hash).toBe(formatView(plain))
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
    ['a list that walks up', 'list=../x'],
    ['a filter without a name', 'list=rooms:'],
    ['a place that is none', 'place=planet/3'],
    ['a sort that is a sentence', 'sort=name desc; drop'],
    ['a unit that is no number', 'unit=all'],
    ['a workspace of other signs', 'space=<b>'],
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

describe('a step of the browser', () => {
  it.each<[string, Partial<View>]>([
    ['a workspace', { space: 'fleet' }],
    ['a list', { list: { layer: 'rooms', named: null } }],
    ['a selection', { selection: { layer: 'rooms', id: 1 } }],
    ['a unit', { unit: 2 }],
    ['a replayed trip', { trip: 3 }],
    ['the past', { at: '2026-10-12T00:00:00Z' }],
    ['a comparison', { since: '2026-10-12T00:00:00Z' }],
  ])('is %s', (_, change) => {
    expect(stepOf({ ...plain, ...change })).not.toBe(stepOf(plain))
  })

  it.each<[string, Partial<View>]>([
    ['the camera', { camera: { zoom: 3, lat: 1, lon: 2, bearing: 0, pitch: 0 } }],
    ['the theme', { theme: 'dark' }],
    ['a floor', { floor: 2 }],
  ])('is not %s', (_, change) => {
    expect(stepOf({ ...plain, ...change })).toBe(stepOf(plain))
  })
})
