import { describe, expect, it } from 'vitest'

import { ending } from '@/lib/session'

const MINUTE = 60_000
const used = Date.parse('2026-10-12T09:00:00+08:00')
const session = { idle: 30 * MINUTE, used, over: used + 12 * 60 * MINUTE }

describe('the end of a session', () => {
  it('is told two minutes before the service may end it for want of use', () => {
    expect(ending(session, used + 26 * MINUTE)).toBeNull()
    expect(ending(session, used + 27 * MINUTE)).toEqual({ why: 'idle', minutes: 2 })
    expect(ending(session, used + 29.5 * MINUTE)).toEqual({ why: 'idle', minutes: 1 })
  })

  it('is not told any more once somebody goes on', () => {
    const now = used + 29 * MINUTE
    expect(ending({ ...session, used: now - 1000 }, now)).toBeNull()
  })

  it('is told five minutes before the end that use does not put off', () => {
    const late = { ...session, used: session.over - 7 * MINUTE }
    expect(ending(late, session.over - 6 * MINUTE)).toBeNull()
    expect(ending(late, session.over - 4 * MINUTE)).toEqual({ why: 'over', minutes: 4 })
  })

  it('is told no more when it has come', () => {
    expect(ending(session, used + 30 * MINUTE)).toBeNull()
    expect(ending({ ...session, used: session.over - 1 }, session.over)).toBeNull()
  })

  it('takes at most a third of a short session', () => {
    const short = { ...session, idle: MINUTE }
    expect(ending(short, used + 35_000)).toBeNull()
    expect(ending(short, used + 41_000)?.why).toBe('idle')
  })
})
