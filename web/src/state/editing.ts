/** Writing to the service: the page's one way to change the estate, and to take changes back. */
import { computed, ref, shallowRef } from 'vue'

import { api, Refused, Unreachable } from '@/api/client'
import type { Done, Edit } from '@/api/editing'
import type { Bounds } from '@/api/types'
import { i18n } from '@/i18n'

import { catalogue, layers, report } from './service'
import { say } from './toast'
import { touched, type TouchedLayers } from './touched'
import { view } from './view'

/** A change that this page made and can take back. */
interface Step {
  seq: number
  /** What it was, in the reader's words. */
  said: string
  layers: TouchedLayers
}

/** Whether who looks may edit at all: nothing is offered that would be refused. The past is not edited. */
export const mayEdit = computed(() => catalogue.value?.edits === true && view.at === null)
/** Whether rows of a layer are written by hand. */
export const editableLayer = (name: string): boolean =>
  mayEdit.value && (layers.value.get(name)?.fields.some((field) => field.editable) ?? false)

export const saving = ref(false)
const done = shallowRef<readonly Step[]>([])
const undone = shallowRef<readonly Step[]>([])
export const canUndo = computed(() => done.value.length > 0)
export const canRedo = computed(() => undone.value.length > 0)

/** More rows than so many are not asked for their places: all tiles of the layer are fetched. */
const FEW = 200

/** Where rows of a layer are shown; null where they are too many to ask. */
async function extentsOf(layer: string, ids: readonly number[]): Promise<Bounds[] | null> {
  if (ids.length > FEW) return null
  if (ids.length === 0) return []
  const filter = JSON.stringify({ op: 'in', args: [{ property: 'id' }, ids] })
  const found = await api.list(layer, { filter, 'filter-lang': 'cql2-json', lang: view.lang }, { limit: FEW, totals: false })
  return found.rows.flatMap(({ bbox, center }): Bounds[] => (bbox ? [bbox] : center ? [[...center, ...center]] : []))
}

type Named = readonly { layer: string; id?: number }[]

function byLayer(parts: Named): Map<string, number[]> {
  const found = new Map<string, number[]>()
  for (const { layer, id } of parts) {
    const ids = found.get(layer) ?? []
    if (id !== undefined) ids.push(id)
    found.set(layer, ids)
  }
  return found
}

/** Where the named rows are now, by layer. A place that is not told costs a whole fetch, no more. */
async function where(parts: Named): Promise<TouchedLayers> {
  const found = await Promise.all(
    [...byLayer(parts)].map(async ([layer, ids]) => {
      const extents = await extentsOf(layer, ids).catch(() => null)
      return [layer, { ids: ids.length > FEW ? null : ids, extents }] as const
    }),
  )
  return Object.fromEntries(found)
}

/** Both sides of a change: where things were and where they are. */
export function together(before: TouchedLayers, after: TouchedLayers): TouchedLayers {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  const join = <T>(a: T[] | null | undefined, b: T[] | null | undefined): T[] | null =>
    a === null || b === null ? null : [...new Set([...(a ?? []), ...(b ?? [])])]
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      { ids: join(before[name]?.ids, after[name]?.ids), extents: join(before[name]?.extents, after[name]?.extents) },
    ]),
  )
}

const partsOf = (written: Done): Named => [...written.puts, ...written.deletes]

/**
 * Write an edit; what it touched is fetched again, and the reader is told with the way back.
 *
 * @param said What was done, in the reader's words (“已保存”).
 * @throws Refused where the service does not take it: 412, 422 and 403 are the caller's to tell.
 */
export async function save(edit: Edit, said = i18n.global.t('editing.saved')): Promise<Done> {
  saving.value = true
  try {
    const named = [...(edit.puts ?? []), ...(edit.deletes ?? [])]
    const before = await where(named)
    const written = await api.change(edit, view.lang)
    if (written.seq === null) {
      say(i18n.global.t('editing.nothing_changed'))
      return written
    }
    const layers = together(before, await where(partsOf(written)))
    done.value = [...done.value, { seq: written.seq, said, layers }]
    undone.value = []
    // The panel would ask once more for what has just been deleted.
    const open = view.selection
    if (written.deletes.some(({ layer, id }) => layer === open?.layer && id === open.id)) view.selection = null
    touched(layers, written.seq)
    say(said, 'ok', { label: i18n.global.t('editing.undo'), run: () => void undo() })
    return written
  } finally {
    saving.value = false
  }
}

/** Say why the service did not do it, in its words; a service that is away is the page's trouble. */
export function tellRefusal(error: unknown): void {
  if (error instanceof Refused) say(error.message, 'bad')
  else {
    if (error instanceof Unreachable) say(i18n.global.t('editing.unreached'), 'bad')
    report(error)
  }
}

/** Take a step back: to the service an undo and a redo are the same, the undo of a change set. */
async function reverse(step: Step): Promise<Step | null> {
  if (saving.value) return null
  saving.value = true
  try {
    const written = await api.undo(step.seq, view.lang)
    touched(step.layers, written.seq)
    return written.seq === null ? null : { ...step, seq: written.seq }
  } finally {
    saving.value = false
  }
}

export async function undo(): Promise<void> {
  const step = done.value.at(-1)
  if (!step || saving.value || !mayEdit.value) return
  try {
    const back = await reverse(step)
    done.value = done.value.slice(0, -1)
    if (back) undone.value = [...undone.value, back]
    say(i18n.global.t('editing.undone', { what: step.said }), 'ok', { label: i18n.global.t('editing.redo'), run: () => void redo() })
  } catch (error) {
    forget(error, done)
    tellRefusal(error)
  }
}

export async function redo(): Promise<void> {
  const step = undone.value.at(-1)
  if (!step || saving.value || !mayEdit.value) return
  try {
    const again = await reverse(step)
    undone.value = undone.value.slice(0, -1)
    if (again) done.value = [...done.value, again]
    say(step.said, 'ok', { label: i18n.global.t('editing.undo'), run: () => void undo() })
  } catch (error) {
    forget(error, undone)
    tellRefusal(error)
  }
}

/** A step that the service will never take back again bars the way to those before it no longer. */
function forget(error: unknown, steps: typeof done): void {
  if (error instanceof Refused && error.status !== 403) steps.value = steps.value.slice(0, -1)
}
