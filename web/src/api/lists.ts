/** What the service answers about workspaces, counted questions and lists. */
import type { Bounds, Reference, Text } from './types'

export interface Workspace {
  name: string
  title: Text
  description: Text
  layers: string[]
  lists: string[]
  measures: string[]
  filters: string[]
  /** Further questions, counted when they are asked for. */
  more: string[]
}

export type Tone = 'bad' | 'attention' | 'neutral'
export type PlaceKind = 'level' | 'building' | 'site' | 'body'

/** A counted question. */
export interface NamedFilter {
  name: string
  layer: string
  title: Text
  description: Text
  unit: Text
  tone: Tone
  group: string | null
  citation: Text | null
}

export interface Counted extends NamedFilter {
  count: number
  moment: string
}

export interface ListColumn {
  name: string
  title: Text
  type: string
  unit: string | null
  choices: Record<string, Text> | null
  reference: string | null
  /** Whether people may set it by hand. */
  editable: boolean
  /** Whether its sum means something. */
  summed: boolean
  /** Whether it is shown at first. */
  shown: boolean
  /** Whether it is the question's: why the row is in the list. */
  added: boolean
}

export interface ListRow {
  id: number | string
  /** What is selected when the row is. */
  opens: { layer: string; id: number }
  title: string | null
  path: string
  center: [number, number] | null
  bbox: Bounds | null
  values: Record<string, unknown>
  refs: Record<string, Reference>
}

export interface Totals {
  total: number
  sums: Record<string, number | null>
  on_map: number
  off_map: { reason: string; title: Text; count: number }[]
}

export interface Listed extends Partial<Totals> {
  layer: string
  named: string | null
  moment: string
  columns: ListColumn[]
  places: PlaceKind[]
  rows: ListRow[]
  /** The token of the next page; null on the last. */
  next: string | null
}

/** `[id, revision]` of every row of a list, as many as one change may name. */
export interface Keys {
  total: number
  rows: number[][]
}

export interface Grouped {
  by: string
  groups: {
    layer: string
    /** Null for the rows that are in no such place. */
    id: number | null
    title: string | null
    path: string
    count: number
    sums: Record<string, number | null>
  }[]
}

/** Rows of imports that could not be loaded. */
export interface Quarantined {
  total: number
  by_reason: { reason: string; title: Text; count: number }[]
  rows: {
    id: number
    kind: string
    file: string
    row: number | null
    reasons: { field: string | null; value: string | null; zh: string; en: string }[]
  }[]
  next: number | null
}
