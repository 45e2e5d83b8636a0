/** The facts of the selected feature. */
import { ref, shallowRef, watch } from 'vue'

import { api, Refused } from '@/api/client'
import type { Feature } from '@/api/types'

import { floorLayer, onReturn, report } from './service'
import { view } from './view'

export const facts = shallowRef<Feature | null>(null)
export const fetching = ref(false)
/** The service's own words where it has no such feature. */
export const missing = ref<string | null>(null)

let current: AbortController | undefined

async function fetchFacts(): Promise<void> {
  current?.abort()
  missing.value = null
  const selection = view.selection
  if (!selection) {
    facts.value = null
    fetching.value = false
    return
  }
  const request = (current = new AbortController())
  fetching.value = true
  try {
    const found = await api.feature(selection.layer, selection.id, view.lang, request.signal)
    if (request.signal.aborted) return
    facts.value = found
    await showFloor(found, request.signal)
  } catch (error) {
    if (request.signal.aborted) return
    facts.value = null
    if (error instanceof Refused && error.status < 500) missing.value = error.message
    else report(error)
  } finally {
    if (current === request) fetching.value = false
  }
}

/** Turn to the floor on which the feature lies, so that the map shows what the panel tells. */
async function showFloor(feature: Feature, signal: AbortSignal): Promise<void> {
  const floors = floorLayer.value?.name
  const level =
    feature.layer === floors ? feature : feature.path.findLast((place) => place.layer === floors)
  if (!floors || !level) return
  const whole =
    'facts' in level ? level : await api.feature(floors, level.id, view.lang, signal)
  const ordinal = whole.facts.find((fact) => fact.field === 'ordinal')?.value
  if (typeof ordinal === 'number' && !signal.aborted) view.floor = ordinal
}

watch(
  [() => view.selection?.layer, () => view.selection?.id, () => view.lang, floorLayer],
  () => void fetchFacts(),
  { immediate: true },
)
onReturn(() => void fetchFacts())
