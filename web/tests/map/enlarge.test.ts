import type { LayerSpecification } from 'maplibre-gl'
import { describe, expect, it } from 'vitest'

import { enlarged, times } from '@/map/enlarge'

describe('a size for a wall', () => {
  it('multiplies a number', () => expect(times(12, 1.75)).toBe(21))
  it('multiplies what an interpolation gives, not the zooms', () => {
    expect(times(['interpolate', ['linear'], ['zoom'], 10, 8, 18, ['get', 'size']], 2)).toEqual([
      'interpolate', ['linear'], ['zoom'], 10, 16, 18, ['*', 2, ['get', 'size']],
    ])
  })
  it('multiplies what a step gives, not where it steps', () => {
    expect(times(['step', ['zoom'], 4, 15, 6], 2)).toEqual(['step', ['zoom'], 8, 15, 12])
  })
})

describe('a layer for a wall', () => {
  const text = { id: 't', type: 'symbol', source: 's', layout: { 'text-size': 10, 'text-field': 'a' } } as LayerSpecification
  it('has larger text and is otherwise the same', () => {
    expect(enlarged(text, 1.5)).toEqual({ ...text, layout: { 'text-size': 15, 'text-field': 'a' } })
  })
  it('stays the very same on a desk, and where it says no size', () => {
    const line = { id: 'l', type: 'line', source: 's', paint: { 'line-width': 2 } } as LayerSpecification
    expect(enlarged(text, 1)).toBe(text)
    expect(enlarged(line, 2)).toBe(line)
  })
})
