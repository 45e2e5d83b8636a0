import { describe, expect, it } from 'vitest'

import { isFar } from '@/lib/near'

describe('whether the map goes to what is selected', () => {
  const inSight = (place: [number, number] | null): boolean => place === null || place[0] < 10
  const here: [number, number] = [1, 1]
  const away: [number, number] = [20, 1]
  const drawn = { now: 17, drawnFrom: 16 }
  const not = { now: 14, drawnFrom: 16 }

  it('goes to what was chosen in a list and is out of sight, or drawn from nearer by alone', () => {
    const listed = { at: null }
    expect(isFar(here, listed, drawn, inSight)).toBe(false)
    expect(isFar(here, listed, not, inSight)).toBe(true)
    expect(isFar(away, listed, drawn, inSight)).toBe(true)
  })

  it('stays with what was clicked, though its middle be out of sight', () => {
    expect(isFar(away, { at: here }, not, inSight)).toBe(false)
    // The panel that opened lies over it.
    expect(isFar(here, { at: away }, drawn, inSight)).toBe(true)
  })

  it('looks from as far as a link says', () => {
    expect(isFar(here, null, not, inSight)).toBe(false)
    expect(isFar(away, null, drawn, inSight)).toBe(true)
  })

  it('has nowhere to go for what has no place', () => {
    expect(isFar(null, null, drawn, inSight)).toBe(false)
  })
})
