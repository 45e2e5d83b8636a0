import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { ChangeEvent } from '@/api/past'

import { openAt } from './browser'

class Silent {
  static made: Silent[] = []
  static readonly CLOSED = 2
  closed = false
  readonly url: string
  constructor(url: string) {
    this.url = url
    Silent.made.push(this)
  }
  addEventListener(): void {}
  close(): void {
    this.closed = true
  }
}

const event = (seq: number, layers: ChangeEvent['layers'] = {}): ChangeEvent => ({ seq, at: '2026-10-12T09:00:00+08:00', actor: '李', reason: null, layers })
const rooms = { rooms: { ids: [4], bbox: [1, 2, 3, 4] as [number, number, number, number], extents: [[1, 2, 3, 4] as [number, number, number, number]] } }

async function page(hash: string) {
  openAt(hash)
  vi.stubGlobal('EventSource', Silent)
  const { catalogue } = await import('@/state/service')
  const live = await import('@/state/live')
  const { onTouched, touched } = await import('@/state/touched')
  const { saving } = await import('@/state/editing')
  const { view } = await import('@/state/view')
  const heard: unknown[] = []
  onTouched((layers) => heard.push(layers))
  catalogue.value = { layers: [] } as never
  await vi.advanceTimersByTimeAsync(0)
  return { ...live, heard, touched, saving, view }
}

beforeEach(() => {
  Silent.made = []
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('what others change', () => {
  it('is told to all that shows it, once', async () => {
    const { hear, heard } = await page('#lang=zh')
    hear({ kind: 'change', event: event(5, rooms) })
    hear({ kind: 'change', event: event(5, rooms) })
    await vi.advanceTimersByTimeAsync(300)
    expect(heard).toEqual([{ rooms: { ids: [4], extents: [[1, 2, 3, 4]] } }])
  })

  it('and what this page wrote itself is not told twice', async () => {
    const { hear, heard, touched, saving } = await page('#lang=zh')
    saving.value = true
    hear({ kind: 'change', event: event(6, rooms) }) // the event overtakes the answer
    await vi.advanceTimersByTimeAsync(600)
    expect(heard).toEqual([])
    touched({ rooms: { ids: [4], extents: [] } }, 6)
    saving.value = false
    await vi.advanceTimersByTimeAsync(300)
    expect(heard).toHaveLength(1)
  })

  it('in a rush is told as one', async () => {
    const { hear, heard } = await page('#lang=zh')
    for (let seq = 10; seq < 40; seq += 1) hear({ kind: 'change', event: event(seq, rooms) })
    await vi.advanceTimersByTimeAsync(300)
    expect(heard).toHaveLength(1)
  })

  it('that is too much to be named may be anything; what has no place is nowhere', async () => {
    const { layersOf } = await page('#lang=zh')
    const none = { ids: null, bbox: null, extents: null }
    expect(layersOf(event(1, { rooms: none, persons: { ids: [3], bbox: null, extents: null }, sites: { ids: null, bbox: [1, 2, 3, 4], extents: null } }))).toEqual({
      rooms: { ids: null, extents: null },
      persons: { ids: [3], extents: [] },
      sites: { ids: null, extents: [[1, 2, 3, 4]] },
    })
  })

  it('waits while the past is looked at', async () => {
    const { live, view, hear, heard } = await page('#lang=zh')
    expect(Silent.made.map((each) => each.url)).toEqual(['http://page.test/events'])
    view.at = '2026-10-11T00:00:00Z'
    await vi.advanceTimersByTimeAsync(0)
    expect(live.value).toBe('paused')
    expect(Silent.made[0]?.closed).toBe(true)
    hear({ kind: 'change', event: event(7, rooms) })
    await vi.advanceTimersByTimeAsync(300)
    expect(heard).toEqual([])
    view.at = null
    await vi.advanceTimersByTimeAsync(0)
    expect(Silent.made).toHaveLength(2)
  })

  it('is of the body as which the estate is seen', async () => {
    const { view } = await page('#lang=zh')
    view.unit = 17
    await vi.advanceTimersByTimeAsync(0)
    expect(Silent.made.at(-1)?.url).toBe('http://page.test/events?unit=17')
    expect(Silent.made[0]?.closed).toBe(true)
  })
})
