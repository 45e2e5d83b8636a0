/** What others change, as it is committed: told to all that shows it, and to who has it open. */
import { ref, shallowRef, watch } from 'vue'

import { address, api } from '@/api/client'
import type { ChangedField, ChangeEvent } from '@/api/past'
import type { Selection } from '@/lib/permalink'
import { listen, type Told, type Wish } from '@/lib/stream'

import { saving, together } from './editing'
import { facts } from './facts'
import { draft } from './form'
import { anew, catalogue } from './service'
import { touched, wasTold, type TouchedLayers } from './touched'
import { view } from './view'

export const live = ref<'connecting' | 'on' | 'lost' | 'paused'>('connecting')

/** What another just did to the thing that is open. */
export interface News {
  who: string | null
  at: string
  fields: ChangedField[]
  moved: boolean
  gone: boolean
}
export const news = shallowRef<News | null>(null)

/** So long changes are gathered before the page asks for what they touched. */
const GATHER_MS = 80
/** More than so many at once (an import) are told as one. */
const FEW = 5

/** What an event says was touched, as the page tells it on. */
export function layersOf(event: ChangeEvent): TouchedLayers {
  return Object.fromEntries(
    Object.entries(event.layers).map(([name, { ids, bbox, extents }]) => [
      name,
      { ids, extents: extents ?? (bbox ? [bbox] : ids === null ? null : []) },
    ]),
  )
}

const openThing = (): Selection | null => {
  if (draft.value?.id != null) return { layer: draft.value.layer, id: draft.value.id }
  return facts.value ? { layer: facts.value.layer, id: facts.value.id } : null
}

/** Say who changed what is open, and what of it. */
async function tellNews(event: ChangeEvent): Promise<void> {
  const thing = openThing()
  if (!thing || !event.layers[thing.layer]?.ids?.includes(thing.id)) return
  // Without the fields it is still told who it was.
  const found = await api.history(thing.layer, thing.id, { limit: 1 }, view.lang).catch(() => null)
  const now = openThing()
  if (now?.layer !== thing.layer || now.id !== thing.id) return
  const version = found?.versions.find((each) => each.seq === event.seq)
  // A newer change of the same thing brings news of its own.
  if (found && !version) return
  news.value = {
    who: event.actor,
    at: event.at,
    fields: version?.operation === 'altered' ? version.fields : [],
    moved: version?.operation === 'altered' && version.moved,
    gone: version?.operation === 'gone',
  }
}

let queue: ChangeEvent[] = []
let timer: ReturnType<typeof setTimeout> | undefined

function flush(): void {
  timer = undefined
  // What this page is just writing comes back as an event too: its answer says which one it is.
  if (saving.value) return void gather()
  const fresh = queue.filter((event) => !wasTold(event.seq))
  queue = []
  if (fresh.length > FEW) touched(fresh.map(layersOf).reduce(together))
  else fresh.forEach((event) => touched(layersOf(event), event.seq))
  fresh.forEach((event) => void tellNews(event))
}

function gather(): void {
  // Not put off by what comes meanwhile: where much is changed, it is told in this step.
  timer ??= setTimeout(flush, GATHER_MS)
}

export function hear(told: Told): void {
  if (view.at !== null) return
  if (told.kind === 'state') live.value = told.state
  else if (told.kind === 'resync') anew()
  else {
    queue.push(told.event)
    gather()
  }
}

let leave: (() => void) | null = null
let worker: SharedWorker | null = null

function share(url: string, after: number | null): () => void {
  worker ??= new SharedWorker(new URL('../live.worker.ts', import.meta.url), { type: 'module', name: 'onemap-live' })
  const { port } = worker
  port.onmessage = ({ data }: MessageEvent<Told>) => hear(data)
  port.postMessage({ join: url, after } satisfies Wish)
  // A worker that cannot be loaded shares nothing: then the page listens itself.
  worker.onerror = () => {
    worker = null
    leave = listen(url, hear, after)
  }
  return () => port.postMessage({ leave: true } satisfies Wish)
}

function join(): void {
  leave?.()
  const url = new URL(address('/events'))
  if (view.unit !== null) url.searchParams.set('unit', String(view.unit))
  live.value = 'connecting'
  // What was committed since the catalogue was read, and before the stream is there, is told too.
  const after = catalogue.value?.seq ?? null
  leave = 'SharedWorker' in globalThis ? share(url.href, after) : listen(url.href, hear, after)
}

function part(): void {
  leave?.()
  leave = null
  queue = []
}

watch(
  [() => catalogue.value !== null, () => view.unit, () => view.at !== null],
  ([there, , past]) => {
    if (past) {
      part()
      live.value = 'paused'
    } else if (there) join()
  },
  { immediate: true },
)
watch([() => view.selection?.layer, () => view.selection?.id, () => draft.value === null], () => (news.value = null))

// A page that is kept aside by the browser hears nothing; when it is taken up again it asks anew.
addEventListener('pagehide', part)
addEventListener('pageshow', ({ persisted }) => {
  if (!persisted || view.at !== null) return
  join()
  anew()
})
