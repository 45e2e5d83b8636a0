/** Rows of imports that wait to be mended. */
import { computed, reactive, shallowRef, watch } from 'vue'

import { api, Refused, Unreachable } from '@/api/client'
import type { Quarantined } from '@/api/lists'

import { looksOnly } from './account'
import { mapFirst } from './map'
import { catalogue, onReturn, report } from './service'
import { view } from './view'

export const mending = reactive<{ total: number | null; failed: string | null; barred: boolean }>({
  total: null,
  failed: null,
  barred: false,
})
export const waiting = shallowRef<Quarantined | null>(null)

/** Only who sees the whole estate may read them: they belong to no body yet. */
export const mendable = computed(() => view.unit === null && !mending.barred && !looksOnly.value)

let asking = false
async function ask(after: number | null): Promise<void> {
  if (asking || !mendable.value) return
  asking = true
  mending.failed = null
  try {
    await mapFirst
    const found = await api.quarantine(view.lang, after)
    mending.total = found.total
    waiting.value = after === null ? found : { ...found, rows: [...(waiting.value?.rows ?? []), ...found.rows] }
  } catch (error) {
    if (error instanceof Refused && error.status === 403) mending.barred = true
    else if (error instanceof Refused) mending.failed = error.message
    else {
      if (error instanceof Unreachable) mending.failed = ''
      report(error)
    }
  } finally {
    asking = false
  }
}

export const askAgain = (): void => void ask(null)
export function more(): void {
  const after = waiting.value?.next
  if (after != null) void ask(after)
}

watch([catalogue, () => view.unit], ([found]) => found && waiting.value === null && askAgain(), { immediate: true })
onReturn(askAgain)
