/** The service: what it offers, whether it answers, what time it has. */
import { computed, ref, shallowRef, watch } from 'vue'

import { api, Refused, Unreachable } from '@/api/client'
import type { Catalogue, Layer, Measure } from '@/api/types'
import { unitWords } from '@/lib/format'

import { view } from './view'

export const catalogue = shallowRef<Catalogue | null>(null)
export const measures = shallowRef<Measure[]>([])

/** `down`: nothing answers; otherwise the message of a refusal; null while all is well. */
export const trouble = ref<{ kind: 'down' | 'refused'; message: string } | null>(null)
export const busy = ref(false)

let offset = 0
export const now = ref(Date.now())
setInterval(() => (now.value = Date.now() + offset), 1000)

export const layers = computed(
  () => new Map<string, Layer>((catalogue.value?.layers ?? []).map((layer) => [layer.name, layer])),
)

/** Layers whose features may be selected on the map: those that can be found or measured. */
export const selectable = computed(
  () =>
    new Set(
      [...layers.value.values()]
        .filter((layer) => layer.searchable.length > 0 || layer.measures.length > 0)
        .map((layer) => layer.name),
    ),
)

/** The layer of floors: the one whose features have an ordinal and a short name. */
export const floorLayer = computed(
  () =>
    [...layers.value.values()].find(
      (layer) =>
        layer.tiles !== null &&
        ['ordinal', 'short_name'].every((name) => layer.fields.some((field) => field.name === name)),
    ) ?? null,
)

/** Whether anything but the catalogue itself is there. */
export const empty = computed(
  () => catalogue.value !== null && catalogue.value.layers.every((layer) => !layer.spatial || layer.count === 0),
)

/** Note that a request failed; requests that were called off are nobody's trouble. */
export function report(error: unknown): void {
  if (error instanceof Unreachable) {
    trouble.value = { kind: 'down', message: '' }
    retryLater()
  } else if (error instanceof Refused) {
    trouble.value = { kind: 'refused', message: error.message }
  } else if (!(error instanceof DOMException && error.name === 'AbortError')) {
    throw error
  }
}

let waiting: ReturnType<typeof setTimeout> | undefined
function retryLater(): void {
  clearTimeout(waiting)
  waiting = setTimeout(() => void load(), 5000)
}

const afterwards: (() => void)[] = []

/** Called whenever the service answers again after it was away. */
export function onReturn(action: () => void): void {
  afterwards.push(action)
}

/** Load catalogue and measures; on failure say so and try again in a while. */
export async function load(): Promise<void> {
  busy.value = true
  const away = trouble.value?.kind === 'down'
  try {
    const [found, offered] = await Promise.all([api.catalogue(), api.measures()])
    offset = new Date(found.now).getTime() - Date.now()
    now.value = Date.now() + offset
    unitWords.value = found.units
    catalogue.value = found
    measures.value = offered
    trouble.value = null
    if (away) afterwards.forEach((action) => action())
  } catch (error) {
    report(error)
  } finally {
    busy.value = false
  }
}

let later: ReturnType<typeof setTimeout> | undefined
/** Load the catalogue again in a moment, once for many calls: its counts may be others now. */
export function loadSoon(): void {
  // Not put off by what comes meanwhile.
  later ??= setTimeout(() => {
    later = undefined
    void load()
  }, 1500)
}

/** Ask anew for all that is shown. */
export function anew(): void {
  void load()
  afterwards.forEach((action) => action())
}

/** What is shown is another's when the estate is seen as another body's, or at another moment. */
watch([() => view.unit, () => view.at], anew)
