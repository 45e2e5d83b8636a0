/** The one active measure and its answer. */
import { computed, ref, shallowRef, watch } from 'vue'

import { api } from '@/api/client'
import type { MeasureAnswer, Value } from '@/api/types'
import { exact, tr } from '@/lib/format'

import { bringBack } from './choice'
import { measures, onReturn, report } from './service'
import { onTouched } from './touched'
import { view } from './view'

export const answer = shallowRef<MeasureAnswer | null>(null)
export const asking = ref(false)

export const measure = computed(
  () => measures.value.find((each) => each.name === view.measure) ?? null,
)

export interface Reading {
  value: Value
  numerator: number | null
  denominator: number | null
  coverage: number | null
}

const index = computed(() => new Map((answer.value?.ids ?? []).map((id, i) => [id, i])))

/** What the active measure says of one feature; undefined where it does not know the feature. */
export function readingOf(layer: string, id: number): Reading | undefined {
  const found = answer.value
  const i = found?.layer === layer ? index.value.get(id) : undefined
  if (!found || i === undefined) return undefined
  return {
    value: found.values[i] ?? null,
    numerator: found.numerator?.[i] ?? null,
    denominator: found.denominator?.[i] ?? null,
    coverage: found.coverage?.[i] ?? null,
  }
}

/** A measure without a unit is a share; shares are read in percent. */
export const share = computed(
  () => measure.value !== null && measure.value.kind !== 'categorical' && measure.value.unit.zh === '',
)

/** A value as it is told in words: number and unit, percent, or the label of a state. */
export function tell(value: Value): { text: string; unit: string } | null {
  if (value === null || !answer.value) return null
  if (typeof value === 'string') return { text: tr(answer.value.labels?.[value] ?? value, view.lang), unit: '' }
  return {
    text: exact(share.value ? value * 100 : value, view.lang),
    unit: share.value ? '%' : tr(answer.value.unit, view.lang),
  }
}

let current: AbortController | undefined

async function ask(): Promise<void> {
  current?.abort()
  if (!measure.value) {
    answer.value = null
    asking.value = false
    return
  }
  const request = (current = new AbortController())
  asking.value = true
  try {
    const window = measure.value.windowed ? view.window : null
    const found = await api.measure(measure.value.name, window, view.lang, request.signal)
    if (!request.signal.aborted) answer.value = found
  } catch (error) {
    if (request.signal.aborted) return
    answer.value = null
    report(error)
  } finally {
    if (current === request) asking.value = false
  }
}

watch([measure, () => view.window], () => void ask())
onReturn(() => void ask())
onTouched(() => void ask())

export function choose(name: string | null): void {
  view.measure = name
  const layer = measures.value.find((each) => each.name === name)?.layer
  if (layer) bringBack(layer)
}
