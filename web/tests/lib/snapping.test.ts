import { describe, expect, it } from 'vitest'

import type { Geometry, Position } from 'geojson'

import { crosses, gridOf, holds, metresApart, middleOf, snapTo } from '@/lib/snapping'

const square: Geometry = { type: 'Polygon', coordinates: [[[0, 0], [100, 0], [100, 100], [0, 100], [0, 0]]] }
const project = ([x = 0, y = 0]: Position): { x: number; y: number } => ({ x, y })

describe('snapTo', () => {
  const grid = gridOf([square])

  it('means a corner before an edge', () => {
    expect(snapTo(grid, { x: 92, y: 3 }, project)).toEqual([100, 0])
  })

  it('means the place on an edge that is nearest', () => {
    expect(snapTo(grid, { x: 50, y: -6 }, project)).toEqual([50, 0])
  })

  it('means nothing far from both', () => {
    expect(snapTo(grid, { x: 50, y: 50 }, project)).toBeNull()
  })
})

describe('a ring', () => {
  it('that is a bow tie crosses itself', () => {
    expect(crosses([[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]])).toBe(true)
    expect(crosses([[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]])).toBe(false)
  })
})

describe('an area', () => {
  it('holds what lies in it and not what lies in its hole', () => {
    const holed: Geometry = { type: 'MultiPolygon', coordinates: [[...square.coordinates, [[40, 40], [60, 40], [60, 60], [40, 60], [40, 40]]]] }
    expect(holds(holed, [10, 10])).toBe(true)
    expect(holds(holed, [50, 50])).toBe(false)
    expect(holds(holed, [110, 10])).toBe(false)
  })

  it('has its middle in the middle', () => {
    expect(middleOf(square)).toEqual([50, 50])
  })
})

it('a degree of longitude is shorter away from the equator', () => {
  expect(metresApart([119, 60], [119.001, 60])).toBeCloseTo(55.66, 1)
})
