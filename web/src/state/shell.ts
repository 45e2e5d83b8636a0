/** Where the reader is in the page: workspace, list, place; and how to get to another. */
import { watch } from 'vue'

import type { OpenList } from '@/lib/permalink'

import { hidden, layersOf, off } from './choice'
import { narrow, panelOpen, sheet } from './map'
import { view } from './view'

/** The last place of the rail: all layers. */
export const LAYERS = 'layers'
/** Where accounts and grants are kept, for whoever administers or audits. */
export const ADMINISTRATION = 'administration'

/** Put away the list with all that narrowed it. */
export function closeList(): void {
  Object.assign(view, {
    list: null, sort: null, find: null, where: null, place: null, table: false, columns: null,
  })
}

function reveal(): void {
  panelOpen.value = true
  if (!narrow.value) return
  view.selection = null
  if (sheet.value === 'peek') sheet.value = 'half'
}

/** Layers that are drawn only because a workspace wants them: they leave with it. */
let lent: string[] = []

// Until a layer is switched `off` follows the workspace by itself; from then on it is kept here.
watch(
  () => view.off === null,
  (follows) => follows || (lent = layersOf(view.space).filter((name) => hidden.value.includes(name))),
  { flush: 'sync' },
)

function draw(space: string | null): void {
  if (view.off === null) return
  const wanted = layersOf(space)
  const returned = lent.filter((name) => !wanted.includes(name) && !off.value.includes(name))
  const missing = wanted.filter((name) => off.value.includes(name))
  lent = [...lent.filter((name) => wanted.includes(name)), ...missing]
  if (returned.length + missing.length === 0) return
  view.off = [...off.value.filter((name) => !missing.includes(name)), ...returned]
}

/** Open a workspace, the layers, or with null the home view; the camera stays where it is. */
export function openSpace(space: string | null): void {
  closeList()
  draw(space)
  view.space = space
  reveal()
}

/** Open a list as its own question puts it, or narrowed to a place. */
export function openList(list: OpenList, place: string | null = null): void {
  closeList()
  view.list = list
  view.place = place
  reveal()
}
