/** The open list on the map: its marks, the row that is pointed at, the marks that hold many rows. */
import { computed, shallowRef, watch } from 'vue'

import { address, api } from '@/api/client'
import type { ListRow } from '@/api/lists'
import type { Position } from '@/lib/replay'
import { sourceOf } from '@/map/compose'
import { placeOf } from '@/map/listed'
import type { Marks, Tone } from '@/map/marks'
import type { PickedMark } from '@/map/pick'

import { select } from './choice'
import { hoveredRow, listQuery, rows } from './lists'
import { drawing, inSight, map, narrow, sheet, show } from './map'
import { layers, report } from './service'
import { overlay as stacked } from './stack'
import { still, view } from './view'
import { filters } from './workspaces'

/** How much the open list's question asks for attention. */
export const tone = computed<Tone>(() => filters.value.get(view.list?.named ?? '')?.tone ?? 'neutral')

export const marks = computed<Marks | null>(() => {
  const { list } = view
  // While a trip is replayed its course is what is looked at; where floors are stacked a mark would
  // lie on the ground beneath the floor that it is meant for.
  if (!list || !listQuery.value || view.trip !== null || stacked.value) return null
  const layer = layers.value.get(list.layer)
  // Rows that wait to be mended are of no layer, and nowhere.
  if (!layer) return null
  const { lang: _, ...query } = listQuery.value
  const search = new URLSearchParams(query).toString()
  return {
    tiles: address(`/lists/${list.layer}/tiles/{z}/{x}/{y}${search ? `?${search}` : ''}`),
    layer: list.layer,
    tone: tone.value,
    shapes: layer.tiles && layer.geometry === 'polygon' ? sourceOf(list.layer) : null,
  }
})

/**
 * Where the row is that a pointer rests on in the list: at its mark, or, where its mark stands for
 * many that it does not name, where the row itself is shown; null where it has no place.
 */
export const ringed = computed<Position | null>(() => {
  const row = hoveredRow.value
  // Asked again when new tiles are in.
  void drawing.value
  if (!row || !marks.value || !map.value) return null
  return placeOf(map.value, row.id) ?? rows.value.find((each) => each.opens.id === row.id)?.center ?? null
})

/** The rows of a mark that hold the same place: one of them is to be chosen. */
export const choice = shallowRef<{ mark: PickedMark; rows: ListRow[] | null } | null>(null)
watch(marks, () => (choice.value = null))

/** Ask for the rows of a mark, as far as it names them. */
async function offer(mark: PickedMark): Promise<void> {
  const query = listQuery.value
  const layer = view.list?.layer
  if (!query || !layer) return
  choice.value = { mark, rows: null }
  const among = { op: 'in', args: [{ property: 'id' }, mark.ids] }
  const filter = query.filter ? { op: 'and', args: [JSON.parse(query.filter) as unknown, among] } : among
  try {
    const found = await api.list(layer, { ...query, filter: JSON.stringify(filter), 'filter-lang': 'cql2-json' }, { limit: 20, totals: false })
    if (choice.value?.mark === mark) choice.value = { mark, rows: found.rows }
  } catch (error) {
    choice.value = null
    report(error)
  }
}

/** From here on marks are as close as the map can draw them apart. */
const CLOSE = 18.5

/** A mark for one row selects it; one for several comes closer, until they are to be chosen from. */
export function openMark(mark: PickedMark): void {
  const { n, ids, place } = mark
  const [id] = ids
  const target = map.value
  if (!view.list || !target || id === undefined) return
  choice.value = null
  if (n === 1) {
    select({ layer: view.list.layer, id }, place)
    if (narrow.value && sheet.value === 'peek') sheet.value = 'half'
  } else if (target.getZoom() >= CLOSE) void offer(mark)
  else target.easeTo({ center: place, zoom: Math.min(target.getZoom() + 2.5, 20), animate: !still, duration: 400 })
}

// A link shows the camera that it tells; a list that the reader opens is brought into view.
let linked = view.camera !== null ? JSON.stringify(view.list) : null

/** Bring the rows of a list that was just opened into view, unless one of them is in sight. */
function fit(found: readonly ListRow[]): void {
  const opened = JSON.stringify(view.list)
  if (linked === opened) {
    linked = null
    return
  }
  linked = null
  const places = found.flatMap(({ center }) => (center ? [center] : []))
  if (places.length === 0 || places.some(inSight)) return
  const xs = places.map(([lon]) => lon)
  const ys = places.map(([, lat]) => lat)
  show([Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)], null)
}

let fitted: string | null = null
watch([rows, map], ([found]) => {
  const opened = view.list && JSON.stringify(view.list)
  if (!map.value || found.length === 0 || fitted === opened) return
  fitted = opened
  fit(found)
})
watch(
  () => view.list,
  (list) => list ?? (fitted = null),
)
