import { describe, expect, it } from 'vitest'

import { bearing, distance, fixAt, momentAt, runsOf, speedClass, step, stopsOf, type Path } from '@/lib/replay'

// North for 100 s, stands 200 s, then east for 100 s; a degree of latitude is 111.195 km.
const path: Path = {
  coordinates: [
    [119.6, 38.9],
    [119.6, 38.91],
    [119.6, 38.91],
    [119.61, 38.91],
  ],
  times: [1000, 1100, 1300, 1400],
  speeds_kmh: [30, 50, 0, null],
}

describe('the car of a trip', () => {
  it('is at a fix at the time of that fix', () => {
    const at = momentAt(path, 1100)
    expect(at.position).toEqual([119.6, 38.91])
    expect(at.speed).toBe(50)
  })

  it('is between two fixes as far along as the time is', () => {
    const at = momentAt(path, 1025)
    expect(at.position[0]).toBeCloseTo(119.6, 10)
    expect(at.position[1]).toBeCloseTo(38.9025, 10)
    expect(at.speed).toBeCloseTo(35, 10)
    expect(at.heading).toBeCloseTo(0, 6)
  })

  it('waits at the first fix before the trip, and at the last one after it', () => {
    expect(momentAt(path, 0)).toMatchObject({ time: 1000, position: [119.6, 38.9], speed: 30 })
    expect(momentAt(path, 9999)).toMatchObject({ time: 1400, position: [119.61, 38.91] })
  })

  it('keeps its place and its heading while it stands', () => {
    const at = momentAt(path, 1200)
    expect(at.position).toEqual([119.6, 38.91])
    expect(at.heading).toBeCloseTo(0, 6)
  })

  it('has the mean speed of the way where the terminal told none', () => {
    // 0.01° of longitude at 38.91° N in 100 s: 111,195 m × 0.01 × cos 38.91° = 865.2 m.
    expect(momentAt(path, 1350).speed).toBeCloseTo((865.2 / 100) * 3.6, 1)
  })

  it('has no speed after the last fix where none was told', () => {
    expect(momentAt(path, 1400).speed).toBeNull()
  })

  it('faces as it will leave while it has not moved', () => {
    const waiting: Path = { coordinates: [[0, 0], [0, 0], [1, 0]], times: [0, 10, 20], speeds_kmh: [0, 0, 0] }
    expect(momentAt(waiting, 5).heading).toBeCloseTo(90, 6)
  })

  it('stands where its only fix is', () => {
    const one: Path = { coordinates: [[1, 2]], times: [5], speeds_kmh: [null] }
    expect(momentAt(one, 7)).toEqual({ time: 5, position: [1, 2], speed: null, heading: 0 })
  })
})

describe('the parts of a trip', () => {
  it('are told by the time', () => {
    expect([0, 1000, 1099, 1100, 1399, 5000].map((time) => fixAt(path.times, time))).toEqual([0, 0, 0, 1, 2, 3])
  })

  it('are one run for each class of speed', () => {
    // 1,112 m in 100 s = 40 km/h; standing; 865 m in 100 s = 31 km/h.
    expect(runsOf(path).map((run) => [run.speed, run.coordinates.length])).toEqual([[2, 2], [0, 2], [2, 2]])
    expect(runsOf({ coordinates: [[0, 0]], times: [0], speeds_kmh: [0] })).toEqual([])
  })

  it('class a speed with its upper bound', () => {
    expect([0, 3, 3.1, 30, 60, 61].map(speedClass)).toEqual([0, 0, 1, 1, 2, 3])
  })

  it('have a stop where the car stood for three minutes', () => {
    expect(stopsOf(path)).toEqual([{ position: [119.6, 38.91], start: 1100, end: 1300 }])
    expect(stopsOf(path, 201)).toEqual([])
  })

  it('are stepped through fix by fix', () => {
    expect(step(path.times, 1000, 1)).toBe(1100)
    expect(step(path.times, 1050, -1)).toBe(1000)
    expect(step(path.times, 1100, -1)).toBe(1000)
    expect(step(path.times, 1000, -1)).toBe(1000)
    expect(step(path.times, 1400, 1)).toBe(1400)
  })
})

describe('ways on the sphere', () => {
  it('are as long and as turned as the formulas of navigation say', () => {
    expect(distance([119.6, 38.9], [119.6, 39.9])).toBeCloseTo(111_195, -1)
    expect(bearing([0, 0], [0, -1])).toBeCloseTo(180, 6)
    expect(bearing([0, 0], [-1, 0])).toBeCloseTo(270, 6)
    expect(bearing([5, 5], [5, 5])).toBeNull()
  })
})
