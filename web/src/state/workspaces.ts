/** The workspaces that have content. */
import { computed, shallowRef } from 'vue'

import type { IconName } from '@/components/Icon.vue'
import type { Text } from '@/api/types'

import { LAYERS } from './shell'
import { empty, layers } from './service'

export interface Workspace {
  name: string
  title: Text
  description: Text
  layers: string[]
  lists: string[]
  measures: string[]
  filters: string[]
}

export const workspaces = shallowRef<Workspace[]>([])

/** A workspace without anything in its layers is nobody's place of work. */
export const offered = computed(() =>
  workspaces.value.filter((each) =>
    each.layers.length === 0
      ? !empty.value
      : each.layers.some((name) => (layers.value.get(name)?.count ?? 0) > 0),
  ),
)

const ICONS: Record<string, IconName> = {
  assets: 'box',
  space: 'building',
  fleet: 'car',
  energy: 'bolt',
  network: 'nodes',
  cockpit: 'gauge',
  [LAYERS]: 'layers',
}

export const iconOf = (space: string | null): IconName => (space === null ? 'house' : (ICONS[space] ?? 'table'))
