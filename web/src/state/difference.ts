/** What differs between the moment that is looked at and an earlier one. */
import { computed, reactive, ref, shallowRef, watch } from 'vue'

import { api, Refused } from '@/api/client'
import type { Difference, DifferingFeature, Kind } from '@/api/past'
import { i18n } from '@/i18n'

import { chosen } from './choice'
import { gone } from './gone'
import { map, narrow, sheet } from './map'
import { boxInView, nearby } from './past'
import { onReturn, report } from './service'
import { onTouched } from './touched'
import { view } from './view'

export const KINDS = ['added', 'altered', 'gone'] as const
/** More than so many are neither listed nor drawn. */
const MOST = 1000

export const difference = shallowRef<Difference | null>(null)
export const comparing = ref(false)
export const failed = ref<string | null>(null)
/** The kinds that are looked at. */
export const shownKinds = reactive<Record<Kind, boolean>>({ added: true, altered: true, gone: true })

export const counts = computed<Record<Kind, number>>(() => {
  const sum = { added: 0, altered: 0, gone: 0 }
  for (const each of Object.values(difference.value?.counts ?? {})) for (const kind of KINDS) sum[kind] += each[kind]
  return sum
})
export const differing = computed<DifferingFeature[]>(() => (difference.value?.features ?? []).filter(({ properties }) => shownKinds[properties.kind]))

watch(difference, (found) => (gone.value = new Set((found?.features ?? []).filter(({ properties }) => properties.kind === 'gone').map(({ id }) => id))), { flush: 'sync' })

let current: AbortController | undefined

async function ask(): Promise<void> {
  current?.abort()
  failed.value = null
  if (view.since === null) {
    difference.value = null
    comparing.value = false
    return
  }
  const { signal } = (current = new AbortController())
  comparing.value = true
  try {
    const found = await api.between({ from: view.since, to: view.at ?? undefined, bbox: boxInView(), limit: MOST }, view.lang, signal)
    if (!signal.aborted) difference.value = found
  } catch (error) {
    if (signal.aborted) return
    difference.value = null
    failed.value = error instanceof Refused ? error.message : i18n.global.t('facts.unreachable')
    if (!(error instanceof Refused)) report(error)
  } finally {
    if (current?.signal === signal) comparing.value = false
  }
}

let timer: ReturnType<typeof setTimeout> | undefined
function askSoon(): void {
  clearTimeout(timer)
  timer = setTimeout(() => void ask(), 350)
}

watch([() => view.since, () => view.at, () => view.lang, () => view.unit, nearby, map], () => void ask(), { immediate: true })
watch(() => nearby.value && view.since !== null && JSON.stringify(view.camera), askSoon)
onTouched(askSoon)
onReturn(askSoon)
// A phone shows what differs in its sheet.
watch(() => view.since !== null, (on) => on && narrow.value && (sheet.value = 'half'))

/** Open the panel of something that differs. */
export function open({ properties }: DifferingFeature): void {
  chosen.value = { at: null }
  view.selection = { layer: properties.layer, id: properties.id }
}
