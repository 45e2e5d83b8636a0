/** The facts of the selected feature. */
import { computed, shallowRef, ref, watch } from 'vue'

import { api, Refused } from '@/api/client'
import type { Feature } from '@/api/types'
import { i18n } from '@/i18n'
import { byUrgency } from '@/lib/facts'
import type { Selection } from '@/lib/permalink'

import { isGone, momentOf } from './gone'
import { floorLayer, layers, onReturn, report } from './service'
import { onTouched } from './touched'
import { view } from './view'

const answered = shallowRef<{ selection: Selection; feature: Feature } | null>(null)

/**
 * The facts of what is selected, once they are there.
 *
 * A series is asked for by its thing and answers with it: the facts of a position are the
 * vehicle's, and `layer` says so.
 */
export const facts = computed(() => {
  const { selection } = view
  const found = answered.value
  return found && selection?.layer === found.selection.layer && selection.id === found.selection.id
    ? found.feature
    : null
})
/** What the rules say of it. */
export const insights = computed(() => byUrgency(facts.value?.insights ?? []))
export const fetching = ref(false)
/** The service's own words where it has no such feature. */
export const missing = ref<string | null>(null)
/** Why the facts could not be told, where the thing itself is there. */
export const failed = ref<string | null>(null)

let current: AbortController | undefined

async function fetchFacts(turn = true): Promise<void> {
  current?.abort()
  missing.value = null
  failed.value = null
  const selection = view.selection
  if (!selection) {
    answered.value = null
    fetching.value = false
    return
  }
  const request = (current = new AbortController())
  fetching.value = true
  try {
    // What is gone is told as it was.
    const found = await api.feature(selection.layer, selection.id, view.lang, request.signal, momentOf(selection))
    if (request.signal.aborted) return
    answered.value = { selection: { ...selection }, feature: found }
    if (turn) await showFloor(found, request.signal)
  } catch (error) {
    if (request.signal.aborted) return
    answered.value = null
    if (error instanceof Refused && error.status < 500) missing.value = error.message
    else {
      failed.value = error instanceof Refused ? error.message : i18n.global.t('facts.unreachable')
      report(error)
    }
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
  [() => isGone(view.selection), () => view.selection?.layer, () => view.selection?.id, () => view.lang, floorLayer],
  () => void fetchFacts(),
  { immediate: true },
)
onReturn(() => void fetchFacts())
// What was changed may be what belongs to it; the floor stays the one that is looked at.
onTouched(() => void (view.selection && fetchFacts(false)))

/** The zoom from which on a feature is drawn; what has no shape of its own is where a place of its path is. */
export function drawnFrom(feature: Feature): number {
  const drawn = [...feature.path, feature].findLast(({ layer }) => layers.value.get(layer)?.tiles)
  return (drawn && layers.value.get(drawn.layer)?.zooms[0]) ?? 0
}

/** Ask once more, after a failure. */
export const refetch = (): void => void fetchFacts()
