/**
 * A trip between its fixes: where the car was, how fast, which way it faced.
 *
 * Times are seconds since 1970, distances metres, speeds km/h, headings degrees from north.
 */
export type Position = [lon: number, lat: number]

export interface Path {
  coordinates: readonly Position[]
  /** Rising; one for each coordinate. */
  times: readonly number[]
  /** As the terminal told them; null where it told none. */
  speeds_kmh: readonly (number | null)[]
}

export interface Moment {
  time: number
  position: Position
  speed: number | null
  heading: number
}

export interface Stop {
  position: Position
  start: number
  end: number
}

/** The upper bounds of the classes of speed, km/h; what is slower than the first stands. */
export const SPEEDS = [3, 30, 60] as const

const RADIUS_M = 6_371_008.8
const rad = (degrees: number): number => (degrees * Math.PI) / 180

/** Metres between two places on the sphere (haversine). */
export function distance([west, south]: Position, [east, north]: Position): number {
  const dy = Math.sin(rad(north - south) / 2) ** 2
  const dx = Math.cos(rad(south)) * Math.cos(rad(north)) * Math.sin(rad(east - west) / 2) ** 2
  return 2 * RADIUS_M * Math.asin(Math.min(1, Math.sqrt(dy + dx)))
}

/** The way from one place to another, 0 (north) up to 360; null where they are the same. */
export function bearing([west, south]: Position, [east, north]: Position): number | null {
  if (west === east && south === north) return null
  const y = Math.sin(rad(east - west)) * Math.cos(rad(north))
  const x =
    Math.cos(rad(south)) * Math.sin(rad(north)) -
    Math.sin(rad(south)) * Math.cos(rad(north)) * Math.cos(rad(east - west))
  return ((Math.atan2(y, x) * 180) / Math.PI + 360) % 360
}

/** The index of the last fix at or before `time`; 0 before the first. */
export function fixAt(times: readonly number[], time: number): number {
  let [low, high] = [0, times.length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((times[middle] ?? Infinity) <= time) low = middle
    else high = middle - 1
  }
  return low
}

/** A car that stands faces as it came; one that has not moved yet, as it will leave. */
function headingFrom(path: Path, index: number): number {
  const { coordinates } = path
  const between = (i: number): number | null => {
    const [from, to] = [coordinates[i], coordinates[i + 1]]
    return from && to ? bearing(from, to) : null
  }
  for (let i = index; i >= 0; i -= 1) {
    const found = between(i)
    if (found !== null) return found
  }
  for (let i = index + 1; i < coordinates.length - 1; i += 1) {
    const found = between(i)
    if (found !== null) return found
  }
  return 0
}

/** The mean speed from a fix to the next; null at the last, or where no time passes. */
function meanSpeed(path: Path, index: number): number | null {
  const [from, to] = [path.coordinates[index], path.coordinates[index + 1]]
  const seconds = (path.times[index + 1] ?? NaN) - (path.times[index] ?? NaN)
  return from && to && seconds > 0 ? (distance(from, to) / seconds) * 3.6 : null
}

/** The car at `time`: at its first fix before the trip, at its last one after it. */
export function momentAt(path: Path, time: number): Moment {
  const { coordinates, times, speeds_kmh: speeds } = path
  const last = times.length - 1
  const clamped = Math.min(Math.max(time, times[0] ?? time), times[last] ?? time)
  const i = fixAt(times, clamped)
  const from = coordinates[i] ?? [0, 0]
  const to = coordinates[i + 1]
  const heading = headingFrom(path, i)
  const told = speeds[i] ?? null
  if (!to || clamped === times[i]) {
    return { time: clamped, position: [...from], speed: told ?? meanSpeed(path, i), heading }
  }
  const start = times[i] ?? clamped
  const share = (clamped - start) / ((times[i + 1] ?? clamped) - start)
  const mix = (a: number, b: number): number => a + (b - a) * share
  const next = speeds[i + 1] ?? null
  return {
    time: clamped,
    position: [mix(from[0], to[0]), mix(from[1], to[1])],
    speed: told !== null && next !== null ? mix(told, next) : meanSpeed(path, i),
    heading,
  }
}

/** The class of a speed: 0 stands; the last is faster than all bounds. */
export function speedClass(speed: number): number {
  const index = SPEEDS.findIndex((upper) => speed <= upper)
  return index === -1 ? SPEEDS.length : index
}

export interface Run {
  coordinates: Position[]
  speed: number
}

/** The route in pieces of one class of speed each, in their order; every piece has two places or more. */
export function runsOf(path: Path): Run[] {
  const runs: Run[] = []
  for (let i = 0; i < path.coordinates.length - 1; i += 1) {
    const [from, to] = [path.coordinates[i], path.coordinates[i + 1]]
    if (!from || !to) continue
    const speed = speedClass(meanSpeed(path, i) ?? 0)
    const run = runs.at(-1)
    if (run?.speed === speed) run.coordinates.push([...to])
    else runs.push({ coordinates: [[...from], [...to]], speed })
  }
  return runs
}

/** Where the car kept within `within` metres of a fix for `least` seconds or longer. */
export function stopsOf(path: Path, least = 180, within = 50): Stop[] {
  const { coordinates, times } = path
  const stops: Stop[] = []
  let i = 0
  while (i < coordinates.length - 1) {
    const here = coordinates[i]
    if (!here) break
    let j = i
    while (j + 1 < coordinates.length && distance(here, coordinates[j + 1] ?? here) <= within) j += 1
    const [start, end] = [times[i] ?? 0, times[j] ?? 0]
    if (j > i && end - start >= least) {
      stops.push({ position: [...here], start, end })
      i = j
    } else i += 1
  }
  return stops
}

/** The time of the fix before (`by` −1) or after (+1) `time`. */
export function step(times: readonly number[], time: number, by: 1 | -1): number {
  const i = fixAt(times, time)
  const next = by === 1 ? i + 1 : (times[i] ?? time) < time ? i : i - 1
  return times[Math.min(Math.max(next, 0), times.length - 1)] ?? time
}
