/** The trip that is replayed, and the time in it. */
import type { GeoJSONSource } from 'maplibre-gl'
import { computed, ref, shallowRef, watch } from 'vue'

import { api } from '@/api/client'
import type { TripPath } from '@/api/types'
import { momentAt, step } from '@/lib/replay'
import { CAR, carAt } from '@/map/trip'

import { afterLayout, map, show } from './map'
import { onReturn, report } from './service'
import { still, view } from './view'

/** Seconds of the trip in a second of the reader's. */
export const RATES = [1, 10, 60] as const

export const trip = shallowRef<TripPath | null>(null)
export const fetchingTrip = ref(false)
export const time = ref(0)
export const rate = ref<(typeof RATES)[number]>(60)
export const playing = ref(false)
export const follow = ref(false)

export const start = computed(() => trip.value?.times[0] ?? 0)
export const end = computed(() => trip.value?.times.at(-1) ?? 0)
export const now = computed(() => (trip.value && trip.value.times.length > 0 ? momentAt(trip.value, time.value) : null))

/** Put the car where it is now; the style has its source, but not its data. */
export function placeCar(): void {
  const source = map.value?.getSource<GeoJSONSource>(CAR)
  if (!source || !now.value) return
  void source.setData(carAt(now.value))
  if (follow.value) map.value?.jumpTo({ center: now.value.position })
}

watch([now, follow], placeCar)

let frame = 0
let last = 0

function tick(at: number): void {
  if (!playing.value) return
  // Where motion is unwanted the car goes from place to place, once a second.
  if (!still || at - last >= 1000) {
    time.value = Math.min(time.value + ((at - last) / 1000) * rate.value, end.value)
    last = at
  }
  if (time.value >= end.value) playing.value = false
  else frame = requestAnimationFrame(tick)
}

export function play(): void {
  if (!trip.value || playing.value) return
  if (time.value >= end.value) time.value = start.value
  playing.value = true
  last = performance.now()
  frame = requestAnimationFrame(tick)
}

export function pause(): void {
  playing.value = false
  cancelAnimationFrame(frame)
}

/** Go to the next fix (1) or back to the one before (−1). */
export function toFix(by: 1 | -1): void {
  pause()
  if (trip.value) time.value = step(trip.value.times, time.value, by)
}

// A link shows the camera that it tells; a trip that the reader opens is brought into view.
let linked = view.camera !== null ? view.trip : null
let current: AbortController | undefined

function opened(found: TripPath): void {
  time.value = found.times[0] ?? 0
  const xs = found.coordinates.map(([lon]) => lon)
  const ys = found.coordinates.map(([, lat]) => lat)
  if (linked !== found.id && xs.length > 0) {
    afterLayout(() => show([Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)], null))
  }
  linked = null
}

async function fetchTrip(): Promise<void> {
  current?.abort()
  const id = view.trip
  if (id === null) {
    pause()
    trip.value = null
    fetchingTrip.value = false
    return
  }
  const request = (current = new AbortController())
  fetchingTrip.value = true
  try {
    const found = await api.trip(id, view.lang, request.signal)
    if (request.signal.aborted) return
    const another = trip.value?.id !== id
    trip.value = found
    if (another) {
      pause()
      opened(found)
    }
  } catch (error) {
    if (request.signal.aborted) return
    view.trip = null
    report(error)
  } finally {
    if (current === request) fetchingTrip.value = false
  }
}

watch([() => view.trip, () => view.lang, map], () => void (map.value && fetchTrip()), { immediate: true })
onReturn(() => void fetchTrip())

export function leaveTrip(): void {
  view.trip = null
}
