/** The versions of what the panel shows, and the one whose shape is on the map. */
import { computed, ref, shallowRef, watch } from 'vue'

import { api, Refused, Unreachable } from '@/api/client'
import type { Version } from '@/api/past'
import type { Bounds } from '@/api/types'
import { i18n } from '@/i18n'
import type { Ghost } from '@/map/ghost'

import { facts } from './facts'
import { inSight, show, zoom } from './map'
import { report } from './service'
import { view } from './view'

const PAGE = 20

export const tab = ref<'facts' | 'history'>('facts')
export const versions = shallowRef<Version[]>([])
export const next = ref<number | null>(null)
/** From when on the layer is recorded. */
export const recordedSince = ref<string | null>(null)
export const reading = ref(false)
/** Why it could not be read, in words. */
export const failed = ref<string | null>(null)
/** Whether there is more to tell than that the thing was recorded once. */
export const hasPast = ref(false)
/** The version whose shape is on the map. */
export const pointed = shallowRef<Version | null>(null)

let current: AbortController | undefined

async function ask(after: number | null = null): Promise<void> {
  current?.abort()
  const thing = facts.value
  if (!thing) return
  const { signal } = (current = new AbortController())
  // Until somebody looks, all that is wanted is whether there is anything to look at.
  const open = tab.value === 'history'
  reading.value = true
  failed.value = null
  try {
    const page = { limit: open ? PAGE : 2, geometry: open, ...(after === null ? {} : { after }) }
    const found = await api.history(thing.layer, thing.id, page, view.lang, signal)
    if (signal.aborted) return
    versions.value = after === null ? found.versions : [...versions.value, ...found.versions]
    next.value = found.next
    recordedSince.value = found.since
    hasPast.value = versions.value.length > 1 || found.next !== null
    pointed.value = versions.value.find((each) => each.seq === pointed.value?.seq) ?? null
  } catch (error) {
    if (signal.aborted) return
    if (open) failed.value = error instanceof Refused ? error.message : i18n.global.t('facts.unreachable')
    if (error instanceof Unreachable) report(error)
  } finally {
    if (current?.signal === signal) reading.value = false
  }
}

export const readMore = (): void => void (next.value !== null && !reading.value && ask(next.value))
export const readAgain = (): void => void ask()

const key = computed(() => (facts.value ? `${facts.value.layer}/${facts.value.id}` : null))
watch(key, () => {
  versions.value = []
  next.value = null
  hasPast.value = false
  pointed.value = null
  tab.value = 'facts'
})
// Asked again with the facts: after a change, at another moment, in another language.
watch([facts, tab], ([found]) => found && void ask(), { immediate: true })
watch(tab, () => (pointed.value = null))

/** The version before one, where it was read. */
const beforeOf = (version: Version): Version | null =>
  versions.value[versions.value.findIndex((each) => each.seq === version.seq) + 1] ?? null

/** The shapes of the version that is pointed at: what it was before, and what it became. */
export const ghost = computed<Ghost | null>(() => {
  const version = pointed.value
  if (!version) return null
  const own = version.geometry ?? null
  if (version.operation === 'gone') return { before: own, after: null }
  return { before: version.moved ? (beforeOf(version)?.geometry ?? null) : null, after: own }
})

const joined = (one: Bounds | null, other: Bounds | null): Bounds | null =>
  one && other
    ? [Math.min(one[0], other[0]), Math.min(one[1], other[1]), Math.max(one[2], other[2]), Math.max(one[3], other[3])]
    : (one ?? other)

/** Show a version's shape on the map, or put it away again. */
export async function point(version: Version): Promise<void> {
  if (pointed.value?.seq === version.seq) return void (pointed.value = null)
  pointed.value = version
  const box = joined(version.bbox_before, version.bbox_after)
  if (box && !inSight([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])) show(box, null, zoom.value)
  // What it was before may stand on the next page.
  if (version.moved && !beforeOf(version) && next.value !== null) await ask(next.value)
}
