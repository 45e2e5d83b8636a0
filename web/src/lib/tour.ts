/** The stories of the demo estate that the tour tells, and how they are told. */
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
