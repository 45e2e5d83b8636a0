/** The stories of the demo estate that the tour tells, and how they are told. */
import type { Insight } from '@/api/types'

export interface Story {
  /** The workspace of the role whose story it is. */
  space: 'space' | 'fleet' | 'energy' | 'network'
  /** The counted question it begins with. */
  question: string
  /** The thing it ends at: its layer, and the name or number by which it is found. */
  layer: string
  key: string
}

export const STORIES: readonly Story[] = [
  { space: 'space', question: 'over_quota_people', layer: 'persons', key: '周试一' },
  { space: 'fleet', question: 'silent_cars', layer: 'vehicles', key: '演A·D0055' },
  { space: 'energy', question: 'meter_anomalies', layer: 'meters', key: 'E-0113' },
  { space: 'network', question: 'failed_nodes', layer: 'network_nodes', key: 'SW-B07-3' },
]

const URGENCY = { bad: 0, attention: 1, ok: 2, neutral: 3 } as const

/** What the rules say that matters most; of equals, what comes first. */
export function foremost(insights: readonly Insight[]): Insight | null {
  return insights.reduce<Insight | null>(
    (best, each) => (!best || URGENCY[each.status] < URGENCY[best.status] ? each : best),
    null,
  )
}
