/** What the service tells of the recorded past, and of what changes now. */
import type { Geometry } from 'geojson'

import type { Bounds, Reference, Text } from './types'

export type Kind = 'added' | 'altered' | 'gone'

/** A value as it was, with what it is called. */
export interface Side {
  value: unknown
  label: string | null
  reference: Reference | null
}

export interface ChangedField {
  field: string
  title: Text
  unit: string | null
  before: Side | null
  after: Side | null
}

/** One state of a thing, and how it came about. */
export interface Version {
  seq: number
  recorded_at: string
  actor: string | null
  reason: string | null
  /** The change set that it took back. */
  undoes: number | null
  operation: Kind
  revision: number
  fields: ChangedField[]
  moved: boolean
  bbox_before: Bounds | null
  bbox_after: Bounds | null
  /** Where shapes were asked for: the version's own, of what is gone the last one. */
  geometry?: Geometry | null
}

export interface History {
  layer: string
  id: number
  title: string | null
  /** From when on the layer is recorded. */
  since: string | null
  versions: Version[]
  next: number | null
}

/** A mark of the time slider. */
export interface ChangeMark {
  seq: number
  at: string
  actor: string | null
  reason: string | null
  undoes: number | null
  counts: Record<string, number>
  bbox: Bounds | null
}

export interface ChangeMarks {
  sets: ChangeMark[]
  next: number | null
}

export interface DifferingFeature {
  type: 'Feature'
  id: string
  geometry: Geometry | null
  properties: { kind: Kind; layer: string; id: number; title: string | null; at: string; moved: boolean }
}

/** What differs between two moments. */
export interface Difference {
  type: 'FeatureCollection'
  from: string
  to: string
  truncated: boolean
  counts: Record<string, Record<Kind, number>>
  /** Layers whose record begins after `from`, and when: their earliest known state stands for it. */
  earliest: Record<string, string>
  features: DifferingFeature[]
}

/** What one committed change set touched of a layer; all null where it may be anything. */
export interface EventLayer {
  ids: number[] | null
  bbox: Bounds | null
  extents: Bounds[] | null
}

export interface ChangeEvent {
  seq: number
  at: string
  actor: string | null
  reason: string | null
  layers: Record<string, EventLayer>
}

/** A value that was set by hand and of which a newer file says another. */
export interface FileConflict {
  id: number
  layer: string
  row: number
  /** Of the row as it is shown; null where it was deleted. */
  revision: number | null
  name: string
  source: string
  source_key: string
  /** Null where the row was deleted by hand: then `file` is the row as the file has it. */
  field: string | null
  title: Text | null
  mine: unknown
  file: unknown
  before: unknown
}

export interface FileConflicts {
  rows: FileConflict[]
  next: number | null
}
