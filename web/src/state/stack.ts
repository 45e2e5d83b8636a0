/** The building whose floors are drawn above each other. */
import { computed, ref, shallowRef, watch } from 'vue'

import { api } from '@/api/client'
import type { Bounds, BuildingStack } from '@/api/types'
import { floorLabel, type Floor } from '@/lib/floors'
import { coloured, keyOf, stackOverlay, type Colouring } from '@/map/stack'

import { answer, measure } from './measure'
import { afterLayout, covered, map, mapTheme } from './map'
import { onReturn, report } from './service'
import { onTouched } from './touched'
import { still, view } from './view'

export const PITCH = 55
/** Metres of air between floors: at first, and at most. */
export const GAP = { first: 5, most: 16 } as const

export const stack = shallowRef<BuildingStack | null>(null)
export const fetchingStack = ref(false)
export const gap = ref<number>(GAP.first)
/** What the reader wants to be told by colours; until then the active measure of rooms. */
export const wanted = ref<Colouring | null>(null)

export const measuresRooms = computed(() => measure.value?.layer === 'rooms')
export const colouring = computed<Colouring>(() => {
  const chosen = wanted.value ?? (measuresRooms.value ? 'measure' : 'use')
  return chosen === 'measure' && !measuresRooms.value ? 'use' : chosen
})

/** The building's floors, top first. */
export const stackFloors = computed<Floor[]>(() =>
  (stack.value?.levels ?? [])
    .map(({ ordinal, short_name: name }) => ({ ordinal, label: name ?? floorLabel(ordinal) }))
    .sort((a, b) => b.ordinal - a.ordinal),
)

export const key = computed(() => (stack.value ? keyOf(stack.value.rooms, colouring.value, view.theme) : []))

const rooms = computed(() =>
  stack.value
    ? coloured(stack.value.rooms, colouring.value, answer.value?.layer === 'rooms' ? answer.value : null, mapTheme.value)
    : null,
)

export const overlay = computed(() => {
  if (!rooms.value || rooms.value.features.length === 0) return null
  const known = stackFloors.value.some((each) => each.ordinal === view.floor)
  return stackOverlay(
    {
      rooms: rooms.value,
      gap: gap.value,
      floor: known ? view.floor : null,
      selected: view.selection?.layer === 'rooms' ? view.selection.id : null,
    },
    mapTheme.value,
  )
})

function extent(found: BuildingStack): Bounds | null {
  const places = found.rooms.features.flatMap(({ geometry }) =>
    geometry.type === 'Polygon' ? geometry.coordinates.flat() : geometry.coordinates.flat(2),
  )
  const xs = places.map((place) => place[0] ?? 0)
  const ys = places.map((place) => place[1] ?? 0)
  return places.length > 0 ? [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] : null
}

// A link shows the camera that it tells; a building that the reader opens is brought into view.
let linked = (view.camera?.pitch ?? 0) > 0 ? view.stack : null
let before: { pitch: number; bearing: number } | null = null

function turn(found: BuildingStack): void {
  const target = map.value
  const bounds = extent(found)
  if (!target || !bounds || linked === found.building.id) {
    linked = null
    return
  }
  before ??= { pitch: target.getPitch(), bearing: target.getBearing() }
  const bearing = -24
  // Apart, the floors reach far above the ground: less zoom than the ground plan would bear.
  const camera = target.cameraForBounds(bounds, { padding: covered(), bearing, maxZoom: 19.5 })
  if (!camera) return
  target.easeTo({ ...camera, zoom: (camera.zoom ?? 18) - 0.5, pitch: PITCH, bearing, animate: !still, duration: 600 })
}

/** Lay the map flat again, as it was before the floors were stacked. */
function lie(): void {
  map.value?.easeTo({ ...(before ?? { pitch: 0, bearing: 0 }), animate: !still, duration: 400 })
  before = null
}

let current: AbortController | undefined

async function fetchStack(): Promise<void> {
  current?.abort()
  const id = view.stack
  if (id === null) {
    if (stack.value) lie()
    stack.value = null
    fetchingStack.value = false
    return
  }
  const request = (current = new AbortController())
  fetchingStack.value = true
  try {
    const found = await api.stack(id, view.lang, request.signal)
    if (request.signal.aborted) return
    const opened = stack.value?.building.id !== id
    stack.value = found
    if (opened) afterLayout(() => turn(found))
  } catch (error) {
    if (request.signal.aborted) return
    view.stack = null
    report(error)
  } finally {
    if (current === request) fetchingStack.value = false
  }
}

watch([() => view.stack, () => view.lang, map], () => void (map.value && fetchStack()), { immediate: true })
onReturn(() => void fetchStack())
onTouched(() => void (view.stack !== null && fetchStack()))

export function leaveStack(): void {
  view.stack = null
}
