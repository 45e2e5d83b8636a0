/** Where the reader is in the page: workspace, list, place; and how to get to another. */
import type { OpenList } from '@/lib/permalink'

import { narrow, panelOpen, sheet } from './map'
import { view } from './view'

/** The last place of the rail: all layers. */
export const LAYERS = 'layers'

/** Put away the list with all that narrowed it. */
export function closeList(): void {
  Object.assign(view, { list: null, sort: null, find: null, where: null, place: null, table: false })
}

/** Open a workspace, the layers, or with null the home view; the camera stays where it is. */
export function openSpace(space: string | null): void {
  closeList()
  view.space = space
  panelOpen.value = true
  if (narrow.value) {
    view.selection = null
    if (sheet.value === 'peek') sheet.value = 'half'
  }
}

/** Open a list as its own question puts it, or narrowed to a place. */
export function openList(list: OpenList, place: string | null = null): void {
  closeList()
  view.list = list
  view.place = place
  panelOpen.value = true
  if (narrow.value) {
    view.selection = null
    if (sheet.value === 'peek') sheet.value = 'half'
  }
}
