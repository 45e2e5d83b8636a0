/** When a session is about to end, so that nobody loses what is being filled in. */

/** So long before the end it is told: once for a session without use, earlier for the day's end. */
const IDLE_WARNING_MS = 2 * 60_000
const END_WARNING_MS = 5 * 60_000

export interface Lasting {
  /** When it ends in any case, as ISO 8601. */
  over_at: string
  /** Seconds without use after which it ends. */
  idle_s: number
}

export interface Ending {
  why: 'idle' | 'over'
  /** When it ends, in ms since 1970. */
  at: number
}

/** Whether and why a session ends soon; null: not yet, or not any more. Times are in ms. */
export function ending(session: Lasting, lastUsed: number, now: number): Ending | null {
  const over = Date.parse(session.over_at)
  const idle = lastUsed + session.idle_s * 1000
  // Of a very short session at most a third is spent warning.
  const early = Math.min(IDLE_WARNING_MS, (session.idle_s * 1000) / 3)
  if (now >= idle - early && now < idle && idle <= over) return { why: 'idle', at: idle }
  if (now >= over - END_WARNING_MS && now < over) return { why: 'over', at: over }
  return null
}
