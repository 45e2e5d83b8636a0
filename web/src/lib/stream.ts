/** One stream of changes from the service, kept open: the same in a page and in a worker. */
import type { ChangeEvent } from '@/api/past'

export type Told =
  | { kind: 'state'; state: 'on' | 'lost' }
  | { kind: 'change'; event: ChangeEvent }
  | { kind: 'resync' }

/** After so long a stream that was refused is asked for again; one that broke the browser mends itself. */
const AGAIN_MS = 5000

/** Listen to the stream at an address until the function that is returned is called. */
export function listen(url: string, tell: (told: Told) => void): () => void {
  let source: EventSource | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let ended = false
  /** The place of the last set that is known of; a stream that begins anew tells only what comes after. */
  let known: number | null = null

  function open(): void {
    let fresh = true
    const now = (source = new EventSource(url))
    now.addEventListener('hello', ({ data }: MessageEvent<string>) => {
      const { seq } = JSON.parse(data) as { seq: number }
      // The browser's own return tells what was missed; a stream of ours does not know what that is.
      if (fresh && known !== null && known !== seq) tell({ kind: 'resync' })
      if (fresh || known === null) known = seq
      fresh = false
      tell({ kind: 'state', state: 'on' })
    })
    now.addEventListener('change', ({ data }: MessageEvent<string>) => {
      const event = JSON.parse(data) as ChangeEvent
      known = event.seq
      tell({ kind: 'change', event })
    })
    now.addEventListener('resync', () => {
      known = null
      tell({ kind: 'resync' })
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

/** What a page says to the worker: that it listens to an address, or no longer. */
export type Wish = { join: string } | { leave: true }

interface Line {
  ports: Set<Pick<MessagePort, 'postMessage'>>
  state: Told | null
  end: () => void
}

/** Share streams among pages: one for each address, as long as any page listens to it. */
export class Exchange {
  readonly lines = new Map<string, Line>()
  private readonly open: typeof listen

  constructor(open: typeof listen = listen) {
    this.open = open
  }

  join(url: string, port: Pick<MessagePort, 'postMessage'>): void {
    this.leave(port)
    const known = this.lines.get(url)
    if (known) {
      known.ports.add(port)
      if (known.state) port.postMessage(known.state)
      return
    }
    const line: Line = { ports: new Set([port]), state: null, end: () => undefined }
    this.lines.set(url, line)
    line.end = this.open(url, (told) => {
      if (told.kind === 'state') line.state = told
      line.ports.forEach((each) => each.postMessage(told))
    })
  }

  leave(port: Pick<MessagePort, 'postMessage'>): void {
    for (const [url, line] of this.lines) {
      if (!line.ports.delete(port) || line.ports.size > 0) continue
      line.end()
      this.lines.delete(url)
    }
  }
}
