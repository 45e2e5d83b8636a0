/** One stream of changes from the service, kept open: the same in a page and in a worker. */
import type { ChangeEvent } from '@/api/past'

export type Told =
  | { kind: 'state'; state: 'on' | 'lost' }
  | { kind: 'change'; event: ChangeEvent }
  | { kind: 'resync'; seq: number | null }

/** After so long a stream that was refused is asked for again; one that broke the browser mends itself. */
const AGAIN_MS = 5000

/**
 * Listen to the stream at an address until the function that is returned is called.
 *
 * `after` is the place of the newest change that is known of: what came after it is told first.
 */
export function listen(url: string, tell: (told: Told) => void, after: number | null = null): () => void {
  let source: EventSource | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let ended = false
  let known = after

  function open(): void {
    const from = known
    // Who names a place is greeted twice: before what was missed, and after it.
    let missing = from !== null
    const now = (source = new EventSource(from === null ? url : withPlace(url, from)))
    now.addEventListener('hello', ({ data }: MessageEvent<string>) => {
      const { seq } = JSON.parse(data) as { seq: number }
      if (!missing || seq === known) known = seq
      missing = false
      tell({ kind: 'state', state: 'on' })
    })
    now.addEventListener('change', ({ data }: MessageEvent<string>) => {
      const event = JSON.parse(data) as ChangeEvent
      known = event.seq
      tell({ kind: 'change', event })
    })
    now.addEventListener('resync', ({ lastEventId }: MessageEvent<string>) => {
      known = lastEventId ? Number(lastEventId) : null
      tell({ kind: 'resync', seq: known })
    })
    now.onerror = () => {
      if (ended) return
      tell({ kind: 'state', state: 'lost' })
      if (now.readyState !== EventSource.CLOSED) return
      clearTimeout(timer)
      timer = setTimeout(open, AGAIN_MS)
    }
  }

  open()
  return () => {
    ended = true
    clearTimeout(timer)
    source?.close()
  }
}

const withPlace = (url: string, place: number): string => `${url}${url.includes('?') ? '&' : '?'}after=${place}`

/** What a page says to the worker: that it listens to an address, or no longer. */
export type Wish = { join: string; after: number | null } | { leave: true }

/** So many changes are kept for a page that opens while they are told. */
const RECENT = 500

interface Line {
  ports: Set<Pick<MessagePort, 'postMessage'>>
  state: Told | null
  /** The newest changes, and the place after which they are all there. */
  recent: ChangeEvent[]
  after: number | null
  end: () => void
}

/** Share streams among pages: one for each address, as long as any page listens to it. */
export class Exchange {
  readonly lines = new Map<string, Line>()
  private readonly open: typeof listen

  constructor(open: typeof listen = listen) {
    this.open = open
  }

  join(url: string, port: Pick<MessagePort, 'postMessage'>, after: number | null = null): void {
    this.leave(port)
    const known = this.lines.get(url)
    if (known) {
      known.ports.add(port)
      if (known.state) port.postMessage(known.state)
      if (after === null) return
      if (known.after === null || after < known.after) port.postMessage({ kind: 'resync', seq: null } satisfies Told)
      else known.recent.filter(({ seq }) => seq > after).forEach((event) => port.postMessage({ kind: 'change', event } satisfies Told))
      return
    }
    const line: Line = { ports: new Set([port]), state: null, recent: [], after, end: () => undefined }
    this.lines.set(url, line)
    line.end = this.open(
      url,
      (told) => {
        remember(line, told)
        line.ports.forEach((each) => each.postMessage(told))
      },
      after,
    )
  }

  leave(port: Pick<MessagePort, 'postMessage'>): void {
    for (const [url, line] of this.lines) {
      if (!line.ports.delete(port) || line.ports.size > 0) continue
      line.end()
      this.lines.delete(url)
    }
  }
}

function remember(line: Line, told: Told): void {
  if (told.kind === 'state') line.state = told
  else if (told.kind === 'resync') {
    line.recent = []
    line.after = told.seq
  } else {
    line.recent.push(told.event)
    if (line.recent.length > RECENT) line.after = line.recent.shift()?.seq ?? line.after
  }
}
