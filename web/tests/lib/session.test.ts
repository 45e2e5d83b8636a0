import { describe, expect, it } from 'vitest'

import { ending } from '@/lib/session'

const MINUTE = 60_000
const signedIn = Date.parse('2026-10-12T09:00:00+08:00')
const session = { over_at: '2026-10-12T21:00:00+08:00', idle_s: 30 * 60 }

describe('the end of a session', () => {
  it('is told two minutes before it ends for want of use', () => {
    expect(ending(session, signedIn, signedIn + 27 * MINUTE)).toBeNull()
    expect(ending(session, signedIn, signedIn + 28.5 * MINUTE)).toEqual({ why: 'idle', at: signedIn + 30 * MINUTE })
  })

  it('is not told any more once somebody goes on', () => {
    const now = signedIn + 29 * MINUTE
    expect(ending(session, now - 1000, now)).toBeNull()
  })

  it('is told five minutes before the end that use does not put off', () => {
    const end = Date.parse(session.over_at)
    expect(ending(session, end - 7 * MINUTE, end - 6 * MINUTE)).toBeNull()
    expect(ending(session, end - 4 * MINUTE, end - 4 * MINUTE)).toEqual({ why: 'over', at: end })
  })

  it('is told once it is over by nothing', () => {
    expect(ending(session, signedIn, signedIn + 31 * MINUTE)).toBeNull()
  })

  it('takes at most a third of a short session', () => {
    const short = { ...session, idle_s: 60 }
    expect(ending(short, signedIn, signedIn + 35_000)).toBeNull()
    expect(ending(short, signedIn, signedIn + 41_000)?.why).toBe('idle')
  })
})
