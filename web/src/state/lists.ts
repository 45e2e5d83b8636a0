/** The open list as other parts of the page see it: what it asks, what a pointer rests on. */
import { computed, shallowRef } from 'vue'

import type { Selection } from '@/lib/permalink'

import { view } from './view'

/** The row under the pointer, in a list or on the map. */
export const hoveredRow = shallowRef<Selection | null>(null)

/**
 * What the open list asks of the service, without paging and order: the query of its rows, sums,
 * exports and marks on the map. Null where no list is open.
 */
export const listQuery = computed<Record<string, string> | null>(() => {
  if (!view.list) return null
  const query: Record<string, string> = { lang: view.lang }
  if (view.list.named) query.named = view.list.named
  if (view.find) query.q = view.find
  if (view.place) query.place = view.place
  if (view.unit !== null) query.unit = String(view.unit)
  return query
})
