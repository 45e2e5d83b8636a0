/** Which layers are drawn, and what is selected. */
import { computed, shallowRef } from 'vue'

import type { Way } from '@/lib/near'
import type { Selection } from '@/lib/permalink'
import type { Position } from '@/lib/replay'

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

/**
 * How the reader chose what is selected: where on the map, or elsewhere on the page (`at` is null);
 * null for a link, which has a camera of its own, if it is not one made by hand.
 */
export const chosen = shallowRef<Way | null>(view.selection && view.camera === null ? { at: null } : null)
onAddress(() => (chosen.value = null))

/** Select a feature; its layer comes back where it was off, or the feature would be unseen. */
export function select(selection: Selection | null, at: Position | null = null): void {
  chosen.value = selection && { at }
  view.selection = selection
  if (selection) bringBack(selection.layer)
}
