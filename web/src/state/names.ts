/** What the page itself knows by name: counted questions, workspaces, layers. */
import { computed } from 'vue'

import type { Named } from '@/lib/finding'

import { catalogue } from './service'
import { filters, offered, workspaces } from './workspaces'

/** The workspace whose question it is. */
export const spaceOf = (question: string): string | null =>
  workspaces.value.find((each) => each.filters.includes(question))?.name ?? null

export const knownNames = computed<Named[]>(() => [
  ...[...filters.value.values()].map((each): Named => ({ ...each, kind: 'question', space: spaceOf(each.name) })),
  ...offered.value.map((each): Named => ({ ...each, kind: 'workspace' })),
  ...(catalogue.value?.layers ?? [])
    .filter((layer) => layer.group !== 'basemap' && layer.count > 0)
    .map((layer): Named => ({ kind: 'layer', name: layer.name, title: layer.title, description: layer.description })),
])
