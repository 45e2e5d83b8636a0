/** A board on a wall turns from one workspace to the next, until somebody touches it. */
import { computed, onScopeDispose, ref, watch, type Ref } from 'vue'

import type { Bounds } from '@/api/types'
import { desks, extentOf } from '@/state/board'
import { map, scale } from '@/state/map'
import { choose } from '@/state/measure'
import { catalogue, measures, report } from '@/state/service'
import { still } from '@/state/view'

/** As wide as a wall, in CSS pixels. */
export const WALL = 2560
const TURN_S = 20
/** How long a touch stops the turning. */
const REST_S = 60
/** What colours the map while a workspace has its turn. */
const COLOURS: Record<string, string> = {
  assets: 'asset_count',
  space: 'building_vacancy',
  fleet: 'km_per_day',
  energy: 'kgce_per_m2',
  network: 'node_state',
}
const INPUTS = ['pointerdown', 'wheel', 'keydown', 'touchstart'] as const

/** The padding of the map, so that what is shown lies between the columns (`--board` and the wall's `--rail`, as in the styles). */
function between(): { top: number; right: number; bottom: number; left: number } {
  const column = Math.min(Math.max(324, innerWidth * 0.22), 860)
  const by = scale.value
  return { top: 144 * by, bottom: 96 * by, left: column + (72 + 16) * by, right: column + 88 }
}

function fly(bounds: Bounds): void {
  map.value?.fitBounds([[bounds[0], bounds[1]], [bounds[2], bounds[3]]], {
    padding: between(), maxZoom: 16.5, animate: !still, duration: 3000, essential: false,
  })
}

export function useRotation(): { rotating: Ref<boolean>; paused: Ref<boolean>; desk: Ref<string | null>; toggle: () => void } {
  const rotating = ref(innerWidth >= WALL && !still)
  const touched = ref(-Infinity)
  const at = ref(-1)
  const clock = ref(performance.now())
  const paused = computed(() => clock.value - touched.value < REST_S * 1000)
  const desk = computed(() => (rotating.value ? (desks.value[at.value]?.space.name ?? null) : null))
  let turned = performance.now()
  let current: AbortController | undefined

  async function turn(): Promise<void> {
    turned = performance.now()
    if (desks.value.length === 0) return
    at.value = (at.value + 1) % desks.value.length
    const here = desks.value[at.value]
    if (!here) return
    const colour = COLOURS[here.space.name]
    choose(colour && measures.value.some((each) => each.name === colour) ? colour : null)
    current?.abort()
    const request = (current = new AbortController())
    const worst = here.figures.filter((figure) => (figure.count ?? 0) > 0)
      .sort((a, b) => Number(b.tone === 'bad') - Number(a.tone === 'bad'))[0]
    try {
      const extent = worst ? await extentOf(worst, request.signal) : null
      const bounds = extent ?? catalogue.value?.bounds
      if (!request.signal.aborted && bounds) fly(bounds)
    } catch (error) {
      if (!request.signal.aborted) report(error)
    }
  }

  const timer = setInterval(() => {
    clock.value = performance.now()
    if (rotating.value && !paused.value && clock.value - turned >= TURN_S * 1000) void turn()
  }, 1000)

  function rest(event: Event): void {
    // The switch itself is no reason to rest.
    if (event.target instanceof Element && event.target.closest('[data-rotate]')) return
    touched.value = performance.now()
  }

  function toggle(): void {
    rotating.value = !rotating.value && !still
    touched.value = -Infinity
    if (rotating.value) void turn()
  }

  INPUTS.forEach((name) => addEventListener(name, rest, { passive: true, capture: true }))
  const begun = watch([() => desks.value.length, map], ([count, there]) => {
    if (count > 0 && there && rotating.value && at.value < 0) void turn()
  }, { immediate: true })
  onScopeDispose(() => {
    begun()
    clearInterval(timer)
    current?.abort()
    INPUTS.forEach((name) => removeEventListener(name, rest, { capture: true }))
  })
  return { rotating, paused, desk, toggle }
}
