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

export interface View {
  camera: Camera | null
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
const WORD = /^[a-z][a-z0-9_]*$/

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

function parseWindow(text: string | null): string | null {
  const [from, to, more] = (text ?? '').split('/')
  if (!from || !to || more !== undefined || !DAY.test(from) || !DAY.test(to) || from >= to) return null
  return `${from}/${to}`
}

/** Read a hash; what is missing or unreadable takes its value from `fallback`. */
export function parseView(hash: string, fallback: View): View {
  const query = new URLSearchParams(hash.replace(/^#/, ''))
  const floor = finite(query.get('floor') ?? undefined)
  const lang = query.get('lang')
  const theme = query.get('theme')
  const measure = query.get('measure')
  return {
    camera: parseCamera(query.get('map')) ?? fallback.camera,
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

export function formatView(view: View): string {
  const parts: string[] = []
  if (view.camera) parts.push(`map=${formatCamera(view.camera)}`)
  if (view.off) parts.push(`off=${[...view.off].sort().join(',')}`)
  if (view.measure) parts.push(`measure=${view.measure}`)
  if (view.measure && view.window) parts.push(`window=${view.window}`)
  if (view.floor !== null) parts.push(`floor=${view.floor}`)
  if (view.selection) parts.push(`sel=${view.selection.layer}/${view.selection.id}`)
  parts.push(`lang=${view.lang}`, `theme=${view.theme}`)
  return `#${parts.join('&')}`
}
