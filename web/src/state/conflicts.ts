/** Values that were set by hand and of which a newer file says another: they wait for a decision. */
import { computed, reactive, ref, shallowRef, watch } from 'vue'

import { api, Refused, Unreachable } from '@/api/client'
import type { FileConflict } from '@/api/past'
import { i18n } from '@/i18n'

import { looksOnly } from './account'
import { tellRefusal } from './editing'
import { mapFirst } from './map'
import { catalogue, onReturn, report } from './service'
import { say } from './toast'
import { onTouched, touched } from './touched'
import { view } from './view'

export const CONFLICTS = 'conflicts'
const MOST = 500

export const conflicts = shallowRef<FileConflict[]>([])
export const asked = reactive<{ count: number | null; more: boolean; failed: string | null; barred: boolean }>({
  count: null,
  more: false,
  failed: null,
  barred: false,
})
export const deciding = ref<number | null>(null)

/** Only who sees the whole estate is told. */
export const decidable = computed(() => view.unit === null && !asked.barred && !looksOnly.value)

async function ask(): Promise<void> {
  if (!decidable.value) return
  asked.failed = null
  try {
    await mapFirst
    const found = await api.conflicts(view.lang, null, MOST)
    conflicts.value = found.rows
    asked.count = found.rows.length
    asked.more = found.next !== null
  } catch (error) {
    if (error instanceof Refused && error.status === 403) asked.barred = true
    else if (error instanceof Refused) asked.failed = error.message
    else {
      if (error instanceof Unreachable) asked.failed = ''
      report(error)
    }
  }
}

export const askAgain = (): void => void ask()

/** Take a decision back: a change where the file's value was taken, else the question alone. */
async function takeBack(seq: number | null, conflict: FileConflict): Promise<void> {
  try {
    if (seq === null) await api.decide(conflict.id, 'ask', null, view.lang)
    else {
      const { seq: undone } = await api.undo(seq, view.lang)
      touched({ [conflict.layer]: { ids: [conflict.row], extents: null } }, undone)
    }
    await ask()
  } catch (error) {
    tellRefusal(error)
  }
}

/** Let the file's value or the one set by hand stand. */
export async function decide(conflict: FileConflict, take: 'file' | 'mine'): Promise<void> {
  if (deciding.value !== null) return
  deciding.value = conflict.id
  try {
    const { seq } = await api.decide(conflict.id, take, conflict.revision, view.lang)
    conflicts.value = conflicts.value.filter((each) => each.id !== conflict.id)
    asked.count = conflicts.value.length
    const said = i18n.global.t(take === 'file' ? 'waiting.took_file' : 'waiting.kept_mine', { name: conflict.name })
    // To take what the file says already changes nothing, and leaves nothing to take back.
    const undo = take === 'mine' || seq !== null
    say(said, 'ok', undo ? { label: i18n.global.t('editing.undo'), run: () => void takeBack(seq, conflict) } : null)
    if (seq !== null) touched({ [conflict.layer]: { ids: [conflict.row], extents: null } }, seq)
    if (asked.more && conflicts.value.length === 0) await ask()
  } catch (error) {
    tellRefusal(error)
    // Another may have decided it meanwhile.
    await ask()
  } finally {
    deciding.value = null
  }
}

watch([catalogue, () => view.unit], ([found]) => found && asked.count === null && askAgain(), { immediate: true })
let timer: ReturnType<typeof setTimeout> | undefined
onTouched(() => {
  timer ??= setTimeout(() => {
    timer = undefined
    askAgain()
  }, 1500)
})
onReturn(askAgain)
