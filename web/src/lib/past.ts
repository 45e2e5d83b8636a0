/** Time as the slider has it: a scale with its ticks, marks that lie together, days of a zone. */
import type { ChangeMark } from '@/api/past'

/** From and to, in milliseconds since 1970. */
export type Span = readonly [from: number, to: number]

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** No span is narrower: marks are told apart by seconds. */
export const NARROWEST = 10 * SECOND

/**
 * The first millisecond at which a recorded change is in effect: the service counts in
 * microseconds, the page does not.
 */
export function inEffect(recorded: string): number {
  const ms = new Date(recorded).getTime()
  const micros = /\.\d{3}(\d+)/.exec(recorded)?.[1] ?? ''
  return /[1-9]/.test(micros) ? ms + 1 : ms
}

/** How far east of UTC a zone is at a moment, in milliseconds. */
function offsetAt(ms: number, zone: string): number {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone, hourCycle: 'h23',
    year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
  }).formatToParts(ms)
  const part = (type: string): number => Number(parts.find((each) => each.type === type)?.value)
  const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
  return local - Math.floor(ms / SECOND) * SECOND
}

/** A moment as a control for date and time holds it, in the estate's zone. */
export const toLocal = (ms: number, zone: string): string =>
  new Date(ms + offsetAt(ms, zone)).toISOString().slice(0, 19)

/** The moment that a control for date and time names, or null. */
export function fromLocal(text: string, zone: string): number | null {
  const ms = Date.parse(`${text}Z`)
  if (Number.isNaN(ms)) return null
  // Twice: near a change of the clocks the first guess may lie on its other side.
  const guess = ms - offsetAt(ms, zone)
  return ms - offsetAt(guess, zone)
}

const STEPS = [
  SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND,
  MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE,
  HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 91 * DAY, 365 * DAY,
]

export interface Tick {
  at: number
  /** What a label tells at this step. */
  unit: 'second' | 'minute' | 'day'
}

/** At most `most` ticks in a span, on round times of the zone. */
export function ticksOf([from, to]: Span, most: number, zone: string): Tick[] {
  const step = STEPS.find((each) => (to - from) / each <= most) ?? Math.ceil((to - from) / most / DAY) * DAY
  const offset = offsetAt(from, zone)
  const unit = step < MINUTE ? 'second' : step < DAY ? 'minute' : 'day'
  const found: Tick[] = []
  for (let at = Math.ceil((from + offset) / step) * step - offset; at <= to; at += step) found.push({ at, unit })
  return found
}

/** Marks that lie too near each other to be told apart are one. */
export interface Cluster {
  from: number
  to: number
  /** The newest first. */
  sets: ChangeMark[]
}

/** Gather marks (the newest first) that lie within `reach` milliseconds of the first of them. */
export function clustered(sets: readonly ChangeMark[], reach: number): Cluster[] {
  const found: Cluster[] = []
  for (const set of sets) {
    const at = inEffect(set.at)
    const last = found.at(-1)
    if (last && last.to - at <= reach) {
      last.sets.push(set)
      last.from = at
    } else found.push({ from: at, to: at, sets: [set] })
  }
  return found
}

/** The moment of the next mark in a direction, or null; `sets` has the newest first. */
export function nextMark(sets: readonly ChangeMark[], at: number, by: 1 | -1): number | null {
  const times = sets.map((set) => inEffect(set.at))
  const beyond = by === 1 ? times.filter((each) => each > at) : times.filter((each) => each < at)
  if (beyond.length === 0) return null
  return by === 1 ? Math.min(...beyond) : Math.max(...beyond)
}

/** A span `factor` as wide round a fixed point of it, kept within `whole`. */
export function zoomed(span: Span, factor: number, about: number, whole: Span): Span {
  const width = Math.min(Math.max((span[1] - span[0]) * factor, NARROWEST), whole[1] - whole[0])
  const share = (about - span[0]) / (span[1] - span[0])
  return within([about - width * share, about + width * (1 - share)], whole)
}

/** A span moved as far as needed to lie within `whole`. */
export function within([from, to]: Span, whole: Span): Span {
  const width = Math.min(to - from, whole[1] - whole[0])
  const start = Math.min(Math.max(from, whole[0]), whole[1] - width)
  return [start, start + width]
}

/** What an import wrote into the log as its reason, apart; null for other reasons. */
export function importOf(reason: string | null): { kind: string; source: string } | null {
  const found = /^import ([a-z][\w-]*) (.+)$/.exec(reason ?? '')
  return found?.[1] && found[2] ? { kind: found[1], source: found[2] } : null
}
