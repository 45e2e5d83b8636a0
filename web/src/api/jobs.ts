/** What the service tells of jobs, and takes to begin one. */
import type { Text } from './types'

export type JobState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'

export interface Job {
  id: number
  kind: 'import' | 'archive' | 'report'
  title: Text
  state: JobState
  state_title: Text
  phase: { code: string; zh: string; en: string } | null
  done: number | null
  total: number | null
  own: boolean
  result: Record<string, unknown> | null
  error: ({ reason: string; zh: string; en: string } & Record<string, unknown>) | null
  file: boolean
  asked_at: string
  cancel_asked_at: string | null
  finished_at: string | null
}

export interface Jobs {
  jobs: Job[]
  next: number | null
}

export interface Kind {
  kind: string
  title: Text
  description: Text
  suffixes: string[]
  spatial: boolean
  sheet: boolean
}

export interface Kinds {
  kinds: Kind[]
  archives: boolean
  upload_mb: number
}

export interface NewImport {
  kind: string
  file: File
  crs: string
  source: string
  dryRun: boolean
  acceptGuess: boolean
}
