/** What the board shows: every workspace's counted questions, and a few measures with their leaders. */
import { computed, ref, shallowRef } from 'vue'

import { api } from '@/api/client'
import type { ListRow, NamedFilter } from '@/api/lists'
import type { Bounds, Measure, MeasureAnswer } from '@/api/types'
import { ofAll, ranked, type Ranked } from '@/lib/board'

import { measures, report } from './service'
import { view } from './view'
import { count, counts, filters, offered } from './workspaces'

export interface Figure extends NamedFilter {
  /** Null while it is being counted. */
  count: number | null
}

export interface Shown {
  measure: Measure
  answer: MeasureAnswer
  whole: number | null
  leaders: (Ranked & { title: string; bbox: Bounds | null; center: [number, number] | null })[]
}

export const COCKPIT = 'cockpit'

export const shown = shallowRef<Shown[]>([])
export const counting = ref(false)

export const desks = computed(() =>
  offered.value
    .map((space) => ({
      space,
      figures: space.filters.flatMap((name): Figure[] => {
        const found = filters.value.get(name)
        return found ? [{ ...found, count: counts.get(name)?.count ?? null }] : []
      }),
    }))
    .filter((desk) => desk.figures.length > 0),
)

let current: AbortController | undefined

async function rowsOf(layer: string, ids: number[], signal: AbortSignal): Promise<ListRow[]> {
  if (ids.length === 0) return []
  const filter = JSON.stringify({ op: 'in', args: [{ property: 'id' }, ids] })
  const page = { limit: ids.length, totals: false }
  return (await api.list(layer, { filter, 'filter-lang': 'cql2-json', lang: view.lang }, page, signal)).rows
}

async function read(measure: Measure, signal: AbortSignal): Promise<Shown> {
  const answer = await api.measure(measure.name, null, view.lang, signal)
  const leading = ranked(answer)
  const rows = await rowsOf(answer.layer, leading.map((each) => each.id), signal)
  const known = new Map(rows.map((row) => [row.id, row]))
  return {
    measure,
    answer,
    whole: ofAll(answer),
    leaders: leading.map((each) => {
      const row = known.get(each.id)
      return { ...each, title: row?.title ?? String(each.id), bbox: row?.bbox ?? null, center: row?.center ?? null }
    }),
  }
}

/** Count and measure anew; what was shown stays until the answer is there. */
export async function refresh(): Promise<void> {
  current?.abort()
  const request = (current = new AbortController())
  counting.value = true
  try {
    // How full, how empty, how hungry, how far: the workspace says which measures are the key ones.
    const named = offered.value.find((each) => each.name === COCKPIT)?.measures ?? []
    const wanted = named.flatMap((name) => measures.value.find((each) => each.name === name) ?? [])
    const [read_] = await Promise.all([
      Promise.all(wanted.map((measure) => read(measure, request.signal))),
      ...desks.value.flatMap((desk) => desk.figures.map((figure) => count(figure.name, true))),
    ])
    if (!request.signal.aborted) shown.value = read_
  } catch (error) {
    if (!request.signal.aborted) report(error)
  } finally {
    if (current === request) counting.value = false
  }
}

export const stop = (): void => current?.abort()

/** The extent of the rows that a question selects, of those that have a place; null for none. */
export async function extentOf(question: NamedFilter, signal: AbortSignal): Promise<Bounds | null> {
  const { rows } = await api.list(question.layer, { named: question.name, lang: view.lang }, { limit: 50, totals: false }, signal)
  const boxes = rows.flatMap((row) => row.bbox ?? [])
  if (boxes.length === 0) return null
  const every = (place: number): number[] => boxes.filter((_, i) => i % 4 === place)
  return [Math.min(...every(0)), Math.min(...every(1)), Math.max(...every(2)), Math.max(...every(3))]
}
