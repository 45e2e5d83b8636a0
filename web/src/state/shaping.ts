/** Shapes on the map: bent, drawn, cut and joined; what they come to, and how they are saved. */
import type { Geometry } from 'geojson'
import { computed, ref, shallowRef, watch } from 'vue'

import { api, Refused } from '@/api/client'
import type { Put } from '@/api/editing'
import type { Bounds, Feature } from '@/api/types'
import { i18n } from '@/i18n'
import { numberAfter, shared } from '@/lib/areas'
import { tr } from '@/lib/format'
import { tellArea } from '@/lib/measuring'
import { metresApart, middleOf, gridOf, snapTo } from '@/lib/snapping'
import type { Neighbour } from '@/map/neighbours'
import type { Kind, Shaped, Shaping } from '@/map/shaping'

import { bringBack } from './choice'
import { save, tellRefusal } from './editing'
import { makeFeature, mayLeave } from './form'
import { floor, inSight, map, show } from './map'
import { floorLayer, layers, report } from './service'
import { savePut } from './settling'
import { shaped, task, measuring, type Task } from './tools'
import { view } from './view'

export interface Part {
  geometry: Geometry
  area_m2: number
}

/** What is drawn now. */
export const told = shallowRef<Shaped | null>(null)
/** Why it cannot be, in the service's words. */
export const problem = ref<string | null>(null)
/** What an area is cut into, or joined to. */
export const parts = shallowRef<Part[]>([])
/** What lies round the thing on its floor. */
export const around = shallowRef<Neighbour[]>([])
export const partner = shallowRef<Neighbour | null>(null)
/** What the new part of an area is called. */
export const newName = ref('')
export const preparing = ref(false)

const t = (key: string, named: Record<string, unknown> = {}): string => i18n.global.t(key, named)
let drawing: Shaping | null = null

export const layerOf = (now: Task): string => (now.kind === 'draw' ? now.layer : now.kind === 'box' ? '' : now.feature.layer)
/** Whether rows of a layer lie on the floors of buildings. */
const floored = (name: string): boolean =>
  floorLayer.value !== null && (layers.value.get(name)?.zooms[0] ?? 0) >= floorLayer.value.zooms[0]
const onFloor = (name: string): number | null => (floored(name) && name !== 'assets' ? floor.value : null)

/** Whether what is drawn may be saved. */
export const ready = computed(() => {
  const now = task.value
  if (!now || told.value?.crosses) return false
  if (now.kind === 'split') return parts.value.length > 1
  if (now.kind === 'merge') return parts.value.length === 1
  return told.value !== null && told.value.geometry !== null && told.value.finished
})

function reset(): void {
  drawing?.stop()
  drawing = null
  told.value = null
  problem.value = null
  parts.value = []
  around.value = []
  partner.value = null
  newName.value = ''
  shaped.value = null
}

/** Begin to do something to shapes; what is under way is asked about first. */
export async function begin(wanted: Task): Promise<void> {
  if (!(await mayLeave())) return
  measuring.value = null
  task.value = wanted
}

export function leave(): void {
  task.value = null
}

/** Bring the thing near enough to be drawn, and wait for its tiles. */
async function near(now: Task): Promise<void> {
  const target = map.value
  if (!target) return
  // What is put on a floor plan needs the plan in sight.
  const least = layers.value.get(now.kind === 'place' ? 'rooms' : layerOf(now))?.zooms[0] ?? 0
  if ('feature' in now && now.feature.center && (!inSight(now.feature.center) || target.getZoom() < least)) {
    show(now.feature.bbox, now.feature.center)
  }
  if (!target.areTilesLoaded() || target.isMoving()) await target.once('idle')
}

async function prepare(now: Task): Promise<void> {
  const target = map.value
  if (!target || now.kind === 'box') return
  bringBack(layerOf(now))
  if (now.kind === 'place') bringBack('rooms')
  preparing.value = true
  try {
    const [{ neighboursIn }] = await Promise.all([import('@/map/neighbours'), import('@/map/shaping'), near(now)])
    if (task.value !== now) return
    const found = now.kind === 'place' ? [] : await neighboursIn(target, layerOf(now), onFloor(layerOf(now)))
    if (task.value !== now) return
    around.value = found
    await startTool(now, found)
  } catch (error) {
    leave()
    report(error)
  } finally {
    preparing.value = false
  }
}

async function startTool(now: Task, found: readonly Neighbour[]): Promise<void> {
  const target = map.value
  if (!target || task.value !== now) return
  const { startBending, startDrawing } = await import('@/map/shaping')
  const own = 'feature' in now ? now.feature.id : null
  const others = found.filter(({ id }) => id !== own).map(({ geometry }) => geometry)
  drawing?.stop()
  drawing = null
  const name = 'feature' in now ? (now.feature.title ?? String(now.feature.id)) : t('shaping.new')
  const changed = (said: Shaped): void => {
    told.value = said
    problem.value = null
    if (said.geometry) shaped.value = name
    if (now.kind === 'split') void cut(now.feature, said)
    if (now.kind === 'draw' && said.finished && !said.crosses && kindOf(now.layer) !== 'point') void keepDrawn(now.layer)
  }
  if (now.kind === 'reshape') {
    drawing = now.feature.geometry && startBending(target, view.theme, now.feature.geometry, others, changed)
    if (!drawing) problem.value = t('shaping.unbendable')
  } else if (now.kind === 'split') {
    drawing = startDrawing(target, view.theme, 'line', [...others, ...(now.feature.geometry ? [now.feature.geometry] : [])], changed)
  } else if (now.kind === 'draw') {
    drawing = startDrawing(target, view.theme, kindOf(now.layer), others, changed)
  }
}

export const kindOf = (layer: string): Kind => layers.value.get(layer)?.geometry ?? 'polygon'

/** Show what a change will come to, with the areas written in. */
async function showParts(): Promise<void> {
  const target = map.value
  if (!target) return
  const { preview } = await import('@/map/preview')
  preview(target, view.theme, parts.value.map(({ geometry, area_m2: area }) => ({ geometry, text: tellArea(area, view.lang) })))
}

/** Tell a reason of the service beside the tool. */
function tell(error: unknown): void {
  if (error instanceof Refused) problem.value = (error.problem.errors ?? []).map((each) => each.message).join('\n') || error.message
  else tellRefusal(error)
}

async function cut(feature: Feature, drawn: Shaped): Promise<void> {
  if (!drawn.finished || drawn.geometry?.type !== 'LineString' || !feature.geometry) return
  try {
    parts.value = (await api.split(feature.geometry, drawn.geometry, view.lang)).parts
    const said = ['number', 'name'].flatMap((name) => feature.facts.find((fact) => fact.field === name)?.value ?? [])
    const number = said[0]
    const taken = new Set(around.value.map(({ properties }) => properties.number ?? properties.name))
    newName.value = numberAfter(typeof number === 'string' ? number : '', taken)
    await showParts()
    if (parts.value.length > 2) problem.value = t('shaping.many_parts', { n: parts.value.length })
  } catch (error) {
    tell(error)
    if (task.value) await startTool(task.value, around.value)
  }
}

/** Choose the area that is to be joined to the thing. */
export async function join(other: Neighbour): Promise<void> {
  const now = task.value
  if (now?.kind !== 'merge' || !now.feature.geometry || other.id === now.feature.id) return
  partner.value = other
  parts.value = []
  problem.value = null
  try {
    parts.value = (await api.merge([now.feature.geometry, other.geometry], view.lang)).parts
    shaped.value = now.feature.title ?? String(now.feature.id)
    await showParts()
  } catch (error) {
    tell(error)
  }
}

/** Where a new thing belongs: its floor, and the body of the neighbour that it touches. */
async function keepDrawn(layer: string): Promise<void> {
  const target = map.value
  const geometry = told.value?.geometry
  const levels = floorLayer.value?.name
  if (!target || !geometry) return
  const { levelAt, roomAt } = await import('@/map/neighbours')
  const made: Pick<Put, 'geometry' | 'links'> = { geometry }
  const base: Record<string, unknown> = {}
  const names: Record<string, string> = {}
  const known = new Set((layers.value.get(layer)?.fields ?? []).map((field) => field.name))
  const level = levels && floored(layer) ? levelAt(target, levels, floor.value, middleOf(geometry)) : null
  if (level !== null && layer === 'rooms') made.links = { levels: [level] }
  if (level !== null && known.has('level_id')) Object.assign(base, { level_id: level })
  if (geometry.type === 'Point' && known.has('room_id')) {
    const room = await roomAt(target, floor.value, geometry.coordinates)
    if (room) {
      base.room_id = room.id
      names.room_id = String(room.properties.number ?? room.properties.name ?? room.id)
    }
  }
  const neighbour = around.value.find((each) => touching(each.geometry, geometry))
  if (neighbour) {
    const fact = (await api.feature(layer, neighbour.id, view.lang)).facts.find((each) => each.field === 'body_id')
    if (fact?.reference) Object.assign(base, { body_id: fact.reference.id }) && (names.body_id = fact.reference.title ?? '')
  }
  if (layer === 'rooms' && level === null) {
    problem.value = t('shaping.no_level')
    return
  }
  leave()
  reset()
  makeFeature(layer, made, base, names)
}

/** Whether two shapes have corners on each other's edges, or a wall between them at most. */
function touching(a: Geometry, b: Geometry): boolean {
  const scale = ([x = 0, y = 0]: readonly number[]): { x: number; y: number } => {
    const east = metresApart([0, y], [1, y])
    return { x: x * east * 12, y: y * 111_320 * 12 } // a reach of 12 px is a metre here
  }
  return gridOf([b]).places.some((place) => snapTo(gridOf([a]), scale(place), scale) !== null)
}

async function saveSplit(feature: Feature): Promise<boolean> {
  const [large, ...others] = parts.value
  const revision = feature.source.revision
  if (!large || revision == null) return false
  const whole = parts.value.reduce((sum, part) => sum + part.area_m2, 0)
  const fields = layers.value.get(feature.layer)?.fields ?? []
  const naming = ['number', 'name'].find((name) => fields.some((field) => field.name === name && field.editable))
  const puts: Put[] = others.map((part, i) => ({
    layer: feature.layer,
    like: feature.id,
    geometry: part.geometry,
    properties: { ...shared(feature, fields, part.area_m2 / whole), ...(naming ? { [naming]: i === 0 ? newName.value.trim() : `${newName.value.trim()}-${i + 1}` } : {}) },
  }))
  puts.unshift({ layer: feature.layer, id: feature.id, revision, geometry: large.geometry, properties: shared(feature, fields, large.area_m2 / whole) })
  await save({ puts }, t('shaping.split_done', { name: feature.title, n: parts.value.length }))
  return true
}

async function saveMerge(feature: Feature): Promise<boolean> {
  const [part] = parts.value
  const other = partner.value
  const revision = feature.source.revision
  if (!part || !other || revision == null) return false
  const fields = layers.value.get(feature.layer)?.fields ?? []
  const gone = await api.feature(feature.layer, other.id, view.lang)
  await save(
    {
      puts: [{ layer: feature.layer, id: feature.id, revision, geometry: part.geometry, properties: shared(feature, fields, 1, gone) }],
      deletes: [{ layer: feature.layer, id: other.id, revision: gone.source.revision ?? 0 }],
    },
    t('shaping.merge_done', { name: feature.title, other: gone.title }),
  )
  return true
}

async function saveShape(feature: Feature): Promise<boolean> {
  const { revision } = feature.source
  const geometry = told.value?.geometry
  if (revision == null || !geometry) return false
  return (await savePut({ layer: feature.layer, id: feature.id, revision, geometry }, t('editing.saved_as', { name: feature.title }))) !== null
}

/** Save what is drawn; whether it was taken. */
export async function saveDrawn(): Promise<void> {
  const now = task.value
  if (!now || !ready.value) return
  problem.value = null
  try {
    if (now.kind === 'draw') return await keepDrawn(now.layer)
    if (!('feature' in now)) return
    const act = { reshape: saveShape, split: saveSplit, merge: saveMerge, place: saveShape }[now.kind]
    if (await act(now.feature)) leave()
  } catch (error) {
    tell(error)
  }
}

/** Put a thing into the room that was pointed at: its room and its place in one change. */
export async function placeAt(lon: number, lat: number): Promise<void> {
  const now = task.value
  const target = map.value
  if (now?.kind !== 'place' || !target) return
  const { roomAt } = await import('@/map/neighbours')
  problem.value = null
  try {
    const room = await roomAt(target, floor.value, [lon, lat])
    if (!room) {
      problem.value = t('shaping.no_room')
      return
    }
    const { layer, id, title, source } = now.feature
    const name = String(room.properties.number ?? room.properties.name ?? room.id)
    const put: Put = { layer, id, revision: source.revision ?? undefined, properties: { room_id: room.id }, geometry: { type: 'Point', coordinates: [lon, lat] } }
    if (await savePut(put, t('shaping.placed', { name: title, room: name }))) leave()
  } catch (error) {
    tell(error)
  }
}

export const undoCorner = (): void => drawing?.undo()
export const finishShape = (): void => drawing?.finish()
export function addCentre(): void {
  const centre = map.value?.getCenter()
  if (task.value?.kind === 'place' && centre) void placeAt(centre.lng, centre.lat)
  else drawing?.addCentre()
}

/** Begin the same again: the line or the shape that was drawn is put away. */
export async function again(): Promise<void> {
  const now = task.value
  if (!now) return
  parts.value = []
  partner.value = null
  told.value = null
  problem.value = null
  shaped.value = null
  if (map.value) (await import('@/map/preview')).clearPreview(map.value)
  await startTool(now, around.value)
}

/** The neighbours that may be joined, the nearest first. */
export const candidates = computed(() => {
  const now = task.value
  if (now?.kind !== 'merge' || !now.feature.geometry) return []
  const middle = middleOf(now.feature.geometry)
  return around.value
    .filter(({ id }) => id !== now.feature.id)
    .map((each) => ({ ...each, far: metresApart(middle, middleOf(each.geometry)) }))
    .sort((a, b) => a.far - b.far)
    .slice(0, 12)
})

export const nameOf = (each: Neighbour): string => String(each.properties.number ?? each.properties.name ?? each.id)
export const layerTitle = (name: string): string => tr(layers.value.get(name)?.title, view.lang)

/** Layers of which new things may be drawn; the base map is the surveyors'. */
export const drawable = computed(() =>
  [...layers.value.values()].filter((layer) => layer.geometry && layer.tiles && layer.group !== 'basemap' && layer.makes && layer.places),
)

export const extentOf = (geometry: Geometry): Bounds => {
  const { places } = gridOf([geometry])
  const all = (axis: 0 | 1): number[] => places.map((place) => place[axis] ?? 0)
  return [Math.min(...all(0)), Math.min(...all(1)), Math.max(...all(0)), Math.max(...all(1))]
}

watch(task, (now, before) => {
  if (before) {
    reset()
    if (map.value) void import('@/map/preview').then(({ clearPreview }) => map.value && !parts.value.length && clearPreview(map.value))
  }
  if (now) void prepare(now)
})
// What is drawn wears the colours of the page, and belongs to the floor that is shown.
watch([() => view.theme, floor], () => task.value && !shaped.value && void prepare(task.value))
