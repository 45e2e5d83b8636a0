import { validateStyleMin } from '@maplibre/maplibre-gl-style-spec'
import type { StyleSpecification } from 'maplibre-gl'
import { describe, expect, it } from 'vitest'

import { compose } from '@/map/compose'
import { idsOf, marksOverlay, onOtherFloor, ringOverlay, type Marks } from '@/map/marks'
import { keepLive } from '@/map/overlay'
import { coloured, stackOverlay } from '@/map/stack'
import { tripOverlay } from '@/map/trip'

const base: StyleSpecification = {
  version: 8,
  sources: { 'onemap-rooms': { type: 'vector', tiles: ['http://127.0.0.1/{z}/{x}/{y}'] } },
  layers: [
    { id: 'land', type: 'background', paint: { 'background-color': '#fff' } },
    { id: 'rooms', type: 'fill', source: 'onemap-rooms', 'source-layer': 'rooms', paint: {} },
  ],
}
const marks: Marks = { tiles: 'http://127.0.0.1/lists/rooms/tiles/{z}/{x}/{y}', layer: 'rooms', tone: 'bad', shapes: 'onemap-rooms' }
const choice = { off: [], answer: null, theme: 'light', floored: ['rooms'], floor: 1, selection: null, still: true } as const

describe('what the page draws on the service’s style', () => {
  const path = { coordinates: [[0, 0], [1, 1]] as [number, number][], times: [0, 60], speeds_kmh: [null, null] }
  const words = { start: 'a', end: 'b', stop: (n: number) => `${n}` }
  const square = { type: 'Polygon' as const, coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] }
  const room = { level_id: 1, ordinal: 0, base_m: 0, top_m: 3.6, number: '1', name: null, use: 'office', state: 'vacant' }
  const rooms = { type: 'FeatureCollection' as const, features: [{ type: 'Feature' as const, id: 1, geometry: square, properties: room }] }

  it.each(['light', 'dark'] as const)('is a valid style in the %s', (theme) => {
    const stacked = { rooms: coloured(rooms, 'use', null, theme), gap: 4, floor: 0, selected: 1 }
    for (const tone of ['bad', 'attention', 'neutral'] as const) {
      const made = compose(base, {
        ...choice,
        theme,
        below: [stackOverlay(stacked, theme)],
        above: [tripOverlay(path, words, theme), ringOverlay([0, 0], theme), marksOverlay({ ...marks, tone }, theme)],
        stacked: true,
        tilted: true,
      })
      // Text without a font address is drawn from the reader's fonts; the validator cannot know.
      expect(validateStyleMin(made as never).filter((each) => !/glyphs/.test(each.message))).toEqual([])
    }
  })

  it('outlines listed rooms on the floor that is drawn alone', () => {
    const made = compose(base, { ...choice, above: [marksOverlay(marks, 'light')] })
    const outline = made.layers.find((layer) => layer.id === 'list-outline')
    expect(JSON.stringify(outline)).toContain('ordinal')
    expect(made.layers.map((layer) => layer.id).slice(-4)).toEqual(['list-pin-title', 'list-bubble', 'list-pin', 'list-bubble-count'])
  })

  it('places the number of the larger bubble first, as wide as a bubble, and titles after all numbers', () => {
    const { layers } = marksOverlay(marks, 'light')
    const counts = layers.at(-1)
    expect(counts?.id).toBe('list-bubble-count')
    const layout = counts?.layout as Record<string, unknown>
    expect(layout['symbol-sort-key']).toEqual(['-', ['get', 'n']])
    expect(layout['text-padding']).not.toBe(0)
    // Its circle stays where a number gives way.
    expect(layers.find((layer) => layer.id === 'list-bubble')?.type).toBe('circle')
  })

  it('is told apart by shape as well as by colour', () => {
    const icons = (['bad', 'attention', 'neutral'] as const).map((tone) => {
      const pin = marksOverlay({ ...marks, tone }, 'light').layers.find((layer) => layer.id === 'list-pin')
      return (pin?.layout as Record<string, unknown>)['icon-image']
    })
    expect(new Set(icons).size).toBe(3)
  })
})

describe('a mark', () => {
  it('tells one id, or those of a bubble', () => {
    expect(idsOf({ n: 1, id: 7, ids: '7' })).toEqual([7])
    expect(idsOf({ n: 3, ids: '7,8,9' })).toEqual([7, 8, 9])
    expect(idsOf({ n: 3 })).toEqual([])
  })

  it('lies on another floor when none of its own is drawn', () => {
    expect(onOtherFloor({ ordinals: '0,1' }, 1)).toBe(false)
    expect(onOtherFloor({ ordinals: '0,1' }, 2)).toBe(true)
    expect(onOtherFloor({ ordinal: -1 }, 0)).toBe(true)
    expect(onOtherFloor({ name: 'x' }, 0)).toBe(false)
  })
})

describe('a change of the style', () => {
  const drawn: StyleSpecification = {
    version: 8,
    sources: {
      'td-linestring': { type: 'geojson', data: { type: 'FeatureCollection', features: [] } },
      'live-car': { type: 'geojson', data: 'http://127.0.0.1/moved' },
      old: { type: 'geojson', data: 'http://127.0.0.1/old' },
    },
    layers: [
      { id: 'old', type: 'line', source: 'old' },
      { id: 'td-linestring', type: 'line', source: 'td-linestring' },
    ],
  }

  it('leaves what is being measured and where the car is', () => {
    const wanted: StyleSpecification = { ...base, sources: { ...base.sources, 'live-car': { type: 'geojson', data: 'http://127.0.0.1/start' } } }
    const kept = keepLive(drawn, wanted)
    expect(kept.sources['live-car']).toEqual(drawn.sources['live-car'])
    expect(kept.layers.map((layer) => layer.id)).toEqual(['land', 'rooms', 'td-linestring'])
    expect(kept.sources).not.toHaveProperty('old')
  })

  it('takes the car away with its trip', () => {
    expect(keepLive(drawn, base).sources).not.toHaveProperty('live-car')
  })
})
