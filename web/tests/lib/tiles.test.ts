import { describe, expect, it } from 'vitest'

import { tilesOf } from '@/lib/tiles'

const key = ({ z, x, y }: { z: number; x: number; y: number }): string => `${z}/${x}/${y}`

describe('tilesOf', () => {
  it('names the tile of every zoom that a place lies in', () => {
    const found = tilesOf([[119.6005, 38.9, 119.6005, 38.9]], 16, 18)?.map(key)
    expect(found).toEqual(['16/54540/25069', '17/109081/50139', '18/218162/100279'])
  })

  it('names the neighbour too where the place is in what that one draws beyond its edge', () => {
    // Longitude 0 is the edge of two columns at every zoom above 0.
    expect(tilesOf([[0.00001, 10, 0.00002, 10]], 3, 3)?.map(key)).toEqual(['3/3/3', '3/4/3'])
  })

  it('names a tile of two extents once', () => {
    expect(tilesOf([[119.6, 38.9, 119.6, 38.9], [119.6, 38.9, 119.6, 38.9]], 16, 16)).toHaveLength(1)
  })

  it('gives up on what is too much to be told', () => {
    expect(tilesOf([[-180, -80, 180, 80]], 0, 14)).toBeNull()
  })
})
