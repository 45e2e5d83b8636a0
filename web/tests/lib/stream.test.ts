import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Exchange, listen, type Told } from '@/lib/stream'

class Source {
  static made: Source[] = []
  static readonly CLOSED = 2
  readyState = 1
  onerror: (() => void) | null = null
  closed = false
  private readonly hears = new Map<string, (event: { data: string; lastEventId: string }) => void>()
  readonly url: string

  constructor(url: string) {
    this.url = url
    Source.made.push(this)
  }

  addEventListener(name: string, hear: (event: { data: string; lastEventId: string }) => void): void {
    this.hears.set(name, hear)
  }

  send(name: string, data: unknown = {}, lastEventId = ''): void {
    this.hears.get(name)?.({ data: JSON.stringify(data), lastEventId })
  }

  close(): void {
    this.closed = true
  }
}

const made = (at: number): Source => Source.made.at(at) as Source

beforeEach(() => {
  Source.made = []
  vi.stubGlobal('EventSource', Source)
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('a stream of changes', () => {
  it('tells changes, that it broke, and that it is there again', () => {
    const told: Told[] = []
    listen('/events', (each) => told.push(each))
    made(0).send('hello', { seq: 7 })
    made(0).send('change', { seq: 8 })
    made(0).onerror?.()
    made(0).send('hello', { seq: 9 })
    expect(told.map((each) => ('state' in each ? each.state : each.kind))).toEqual(['on', 'change', 'lost', 'on'])
    expect(Source.made).toHaveLength(1) // the browser mends it and asks for what was missed
  })

  it('that was refused is asked for again, from the place that is known', () => {
    const told: Told[] = []
    const end = listen('/events?unit=3', (each) => told.push(each))
    made(0).send('hello', { seq: 7 })
    made(0).send('change', { seq: 8 })
    made(0).readyState = Source.CLOSED
    made(0).onerror?.()
    vi.advanceTimersByTime(5000)
    expect(Source.made.map((each) => each.url)).toEqual(['/events?unit=3', '/events?unit=3&after=8'])
    made(1).send('hello', { seq: 9 })
    made(1).readyState = Source.CLOSED
    made(1).onerror?.() // before what was missed could be told
    vi.advanceTimersByTime(5000)
    expect(made(2).url).toBe('/events?unit=3&after=8')
    made(2).send('hello', { seq: 9 })
    made(2).send('change', { seq: 9 })
    made(2).send('hello', { seq: 9 })
    expect(told.filter((each) => each.kind === 'change')).toHaveLength(2)
    end()
    expect(made(2).closed).toBe(true)
  })

  it('begins after the place that a page has read the estate at', () => {
    listen('/events', () => undefined, 41)
    expect(made(0).url).toBe('/events?after=41')
  })

  it('that cannot tell what was missed goes on from where it says', () => {
    const told: Told[] = []
    listen('/events', (each) => told.push(each), 41)
    made(0).send('hello', { seq: 900 })
    made(0).send('resync', {}, '900')
    made(0).readyState = Source.CLOSED
    made(0).onerror?.()
    vi.advanceTimersByTime(5000)
    expect(told[1]).toEqual({ kind: 'resync', seq: 900 })
    expect(made(1).url).toBe('/events?after=900')
  })
})

describe('what pages share', () => {
  it('is one stream for each address, which ends with the last page', () => {
    const exchange = new Exchange()
    const [one, two, other] = [{ postMessage: vi.fn() }, { postMessage: vi.fn() }, { postMessage: vi.fn() }]
    exchange.join('/events', one)
    made(0).send('hello', { seq: 1 })
    exchange.join('/events', two)
    exchange.join('/events?unit=3', other)
    expect(Source.made.map((each) => each.url)).toEqual(['/events', '/events?unit=3'])
    expect(two.postMessage).toHaveBeenCalledWith({ kind: 'state', state: 'on' }) // as it stands
    made(0).send('change', { seq: 2 })
    expect(one.postMessage).toHaveBeenLastCalledWith({ kind: 'change', event: { seq: 2 } })
    expect(two.postMessage).toHaveBeenLastCalledWith({ kind: 'change', event: { seq: 2 } })
    expect(other.postMessage).not.toHaveBeenCalled()
    exchange.leave(one)
    expect(made(0).closed).toBe(false)
    exchange.join('/events?unit=3', two) // a page that looks as another body
    expect(made(0).closed).toBe(true)
    expect(exchange.lines.size).toBe(1)
  })

  it('is told to a page that opens later from where it has read the estate', () => {
    const exchange = new Exchange()
    const [one, two, late] = [{ postMessage: vi.fn() }, { postMessage: vi.fn() }, { postMessage: vi.fn() }]
    exchange.join('/events', one, 5)
    made(0).send('hello', { seq: 5 })
    made(0).send('change', { seq: 6 })
    made(0).send('change', { seq: 7 })
    exchange.join('/events', two, 6)
    expect(two.postMessage.mock.calls.flat()).toEqual([
      { kind: 'state', state: 'on' },
      { kind: 'change', event: { seq: 7 } },
    ])
    exchange.join('/events', late, 4) // from before the stream: nobody knows what that was
    expect(late.postMessage).toHaveBeenLastCalledWith({ kind: 'resync', seq: null })
  })
})
