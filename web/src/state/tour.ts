/** The tour: four stories of the demo estate, each a view of the page and two sentences about it. */
import { computed, ref, shallowRef, watch } from 'vue'

import { api } from '@/api/client'
import type { Counted } from '@/api/lists'
import type { Bounds, Feature, Insight } from '@/api/types'
import { byUrgency } from '@/lib/facts'
import { STORIES, type Story } from '@/lib/tour'

import { select } from './choice'
import { mapFirst, narrow, sheet, show } from './map'
import { catalogue, report } from './service'
import { openList } from './shell'
import { view } from './view'
import { filters } from './workspaces'

const SEEN = 'onemap.tour'

interface Found extends Story {
  id: number
  bbox: Bounds | null
  center: [number, number] | null
}

export interface Told {
  question: Counted
  feature: Feature
  insight: Insight | null
}

/** The stories whose things and questions this estate has, in their order. */
export const stories = shallowRef<Found[]>([])
/** The step that is told, from 0; null while there is no tour. */
export const step = ref<number | null>(null)
export const told = shallowRef<Told | null>(null)
export const seen = ref(wasSeen())
export const story = computed(() => (step.value === null ? null : (stories.value[step.value] ?? null)))
/** An estate without all of the stories is a real one, or another demo. */
export const offered = computed(() => stories.value.length === STORIES.length)

function wasSeen(): boolean {
  try {
    return localStorage.getItem(SEEN) !== null
  } catch {
    // Where nothing can be kept, the card would come back at every visit.
    return true
  }
}

/** Do not offer the tour again in this browser. */
export function dismiss(): void {
  seen.value = true
  try {
    localStorage.setItem(SEEN, 'seen')
  } catch {
    // It is offered again at the next visit.
  }
}

async function find(one: Story): Promise<Found | null> {
  const { results } = await api.search(one.key, 10, view.lang)
  const hit = results.find((each) => each.layer === one.layer && each.text === one.key)
  return hit ? { ...one, id: hit.id, bbox: hit.bbox, center: hit.center } : null
}

/** Look for the stories, in a demo alone: elsewhere nobody's names are asked for. */
async function look(): Promise<void> {
  const known = STORIES.filter((one) => filters.value.has(one.question))
  if (!catalogue.value?.demo || known.length < STORIES.length) return
  try {
    await mapFirst
    const found: Found[] = []
    for (const one of known) {
      const there = await find(one)
      if (!there) return
      found.push(there)
    }
    stories.value = found
  } catch (error) {
    report(error)
  }
}

watch([() => catalogue.value, () => filters.value], () => {
  if (stories.value.length === 0) void look()
}, { immediate: true })

let current: AbortController | undefined

async function tell(one: Found): Promise<void> {
  current?.abort()
  const request = (current = new AbortController())
  told.value = null
  try {
    const [question, feature] = await Promise.all([
      api.count(one.question, view.lang, request.signal),
      api.feature(one.layer, one.id, view.lang, request.signal),
    ])
    if (request.signal.aborted) return
    told.value = { question, feature, insight: byUrgency(feature.insights)[0] ?? null }
    await bring(one, feature, request.signal)
  } catch (error) {
    if (!request.signal.aborted) report(error)
  }
}

/** Bring the story's place into view: a person is where the room is. */
async function bring(one: Found, feature: Feature, signal: AbortSignal): Promise<void> {
  const [bbox, center] = [feature.bbox ?? one.bbox, feature.center ?? one.center]
  if (bbox || center) return show(bbox, center)
  const room = feature.path.at(-1)
  if (!room) return
  const place = await api.feature(room.layer, room.id, view.lang, signal)
  if (!signal.aborted) show(place.bbox, place.center)
}

/** Go to a step: its workspace, its list, its thing. */
export function go(to: number): void {
  const one = stories.value[to]
  if (!one) return end()
  step.value = to
  const question = filters.value.get(one.question)
  view.unit = null // the stories are told of the whole estate
  view.space = one.space
  if (question) openList({ layer: question.layer, named: question.name })
  select({ layer: one.layer, id: one.id })
  if (narrow.value) sheet.value = 'half'
  void tell(one)
}

export function start(): void {
  dismiss()
  go(0)
}

/** End where one is: the list and the thing of the last step stay. */
export function end(): void {
  current?.abort()
  step.value = null
  told.value = null
}

watch(() => view.lang, () => {
  if (story.value) void tell(story.value)
})
