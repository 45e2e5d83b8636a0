/** Which layers are drawn, and what is selected. */
import { computed } from 'vue'

import type { Selection } from '@/lib/permalink'

import { layers } from './service'
import { onAddress, view } from './view'
import { workspaces } from './workspaces'

/** The layers that a workspace works with. */
export const layersOf = (space: string | null): string[] => workspaces.value.find((each) => each.name === space)?.layers ?? []

/** The layers that the catalogue does not show by itself. */
export const hidden = computed(() => [...layers.value.values()].filter((layer) => layer.shown === false).map((layer) => layer.name))

/**
 * The layers that are switched off: by the reader, or, until one was switched, those that neither
 * the catalogue shows nor the open workspace wants.
 */
export const off = computed<string[]>(() => {
  if (view.off) return view.off
  const wanted = layersOf(view.space)
  return hidden.value.filter((name) => !wanted.includes(name))
})

export function toggleLayer(name: string): void {
  view.off = off.value.includes(name) ? off.value.filter((each) => each !== name) : [...off.value, name]
}

/** Draw a layer that was switched off. */
export function bringBack(name: string): void {
  if (off.value.includes(name)) toggleLayer(name)
}

/** Select a feature; its layer comes back where it was off, or the feature would be unseen. */
export function select(selection: Selection | null): void {
  view.selection = selection
  if (selection) bringBack(selection.layer)
}
