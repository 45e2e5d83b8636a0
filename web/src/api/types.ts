/** What the service answers; all keys as they travel. */
import type { Geometry, MultiPolygon, Polygon } from 'geojson'

export type Language = 'zh' | 'en'
export type Theme = 'light' | 'dark'
export type Bounds = [west: number, south: number, east: number, north: number]

/** A text in both languages. */
export interface Text {
  zh: string
  en: string
}

export interface Paint {
  kind: 'fill' | 'line' | 'circle'
  color: string
  dark: string
  outline: string | null
  outline_dark: string | null
  width: number
  opacity: number
  label: string | null
  label_zoom: number
  by: string | null
  colors: Record<string, string>
}

export interface Field {
  name: string
  title: Text
  type: string
  unit: string | null
  choices: Record<string, Text> | null
  reference: string | null
  /** Whether people may set it by hand. */
  editable: boolean
  required: boolean
}

export interface Layer {
  name: string
  group: string
  title: Text
  description: Text
  spatial: boolean
  geometry: 'polygon' | 'line' | 'point' | null
  tiles: string | null
  tilejson: string | null
  raster: boolean
  zooms: [number, number]
  /** Whether a map that was just opened draws it. */
  shown: boolean
  paint: Paint | null
  count: number
  measures: string[]
  searchable: string[]
  items: string
  fields: Field[]
  /** Whether who asks makes, deletes and links its rows. */
  makes: boolean
  /** Whether who asks gives its rows their place and shape. */
  places: boolean
}

export interface Group {
  name: string
  title: Text
}

export interface Catalogue {
  seq: number
  title: Text
  demo: boolean
  /** Whether who asks may edit at all. */
  edits: boolean
  /** The service's clock; a demo has its own. */
  now: string
  timezone: string
  /** Units that are words; the others are signs that all read. */
  units: Record<string, Text>
  bounds: Bounds | null
  groups: Group[]
  layers: Layer[]
}

export interface Measure {
  name: string
  layer: string
  title: Text
  description: Text | string
  unit: Text
  kind: 'sequential' | 'diverging' | 'categorical' | 'neutral'
  direction: string
  windowed: boolean
  citation: Text | string | null
}

/** A value of a measure: a number, the code of a category, or none (no data is not 0). */
export type Value = number | string | null

export interface MeasureAnswer {
  measure: string
  layer: string
  ids: number[]
  values: Value[]
  numerator: (number | null)[]
  denominator: (number | null)[]
  coverage: (number | null)[]
  unit: Text
  /** The upper bound of every class but the last, rising; one fewer than `colors`. */
  breaks: number[]
  colors: string[]
  colors_dark: string[]
  editions: Record<string, unknown>[]
  at: string
  window: [string, string] | null
  /** Of a categorical measure: its codes, in the order of `colors`, and what they are called. */
  categories?: string[] | null
  labels?: Record<string, Text>
}

export interface Place {
  layer: string
  id: number
  name: string | null
}

export interface SearchResult {
  layer: string
  id: number
  title: string | null
  field: string
  text: string
  path: Place[]
  center: [number, number] | null
  bbox: Bounds | null
}

export interface SearchAnswer {
  query: string
  results: SearchResult[]
}

export interface Reference {
  layer: string
  id: number
  title: string | null
}

export interface Fact {
  field: string
  title: Text
  value: unknown
  label: string | null
  unit: string | null
  reference: Reference | null
}

export interface RelatedItem {
  id: number | string
  title: string | null
  subtitle: string | null
}

export interface Related {
  layer: string
  /** The key by which these name the thing, where it is not the only one. */
  role: string | null
  title: Text
  count: number
  items: RelatedItem[]
}

export type Status = 'ok' | 'attention' | 'bad' | 'neutral'

export interface InsightLine {
  name: string
  title: Text
  /** A number, a word in one or both languages, a moment or a date; null where it is not known. */
  value: unknown
  unit: string | null
  link: { layer: string; id: number; title: string | null } | null
}

/** What a rule says of one thing. */
export interface Insight {
  name: string
  title: Text
  status: Status
  headline: Text
  lines: InsightLine[]
  citation: Text | null
}

export interface Storey {
  id: number
  ordinal: number
  short_name: string | null
  name: string | null
  room_count: number
}

export interface Feature {
  layer: string
  id: number
  title: string | null
  path: Place[]
  facts: Fact[]
  source: { source?: string | null; source_key?: string | null; revision?: number | null; recorded_at?: string | null }
  related: Related[]
  center: [number, number] | null
  bbox: Bounds | null
  geometry: Geometry | null
  insights: Insight[]
}

/** A trip with the time of every place of its route. */
export interface TripPath {
  id: number
  vehicle: { id: number; title: string | null }
  started_at: string
  ended_at: string
  length_km: number
  coordinates: [lon: number, lat: number][]
  /** Seconds since 1970, rising. */
  times: number[]
  speeds_kmh: (number | null)[]
}

export interface StackedLevel {
  id: number
  ordinal: number
  short_name: string | null
  /** Metres above the ground floor. */
  base_m: number
  height_m: number
  /** Whether no plan says how high it lies. */
  assumed: boolean
}

export interface BuildingStack {
  building: { id: number; title: string | null }
  levels: StackedLevel[]
  rooms: {
    type: 'FeatureCollection'
    features: {
      type: 'Feature'
      id: number
      geometry: Polygon | MultiPolygon
      properties: {
        level_id: number
        ordinal: number
        base_m: number
        top_m: number
        number: string | null
        name: string | null
        use: string | null
        state: string | null
      }
    }[]
  }
}

/** RFC 9457. */
export interface ProblemDetails {
  type?: string
  title?: string
  detail?: string
  status?: number
  /** What it is about, where that is not what was asked for: `session`, `csrf`, `locked` … */
  reason?: string
  /** The field that is meant. */
  field?: string
  /** Of 422: why each part cannot be. */
  errors?: { pointer: string; field: string; message: string }[]
  /** Of 412: rows that another changed meanwhile. */
  conflicts?: Conflict[]
}

export interface Conflict {
  pointer?: string
  layer: string
  id: number
  revision?: number
  changed_by?: string | null
  changed_at?: string | null
  differs: { field: string; title: Text; base: unknown; yours: unknown; theirs: unknown }[]
}
