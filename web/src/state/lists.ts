/** The open list: what it asks, its rows as far as they were read, what a pointer rests on. */
import { computed, ref, shallowRef, watch } from 'vue'

import { api, Refused, Unreachable, type ListQuery } from '@/api/client'
import type { Listed, ListRow, Totals } from '@/api/lists'
import type { Selection } from '@/lib/permalink'
import { parseWhere, toCql } from '@/lib/where'

import { layers, onReturn, report } from './service'
import { onTouched } from './touched'
import { view } from './view'

/** Rows that wait to be mended are no layer, but are listed like one. */
export const QUARANTINE = 'quarantine'

/** The row under the pointer, in a list or on the map. */
export const hoveredRow = shallowRef<Selection | null>(null)

/**
 * What the open list asks of the service, without paging and order: the query of its rows, sums,
 * exports and marks on the map. Null where no list is open.
 */
export const listQuery = computed<ListQuery | null>(() => {
  const fields = layers.value.get(view.list?.layer ?? '')?.fields
  if (!view.list || !fields) return null
  const query: ListQuery = { lang: view.lang }
  if (view.list.named) query.named = view.list.named
  if (view.find) query.q = view.find
  if (view.place) query.place = view.place
  if (view.unit !== null) query.unit = String(view.unit)
  if (view.at !== null) query.at = view.at
  const filter = toCql(parseWhere(view.where), fields)
  if (filter) Object.assign(query, { filter: JSON.stringify(filter), 'filter-lang': 'cql2-json' })
  return query
})

/** The last page that was read: what the list is, without its rows. */
export const listed = shallowRef<Listed | null>(null)
export const rows = shallowRef<ListRow[]>([])
export const totals = shallowRef<Totals | null>(null)
export const reading = ref(false)
/** The service's words where it did not give the list; empty where nothing answered. */
export const failure = ref<string | null>(null)
export const PAGE = 50
/** The most rows that the service gives at once. */
const MOST = 500

let current: AbortController | undefined

function fail(error: unknown): void {
  if (error instanceof Refused) failure.value = error.message
  else {
    if (error instanceof Unreachable) failure.value = ''
    report(error)
  }
}

/** Read the list from its start; as many rows as were read, where `kept`. */
async function first(kept = false): Promise<void> {
  current?.abort()
  const layer = view.list?.layer
  const query = listQuery.value
  failure.value = null
  if (listed.value?.layer !== layer || listed.value?.named !== (view.list?.named ?? null)) {
    listed.value = null
    rows.value = []
    totals.value = null
  }
  if (!layer || !query) {
    reading.value = false
    return
  }
  const { signal } = (current = new AbortController())
  reading.value = true
  const sorted: ListQuery = view.sort ? { ...query, sort: view.sort } : query
  // The sums of a long list take longer than its first rows: neither waits for the other.
  const limit = kept ? Math.min(Math.max(rows.value.length, PAGE), MOST) : PAGE
  const page = api.list(layer, sorted, { limit, totals: false }, signal).then((found) => {
    if (signal.aborted) return
    listed.value = found
    rows.value = found.rows
  })
  const sums = api.list(layer, query, { limit: 1, totals: true }, signal).then((found) => {
    if (signal.aborted || found.total === undefined) return
    const { total, sums = {}, on_map = 0, off_map = [] } = found
    totals.value = { total, sums, on_map, off_map }
  })
  try {
    await Promise.all([page, sums])
  } catch (error) {
    if (!signal.aborted) fail(error)
  } finally {
    if (current?.signal === signal) reading.value = false
  }
}

/** Read the next page, where there is one. */
export async function more(): Promise<void> {
  const layer = view.list?.layer
  const after = listed.value?.next
  if (!layer || !listQuery.value || !after || reading.value || !current) return
  const { signal } = current
  const query: ListQuery = view.sort ? { ...listQuery.value, sort: view.sort } : listQuery.value
  reading.value = true
  try {
    const found = await api.list(layer, query, { limit: PAGE, after, totals: false }, signal)
    if (signal.aborted) return
    listed.value = found
    rows.value = [...rows.value, ...found.rows]
  } catch (error) {
    if (!signal.aborted) fail(error)
  } finally {
    if (current?.signal === signal) reading.value = false
  }
}

/** The list that is asked for; the language is the service's for its errors alone. */
const key = computed(() => JSON.stringify([view.list?.layer, listQuery.value, view.sort]))
watch(key, () => void first(), { immediate: true })
export const readAgain = (): void => void first()
onReturn(readAgain)
onTouched(() => void (view.list && first(true)))
