/** The map, as the controls round it see it. */
import type { Map as MapLibreMap } from 'maplibre-gl'
import { computed, ref, shallowRef } from 'vue'

import type { Bounds, Theme } from '@/api/types'
import { shownFloor, type Floor } from '@/lib/floors'

import { fresh, still, view } from './view'

export const map = shallowRef<MapLibreMap | null>(null)
export const zoom = ref(0)
export const bearing = ref(0)
export const drawable = ref(true)
/** Whether tiles are on their way; so they are until the map was complete once. */
export const drawing = ref(true)

/** Whether the map is drawn for a sheet of paper, which is light whatever the page is. */
export const onPaper = ref(false)
/** The theme in which the map is to be drawn, and that in which it is; null until its first style is in. */
export const mapTheme = computed<Theme>(() => (onPaper.value ? 'light' : view.theme))
export const drawnTheme = ref<Theme | null>(null)

/** What is not the map's waits so long for it at most. */
const PATIENCE_MS = 2500
let complete: () => void
/**
 * Resolved once the map was complete for the first time: a browser has six connections to a
 * service, and what is asked before would hold up the first tiles.
 */
export const mapFirst = new Promise<void>((resolve) => {
  complete = resolve
  setTimeout(resolve, PATIENCE_MS)
})
/** Say that the map is complete, or that there will be none. */
export const mapThere = (): void => complete()

export const floors = shallowRef<Floor[]>([])
export const floor = computed(() => shownFloor(floors.value, view.floor))

const phone = matchMedia('(max-width: 719px)')
export const narrow = ref(phone.matches)
phone.addEventListener('change', () => (narrow.value = phone.matches))

/** How much larger the panels are on a wide wall than on a desk: they are read from afar. */
const walls = [matchMedia('(min-width: 2560px)'), matchMedia('(min-width: 3200px)')] as const
const scaled = (): number => (walls[1].matches ? 1.75 : walls[0].matches ? 1.25 : 1)
export const scale = ref(scaled())
walls.forEach((wall) => wall.addEventListener('change', () => (scale.value = scaled())))

/** Whether the left panel is open; on a phone, the height of the sheet. */
export const panelOpen = ref(true)
export const sheet = ref<'peek' | 'half' | 'full'>(fresh || view.list || view.space || view.since ? 'half' : 'peek')

/** How high the cards over the map's lower edge are, in CSS pixels. */
export const staged = ref(0)

/** The height of the table that is docked at the map's lower edge. */
export const dock = ref(0)

/** The part of the map that panels cover, in CSS pixels. */
export function covered(): { top: number; right: number; bottom: number; left: number } {
  if (narrow.value) {
    const bottom = view.selection || sheet.value === 'half' ? innerHeight * 0.46 + 56 : 152 + staged.value
    return { top: 84, right: 64, bottom, left: 24 }
  }
  return {
    top: 72 * scale.value,
    right: ((view.selection ? 380 : 0) + 72) * scale.value,
    bottom: (56 + staged.value + dock.value) * scale.value,
    left: ((panelOpen.value ? 320 : 0) + 56 + 32) * scale.value,
  }
}

/** Whether a place is seen: on the map, and under no panel. */
export function inSight(place: [number, number] | null): boolean {
  if (!map.value || !place) return true
  const { x, y } = map.value.project(place)
  const { clientWidth, clientHeight } = map.value.getContainer()
  const { top, right, bottom, left } = covered()
  return x >= left && y >= top && x <= clientWidth - right && y <= clientHeight - bottom
}

/** So near one comes to a small thing. */
const NEAR = 19

/** Bring a place into the part of the map that no panel covers, no nearer than `closest`. */
export function show(bbox: Bounds | null, center: [number, number] | null, closest = NEAR): void {
  const target = map.value
  if (!target) return
  const bounds: Bounds | null = bbox ?? (center ? [...center, ...center] : null)
  if (!bounds) return
  target.fitBounds(
    [
      [bounds[0], bounds[1]],
      [bounds[2], bounds[3]],
    ],
    { padding: covered(), maxZoom: closest, animate: !still, duration: 600 },
  )
}

/** Do something once the cards that were just opened have their height. */
export function afterLayout(action: () => void): void {
  requestAnimationFrame(() => requestAnimationFrame(action))
}
