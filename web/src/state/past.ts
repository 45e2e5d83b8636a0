/** The moment of record that is looked at, and the marks of what was changed in time. */
import { computed, ref, shallowRef, watch } from 'vue'

import { api } from '@/api/client'
import type { ChangeMark } from '@/api/past'
import { inEffect, within, zoomed, type Span } from '@/lib/past'
import { formatMoment } from '@/lib/permalink'

import { draft, mayLeave } from './form'
import { map } from './map'
import { catalogue, now, onReturn, report } from './service'
import { task } from './tools'
import { onTouched } from './touched'
import { view } from './view'

/** Whether the slider is there; a link to the past brings it along. */
export const opened = ref(view.at !== null || view.since !== null)
const ms = (moment: string | null): number | null => (moment === null ? null : Date.parse(moment))
export const at = computed(() => ms(view.at))
export const since = computed(() => ms(view.since))
export const zone = computed(() => catalogue.value?.timezone ?? 'Asia/Shanghai')

/** The moment of the first record; null until it is known. */
export const first = ref<number | null>(null)
/** Change sets, the newest first; of what is in view, or of all. */
export const sets = shallowRef<ChangeMark[]>([])
/** Whether there are more than were told. */
export const more = ref(false)
export const nearby = ref(true)
export const asking = ref(false)

const newest = computed(() => Math.max(0, ...sets.value.slice(0, 1).map((set) => inEffect(set.at))))
/** Now, or the last record: who keeps a clock of their own may be behind what was written. */
export const end = computed(() => Math.max(now.value, newest.value && newest.value + 1000))

/** From the first record to now, with a little air before it: what was before the record can be asked for. */
export const whole = computed<Span>(() => {
  const start = first.value ?? end.value - 3_600_000
  return [start - Math.max((end.value - start) * 0.03, 5000), end.value]
})
const chosen = shallowRef<Span | null>(null)
/** The span that the slider shows; the whole of it follows the clock. */
export const span = computed<Span>(() => (chosen.value ? within(chosen.value, whole.value) : whole.value))
export const zoomedIn = computed(() => chosen.value !== null)

export function showSpan(wanted: Span | null): void {
  chosen.value = wanted && wanted[1] - wanted[0] < (whole.value[1] - whole.value[0]) * 0.999 ? within(wanted, whole.value) : null
}
export const zoomBy = (factor: number, about = at.value ?? span.value[1]): void =>
  showSpan(zoomed(span.value, factor, Math.min(Math.max(about, span.value[0]), span.value[1]), whole.value))

/** Show the time in which the marks lie, with a little air round them. */
export function showMarks(): void {
  const times = sets.value.map((set) => inEffect(set.at))
  if (times.length === 0) return
  const [from, to] = [Math.min(...times), Math.max(...times)]
  const air = Math.max((to - from) * 0.1, 3000)
  showSpan([from - air, to + air])
}

/** Bring a moment into the span that is shown. */
function reveal(moment: number): void {
  const [from, to] = span.value
  if (chosen.value === null || (moment >= from && moment <= to)) return
  const half = (to - from) / 2
  showSpan([moment - half, moment + half])
}

/** Look at a moment of record; null is now. What is being edited is not lost without a question. */
export async function goTo(moment: number | null): Promise<void> {
  if (moment !== null && moment >= end.value) moment = null
  if (moment !== null && (draft.value ?? task.value) && !(await mayLeave())) return
  opened.value = true
  view.at = moment === null ? null : formatMoment(Math.round(moment))
  if (moment !== null) reveal(moment)
  // What is compared lies before what it is compared with.
  if (since.value !== null && since.value >= (moment ?? end.value)) view.since = formatMoment(Math.round((moment ?? end.value) - 60_000))
}

/** Compare the moment that is looked at with an earlier one; null ends it. */
export function compareWith(moment: number | null): void {
  if (moment !== null && moment >= (at.value ?? end.value)) return
  view.since = moment === null ? null : formatMoment(Math.round(moment))
  if (moment !== null) reveal(moment)
}

/** Put the slider away, and be back in the present. */
export function leavePast(): void {
  view.since = null
  view.at = null
  chosen.value = null
  opened.value = false
}

export const toggle = (): void => (opened.value ? leavePast() : void (opened.value = true))

const MOST = 500

/** What is in view, for who looks at that alone. */
export function boxInView(): string | undefined {
  const bounds = nearby.value ? map.value?.getBounds() : undefined
  return bounds && [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()].map((each) => each.toFixed(6)).join()
}

/** When the record begins: the oldest change set, or, where there are too many, as layers tell it. */
async function findFirst(signal: AbortSignal): Promise<number | null> {
  const all = await api.changes({ limit: MOST }, view.lang, signal)
  const oldest = all.sets.at(-1)
  if (all.next === null) return oldest ? Date.parse(oldest.at) : null
  // Nothing differs between two moments before the record; the answer says when each layer's begins.
  const told = await api.between({ from: '1970-01-01', to: '1970-01-02' }, view.lang, signal)
  const begins = Object.values(told.earliest).map((each) => Date.parse(each))
  return begins.length > 0 ? Math.min(...begins) : oldest ? Date.parse(oldest.at) : null
}

let current: AbortController | undefined

async function ask(): Promise<void> {
  current?.abort()
  if (!opened.value || !map.value) return
  const { signal } = (current = new AbortController())
  asking.value = true
  try {
    first.value ??= await findFirst(signal)
    if (signal.aborted) return
    const [from, to] = span.value
    const narrowed = chosen.value ? { from: formatMoment(Math.floor(from)), to: formatMoment(Math.ceil(to)) } : {}
    const found = await api.changes({ ...narrowed, bbox: boxInView(), limit: MOST }, view.lang, signal)
    if (signal.aborted) return
    sets.value = found.sets
    more.value = found.next !== null
  } catch (error) {
    if (!signal.aborted) report(error)
  } finally {
    if (current?.signal === signal) asking.value = false
  }
}

let timer: ReturnType<typeof setTimeout> | undefined
/** Once the hand that moves map or span has come to rest. */
function askSoon(): void {
  clearTimeout(timer)
  timer = setTimeout(() => void ask(), 350)
}

watch([opened, map, nearby, () => view.unit], () => void ask(), { immediate: true })
watch([() => nearby.value && JSON.stringify(view.camera), chosen], askSoon)
watch(() => view.unit, () => (first.value = null), { flush: 'sync' })
watch([() => view.at, () => view.since], ([moment, earlier]) => (moment ?? earlier) !== null && (opened.value = true))
onTouched(askSoon)
onReturn(askSoon)
