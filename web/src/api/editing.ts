/** What the page writes: several puts and deletes, all or nothing; and what comes of it. */
import type { Geometry } from 'geojson'

/** A row to make (no `id`) or to change; what is not named stays as it is. */
export interface Put {
  layer: string
  id?: number
  /** The revision that was read; needed where there is an id. */
  revision?: number
  /** The row that a new one takes values and links from. */
  like?: number
  properties?: Record<string, unknown>
  /** Null takes the place away. */
  geometry?: Geometry | null
  /** Ids of linked rows by layer. */
  links?: Record<string, number[]>
}

export interface Delete {
  layer: string
  id: number
  revision: number
}

export interface Edit {
  reason?: string
  puts?: Put[]
  deletes?: Delete[]
}

export interface Done {
  /** Null where nothing differed from what is there. */
  seq: number | null
  recorded_at: string | null
  actor: string
  puts: { layer: string; id: number; revision: number }[]
  deletes: { layer: string; id: number }[]
}

/** What an area is cut into, or joined to; the largest first. */
export interface Parts {
  parts: { geometry: Geometry; area_m2: number }[]
}

export interface Shapes {
  features: { id: number; geometry: Geometry | null; properties: Record<string, unknown> }[]
}
