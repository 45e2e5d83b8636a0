/** Many rows of the open list at once: which are chosen, and one field set on all of them. */
import { computed, ref, shallowRef, watch } from 'vue'

import { api, Refused } from '@/api/client'
import type { Field } from '@/api/types'
import { i18n } from '@/i18n'
import { formFields } from '@/lib/form'
import { number, tr } from '@/lib/format'

import { editableLayer, save, tellRefusal } from './editing'
import { listQuery, totals } from './lists'
import { floor, map } from './map'
import { marks } from './marks'
import { layers } from './service'
import { say } from './toast'
import { view } from './view'

/** The most rows that one change may name; what is larger is an import. */
export const MOST = 10_000
/** So many ids still fit into an address. */
const FEW = 300

export const chosen = shallowRef<ReadonlySet<number>>(new Set())
/** Whether all of the list is meant, also what was not read yet. */
export const all = ref(false)
/** Whether the dialogue is open. */
export const asking = ref(false)

const layer = computed(() => view.list?.layer ?? '')
export const offered = computed(() => editableLayer(layer.value))
export const count = computed(() => (all.value ? (totals.value?.total ?? 0) : chosen.value.size))
export const tooMany = computed(() => count.value > MOST)
/** What may be set on many: what identifies one thing is its own. */
export const bulkFields = computed<Field[]>(() =>
  formFields(layers.value.get(layer.value)?.fields ?? []).filter(({ name }) => !['number', 'code', 'tag', 'serial', 'plate'].includes(name)),
)

const t = (key: string, named: Record<string, unknown> = {}): string => i18n.global.t(key, named)

export const isChosen = (id: number | string): boolean => all.value || chosen.value.has(Number(id))

export function choose(ids: readonly number[], on: boolean): void {
  // Who takes one out of all means those that they see.
  const next = new Set(chosen.value)
  for (const id of ids) {
    if (on) next.add(id)
    else next.delete(id)
  }
  all.value = false
  chosen.value = next
}

export function chooseAll(): void {
  all.value = true
}

export function clear(): void {
  all.value = false
  chosen.value = new Set()
}

/** Choose what is drawn in a box of the map, in CSS pixels. */
export async function chooseBox(box: [[number, number], [number, number]]): Promise<void> {
  if (!map.value || !marks.value) return
  const { idsIn } = await import('@/map/boxed')
  const found = idsIn(map.value, marks.value, floor.value, box)
  choose(found.ids, true)
  if (found.untold > 0) say(t('bulk.box_untold', { n: number(found.untold, view.lang) }), 'bad')
  else say(t('bulk.box_done', { n: number(found.ids.length, view.lang) }))
}

/** The chosen rows with their revisions. */
async function rowsChosen(): Promise<number[][]> {
  const query = listQuery.value ?? {}
  const ids = [...chosen.value]
  if (all.value || ids.length > FEW) {
    const found = (await api.keys(layer.value, query)).rows
    return all.value ? found : found.filter(([id]) => chosen.value.has(id ?? 0))
  }
  const filter = JSON.stringify({ op: 'in', args: [{ property: 'id' }, ids] })
  return (await api.keys(layer.value, { lang: view.lang, filter, 'filter-lang': 'cql2-json' })).rows
}

/** How many reasons are told; a value that cannot be is wrong for every row alike. */
const TOLD = 3

/** Set a field on all that are chosen, as one change. Null where it was done, else why not. */
export async function setField(field: Field, value: unknown, reason: string): Promise<string | null> {
  try {
    const rows = await rowsChosen()
    const puts = rows.flatMap(([id, revision]) =>
      id === undefined || revision === undefined ? [] : [{ layer: layer.value, id, revision, properties: { [field.name]: value } }],
    )
    const said = t('bulk.done', { n: number(puts.length, view.lang), field: tr(field.title, view.lang) })
    await save({ puts, ...(reason ? { reason } : {}) }, said)
    clear()
    return null
  } catch (error) {
    if (!(error instanceof Refused)) {
      tellRefusal(error)
      return t('editing.unreached')
    }
    const reasons = [...new Set((error.problem.errors ?? []).map((each) => each.message))]
    if (error.status === 412) return t('bulk.stale', { n: error.problem.conflicts?.length ?? 1 })
    return reasons.length > 0 ? reasons.slice(0, TOLD).join('\n') : error.message
  }
}

// Another list has other rows.
watch([() => view.list?.layer, () => view.list?.named, () => JSON.stringify(listQuery.value)], clear)
