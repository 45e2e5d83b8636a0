import { validateStyleMin } from '@maplibre/maplibre-gl-style-spec'
import type { SourceSpecification, StyleSpecification } from 'maplibre-gl'
import { describe, expect, it } from 'vitest'

import type { MeasureAnswer } from '@/api/types'
import { NO_DATA } from '@/lib/classes'
import { compose, layerName, layerOfTile, type Choice } from '@/map/compose'

const vector: SourceSpecification = { type: 'vector', tiles: ['http://127.0.0.1/{z}/{x}/{y}'] }
const base: StyleSpecification = {
  version: 8,
  sources: { 'onemap-sites': vector, 'onemap-rooms': vector, 'onemap-blocks': vector },
  layers: [
    { id: 'land', type: 'background', paint: { 'background-color': '#fff' } },
    { id: 'blocks', type: 'fill', source: 'onemap-blocks', 'source-layer': 'blocks', paint: {} },
    { id: 'sites', type: 'fill', source: 'onemap-sites', 'source-layer': 'sites', paint: { 'fill-opacity': 0.5 } },
    { id: 'rooms', type: 'fill', source: 'onemap-rooms', 'source-layer': 'rooms', paint: {}, filter: ['has', 'name'] },
    { id: 'rooms-label', type: 'symbol', source: 'onemap-rooms', 'source-layer': 'rooms', layout: {} },
  ],
}
const choice: Choice = {
  off: [],
  answer: null,
  theme: 'light',
  floored: [],
  floor: 0,
  selection: null,
  still: false,
}
const measured: MeasureAnswer = {
  measure: 'vacancy',
  layer: 'sites',
  ids: [1],
  values: [1],
  numerator: [1],
  denominator: [1],
  coverage: [1],
  unit: { zh: '', en: '' },
  breaks: [0.5],
  colors: ['#111111', '#222222'],
  colors_dark: [],
  editions: [],
  at: '2026-10-12T09:00:00+08:00',
  window: null,
}
const layer = (style: StyleSpecification, id: string) =>
  style.layers.find((each) => each.id === id) as unknown as Record<string, Record<string, unknown>>

describe('the style that is drawn', () => {
  it('is a valid style whatever was chosen', () => {
    const made = compose(base, {
      ...choice,
      off: ['blocks'],
      answer: measured,
      floored: ['rooms'],
      floor: -1,
      selection: { type: 'Point', coordinates: [119.6, 38.9] },
    })
    // Text without a font address is drawn from the reader's fonts; the validator cannot know.
    expect(validateStyleMin(made as never).filter((each) => !/glyphs/.test(each.message))).toEqual([])
  })

  it('hides a layer with its outline and label', () => {
    const made = compose(base, { ...choice, off: ['rooms'] })
    expect(layer(made, 'rooms').layout?.visibility).toBe('none')
    expect(layer(made, 'rooms-label').layout?.visibility).toBe('none')
    expect(layer(made, 'sites').layout?.visibility).toBe('visible')
  })

  it('shows what the service hid, once the reader wants it', () => {
    const hidden = structuredClone(base)
    hidden.layers[2] = { ...hidden.layers[2], layout: { visibility: 'none' } } as never
    expect(layer(compose(hidden, choice), 'sites').layout?.visibility).toBe('visible')
  })

  it('colours the measured layer and lets areas above it step back', () => {
    const made = compose(base, { ...choice, answer: measured })
    expect(JSON.stringify(layer(made, 'sites').paint?.['fill-color'])).toContain(NO_DATA.light)
    expect(layer(made, 'rooms').paint?.['fill-opacity']).toBeLessThan(0.2)
    expect(layer(made, 'blocks').paint?.['fill-opacity']).toBeUndefined()
  })

  it('adds the floor to the filter that a layer has', () => {
    const made = compose(base, { ...choice, floored: ['rooms'], floor: 2 })
    expect(layer(made, 'rooms').filter).toEqual(['all', ['has', 'name'], expect.anything()])
    expect(layer(made, 'rooms-label').filter).toBeDefined()
    expect(layer(made, 'sites').filter).toBeUndefined()
  })

  it('leaves the service’s style as it was', () => {
    const before = JSON.stringify(base)
    compose(base, { ...choice, off: ['rooms'], answer: measured, floored: ['rooms'] })
    expect(JSON.stringify(base)).toBe(before)
  })

  it('does not move where motion is unwanted', () => {
    expect(compose(base, { ...choice, still: true }).transition?.duration).toBe(0)
  })
})

describe('the layer that a style layer draws', () => {
  it('is told by its source', () => {
    const raster = { id: 'imagery-3', type: 'raster', source: 'onemap-imagery-3' } as const
    expect(layerName(raster)).toBe('imagery')
    expect(layerName(base.layers[0]!)).toBeNull()
  })

  it('knows the points of names as their layer', () => {
    const named = { id: 'rooms-label', type: 'symbol', source: 'onemap-rooms', 'source-layer': 'rooms-label' } as const
    expect(layerName(named)).toBe('rooms')
    expect(layerOfTile('rooms')).toBe('rooms')
    expect(layerOfTile('network_nodes')).toBe('network_nodes')
    const style = { ...base, layers: [...base.layers.slice(0, -1), named] }
    const made = compose(style as StyleSpecification, { ...choice, off: ['rooms'], floored: ['rooms'], floor: 2 })
    expect(layer(made, 'rooms-label').layout?.visibility).toBe('none')
    expect(JSON.stringify(layer(made, 'rooms-label').filter)).toContain('ordinals')
  })
})
