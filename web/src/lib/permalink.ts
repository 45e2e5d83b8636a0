/** The view as the address's hash: what a person shares is what another opens. */
import type { Language, Theme } from '@/api/types'

export interface Camera {
  zoom: number
  lat: number
  lon: number
  bearing: number
  pitch: number
}

export interface Selection {
  layer: string
  id: number
}

/** The list that is open: all of a layer, or what a named filter selects of it. */
export interface OpenList {
  layer: string
  named: string | null
}

export interface View {
  camera: Camera | null
  /** The workspace; null is the home view, "my unit". */
  space: string | null
  list: OpenList | null
  /** Columns, `-` before one that falls; null leaves the order to the list. */
  sort: string | null
  /** What is looked for in the list. */
  find: string | null
  /** Filters of columns, as `lib/where` writes them. */
  where: string | null
  /** The place to which the list is narrowed: `level/14`, `building/3`, `site/1`, `body/17`. */
  place: string | null
  /** Whether the list is open as a wide table. */
  table: boolean
  /** The columns of the table; null leaves the choice to the list. */
  columns: string[] | null
  /** The body as which the estate is seen; null is the whole of it. */
  unit: number | null
  /** The building whose floors are stacked. */
  stack: number | null
  /** The trip that is replayed. */
  trip: number | null
  /** The moment of record that is looked at, in UTC; null is now. */
  at: string | null
  /** The earlier moment with which it is compared; null compares nothing. */
  since: string | null
  /** Layers that are switched off; null leaves the choice to the catalogue. */
  off: string[] | null
  measure: string | null
  /** `from/to` in days; null leaves the choice to the service. */
  window: string | null
  /** The ordinal of the chosen floor; null means the ground floor of what is in view. */
  floor: number | null
  selection: Selection | null
  lang: Language
  theme: Theme
}

const DAY = /^\d{4}-\d{2}-\d{2}$/
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/
const WORD = /^[a-z][a-z0-9_]*$/
const SORT = /^-?[a-z][a-z0-9_]*(,-?[a-z][a-z0-9_]*)*$/
const COLUMNS = /^[a-z][a-z0-9_]*(,[a-z][a-z0-9_]*)*$/
const PLACE = /^(level|building|site|body)\/\d+$/

const finite = (value: string | undefined): number | null => {
  if (value === undefined || value.trim() === '') return null
  const number = Number(value)
  return Number.isFinite(number) ? number : null
}

/** Read a camera `zoom/lat/lon[/bearing[/pitch]]`, or null where it is not one. */
export function parseCamera(text: string | null): Camera | null {
  const [zoom, lat, lon, bearing, pitch] = (text ?? '').split('/').map(finite)
  if (zoom == null || lat == null || lon == null) return null
  if (Math.abs(lat) > 90 || zoom < 0 || zoom > 24) return null
  return { zoom, lat, lon, bearing: bearing ?? 0, pitch: Math.min(Math.max(pitch ?? 0, 0), 85) }
}

export function formatCamera(camera: Camera): string {
  // As many digits as a pixel at this zoom needs.
  const digits = Math.max(0, Math.ceil((camera.zoom * Math.LN2 + Math.log(512 / 360 / 0.5)) / Math.LN10))
  const parts = [camera.zoom.toFixed(2), camera.lat.toFixed(digits), camera.lon.toFixed(digits)]
  if (camera.bearing || camera.pitch) parts.push(camera.bearing.toFixed(1))
  if (camera.pitch) parts.push(camera.pitch.toFixed(0))
  return parts.map((part, i) => (i === 0 || i > 2 ? String(Number(part)) : part)).join('/')
}

function parseSelection(text: string | null): Selection | null {
  const [layer, id, more] = (text ?? '').split('/')
  if (!layer || !WORD.test(layer) || more !== undefined || !id || !/^\d+$/.test(id)) return null
  return { layer, id: Number(id) }
}

function parseList(text: string | null): OpenList | null {
  const [layer, named, more] = (text ?? '').split(':')
  if (!layer || !WORD.test(layer) || more !== undefined) return null
  if (named !== undefined && !WORD.test(named)) return null
  return { layer, named: named ?? null }
}

const whole = (text: string | null): number | null => (text && /^\d+$/.test(text) ? Number(text) : null)
const matching = (text: string | null, pattern: RegExp): string | null =>
  text !== null && pattern.test(text) ? text : null

function parseWindow(text: string | null): string | null {
  const [from, to, more] = (text ?? '').split('/')
  if (!from || !to || more !== undefined || !DAY.test(from) || !DAY.test(to) || from >= to) return null
  return `${from}/${to}`
}

/** A moment of an address as it is written here; null where it is none. */
export function parseMoment(text: string | null): string | null {
  // An unescaped "+08:00" arrives as " 08:00".
  const mended = (text ?? '').replace(' ', '+')
  if (!MOMENT.test(mended)) return null
  const found = new Date(mended)
  return Number.isNaN(found.getTime()) ? null : formatMoment(found.getTime())
}

export const formatMoment = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z')

/** Read a hash; what is missing or unreadable takes its value from `fallback`. */
export function parseView(hash: string, fallback: View): View {
  const query = new URLSearchParams(hash.replace(/^#/, ''))
  const floor = finite(query.get('floor') ?? undefined)
  const lang = query.get('lang')
  const theme = query.get('theme')
  const measure = query.get('measure')
  return {
    camera: parseCamera(query.get('map')) ?? fallback.camera,
    space: matching(query.get('space'), WORD) ?? fallback.space,
    list: parseList(query.get('list')) ?? fallback.list,
    sort: matching(query.get('sort'), SORT) ?? fallback.sort,
    find: query.get('find') || fallback.find,
    where: query.get('where') || fallback.where,
    place: matching(query.get('place'), PLACE) ?? fallback.place,
    table: query.has('table') ? query.get('table') === '1' : fallback.table,
    columns: matching(query.get('columns'), COLUMNS)?.split(',') ?? fallback.columns,
    unit: whole(query.get('unit')) ?? fallback.unit,
    stack: whole(query.get('stack')) ?? fallback.stack,
    trip: whole(query.get('trip')) ?? fallback.trip,
    at: parseMoment(query.get('at')) ?? fallback.at,
    since: parseMoment(query.get('since')) ?? fallback.since,
    off: query.has('off')
      ? (query.get('off') ?? '').split(',').filter((name) => WORD.test(name))
      : fallback.off,
    measure: measure && /^[\w-]+$/.test(measure) ? measure : fallback.measure,
    window: parseWindow(query.get('window')) ?? fallback.window,
    floor: floor !== null && Number.isInteger(floor) ? floor : fallback.floor,
    selection: parseSelection(query.get('sel')) ?? fallback.selection,
    lang: lang === 'zh' || lang === 'en' ? lang : fallback.lang,
    theme: theme === 'light' || theme === 'dark' ? theme : fallback.theme,
  }
}

/** The list and how it is narrowed and ordered; nothing where no list is open. */
function formatList(view: View): string[] {
  if (!view.list) return []
  const { layer, named } = view.list
  const parts = [`list=${named ? `${layer}:${named}` : layer}`]
  if (view.sort) parts.push(`sort=${view.sort}`)
  if (view.find) parts.push(`find=${encodeURIComponent(view.find)}`)
  if (view.where) parts.push(`where=${encodeURIComponent(view.where)}`)
  if (view.place) parts.push(`place=${view.place}`)
  if (view.table) parts.push('table=1')
  if (view.table && view.columns) parts.push(`columns=${view.columns.join(',')}`)
  return parts
}

/** What makes a step that the browser's back button takes back; the rest is a way of looking at it. */
export function stepOf(view: View): string {
  const { space, list, place, selection, unit, stack, trip, at, since } = view
  return JSON.stringify([space, list?.layer, list?.named, list && place, selection?.layer, selection?.id, unit, stack, trip, at !== null, since !== null])
}

export function formatView(view: View): string {
  const parts: string[] = []
  if (view.camera) parts.push(`map=${formatCamera(view.camera)}`)
  if (view.unit !== null) parts.push(`unit=${view.unit}`)
  if (view.space) parts.push(`space=${view.space}`)
  parts.push(...formatList(view))
  if (view.stack !== null) parts.push(`stack=${view.stack}`)
  if (view.trip !== null) parts.push(`trip=${view.trip}`)
  if (view.at) parts.push(`at=${view.at}`)
  if (view.since) parts.push(`since=${view.since}`)
  if (view.off) parts.push(`off=${[...view.off].sort().join(',')}`)
  if (view.measure) parts.push(`measure=${view.measure}`)
  if (view.measure && view.window) parts.push(`window=${view.window}`)
  if (view.floor !== null) parts.push(`floor=${view.floor}`)
  if (view.selection) parts.push(`sel=${view.selection.layer}/${view.selection.id}`)
  parts.push(`lang=${view.lang}`, `theme=${view.theme}`)
  return `#${parts.join('&')}`
}
