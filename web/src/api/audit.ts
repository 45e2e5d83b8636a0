/** What the service tells of traces, to the security auditor. */
import type { Text } from './types'

export interface AuditRecord {
  number: number
  batch: number
  at: string
  kind: string
  outcome: string
  account: string | null
  account_id: number | null
  address: string | null
  request: string | null
  route: string | null
  layer: string | null
  details: Record<string, unknown>
}

export interface AuditRecords {
  records: AuditRecord[]
  /** The number before which the next page begins. */
  next: number | null
  kinds: Record<string, Text>
  outcomes: Record<string, Text>
  layers: Record<string, Text>
}

export interface AuditState {
  last: number | null
  sealed_at: string | null
  waiting: number
  verified_at: string | null
  verified: string | null
  verified_age_s: number | null
}

/** Which records are asked for; what is empty does not narrow. Times are of the service's zone. */
export interface AuditQuery {
  from: string
  to: string
  account: string
  kind: string
  outcome: string
  layer: string
  text: string
}
