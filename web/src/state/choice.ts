/** Which layers are drawn, and what is selected. */
import { computed } from 'vue'

import type { Selection } from '@/lib/permalink'

import { layers } from './service'
import { view } from './view'

/** The layers that are switched off: by the reader, or by the catalogue until then. */
export const off = computed<string[]>(
  () =>
    view.off ?? [...layers.value.values()].filter((layer) => layer.shown === false).map((layer) => layer.name),
)

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
