/** The workspaces that have content, and their counted questions. */
import { computed, reactive, shallowRef, watch } from 'vue'

import { api, Refused, Unreachable } from '@/api/client'
import type { NamedFilter, Workspace } from '@/api/lists'

import { mapFirst } from './map'
import { catalogue, empty, layers, onReturn, report } from './service'
import { onTouched } from './touched'
import { view } from './view'

export const workspaces = shallowRef<Workspace[]>([])
export const filters = shallowRef(new Map<string, NamedFilter>())

/** A workspace without anything in its layers is nobody's place of work. */
export const offered = computed(() =>
  workspaces.value.filter((each) =>
    each.layers.length === 0
      ? !empty.value
      : each.layers.some((name) => (layers.value.get(name)?.count ?? 0) > 0),
  ),
)

export const space = computed(() => offered.value.find((each) => each.name === view.space) ?? null)

/** What is known of a question's count. */
export interface Count {
  count: number | null
  asking: boolean
  /** In the service's words, where it did not answer; empty where nothing answered. */
  failed: string | null
  asked: number
}

/** The workspaces whose further questions are looked at; the others' are not counted. */
export const unfolded = reactive(new Set<string>())

export const counts = reactive(new Map<string, Count>())
/** How long a count stands before a look at it asks again. */
const STANDS_MS = 30_000

/** Ask how many rows a question selects, unless it was asked just now. */
export async function count(name: string, again = false): Promise<void> {
  const known = counts.get(name)
  if (known?.asking || (!again && known && known.failed === null && Date.now() - known.asked < STANDS_MS)) return
  const { unit, at } = view
  counts.set(name, { count: known?.count ?? null, asking: true, failed: null, asked: Date.now() })
  const settle = (found: Partial<Count>): void => {
    // The estate may meanwhile be seen as another body's, or at another moment.
    if (unit === view.unit && at === view.at) counts.set(name, { count: null, asking: false, failed: null, asked: Date.now(), ...found })
  }
  try {
    await mapFirst
    settle({ count: (await api.count(name, view.lang)).count })
  } catch (error) {
    if (error instanceof Unreachable) {
      settle({ failed: '' })
      report(error)
    } else if (error instanceof Refused) settle({ failed: error.message })
    else throw error
  }
}

async function load(): Promise<void> {
  try {
    const [found, questions] = await Promise.all([api.workspaces(), api.filters()])
    workspaces.value = found
    filters.value = new Map(questions.map((each) => [each.name, each]))
  } catch (error) {
    report(error)
  }
}

watch(catalogue, (found) => found && workspaces.value.length === 0 && void load())
watch([() => view.unit, () => view.at], () => counts.clear(), { flush: 'sync' })
// What is counted on the screen stays there until the new count is in.

/** The touched tiles go first; and where many change much, the questions are asked now and then. */
const SOON_MS = 1200
const SELDOM_MS = 5000
let recounting: ReturnType<typeof setTimeout> | undefined
let recounted = 0
onTouched(() => {
  recounting ??= setTimeout(
    () => {
      recounting = undefined
      recounted = Date.now()
      ;[...counts.keys()].forEach((name) => void count(name, true))
    },
    Math.max(SOON_MS, recounted + SELDOM_MS - Date.now()),
  )
})

onReturn(() => {
  counts.clear()
  void load()
})
