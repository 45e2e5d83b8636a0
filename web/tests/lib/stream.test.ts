import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Exchange, listen, type Told } from '@/lib/stream'

class Source {
  static made: Source[] = []
  static readonly CLOSED = 2
  readyState = 1
  onerror: (() => void) | null = null
  closed = false
  private readonly hears = new Map<string, (event: { data: string }) => void>()
  readonly url: string

  constructor(url: string) {
    this.url = url
    Source.made.push(this)
  }

  addEventListener(name: string, hear: (event: { data: string }) => void): void {
    this.hears.set(name, hear)
  }

  send(name: string, data: unknown = {}): void {
    this.hears.get(name)?.({ data: JSON.stringify(data) })
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

  it('that was refused is asked for again, and what was missed meanwhile is said to be unknown', () => {
    const told: Told[] = []
    const end = listen('/events', (each) => told.push(each))
    made(0).send('hello', { seq: 7 })
    made(0).readyState = Source.CLOSED
    made(0).onerror?.()
    vi.advanceTimersByTime(5000)
    expect(Source.made).toHaveLength(2)
    made(1).send('hello', { seq: 9 })
    expect(told.map((each) => each.kind)).toEqual(['state', 'state', 'resync', 'state'])
    end()
    expect(made(1).closed).toBe(true)
  })

  it('that comes back to the same place has missed nothing', () => {
    const told: Told[] = []
    listen('/events', (each) => told.push(each))
    made(0).send('hello', { seq: 7 })
    made(0).readyState = Source.CLOSED
    made(0).onerror?.()
    vi.advanceTimersByTime(5000)
    made(1).send('hello', { seq: 7 })
    expect(told.map((each) => each.kind)).not.toContain('resync')
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
})
