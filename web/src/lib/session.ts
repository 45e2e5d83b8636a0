/** When a session is about to end, so that nobody loses what is being filled in. */

const IDLE_WARNING_MS = 2 * 60_000
const END_WARNING_MS = 5 * 60_000
/** The service writes down the last use once a minute: by its count a session may end so much earlier. */
const LAG_MS = 60_000

export interface Lasting {
  /** Milliseconds without use after which it ends. */
  idle: number
  /** When it was last used, and when it ends in any case, by the clock of this browser. */
  used: number
  over: number
}

export interface Ending {
  why: 'idle' | 'over'
  /** How many minutes are left at most, from 1. */
  minutes: number
}

/** Whether and why a session ends soon; null: not yet, or not any more. Times are in ms. */
export function ending({ idle, used, over }: Lasting, now: number): Ending | null {
  // Of a very short session at most a third is spent warning.
  const warning = Math.min(IDLE_WARNING_MS + LAG_MS, idle / 3)
  const quiet = used + idle - Math.min(LAG_MS, idle / 6)
  const left = (end: number): number => Math.max(1, Math.ceil((end - now) / 60_000))
  if (now >= used + idle || now >= over) return null
  if (now >= used + idle - warning && quiet <= over) return { why: 'idle', minutes: left(quiet) }
  return now >= over - END_WARNING_MS ? { why: 'over', minutes: left(over) } : null
}
