/** The keys that go through the rows of the table. */
import { nextTick, ref, type Ref } from 'vue'

import type { ListRow } from '@/api/lists'
import { hoveredRow, more, rows } from '@/state/lists'

interface RowKeys {
  /** The row that the keys are at. */
  at: Ref<number>
  bring: (index: number) => void
  keyed: (event: KeyboardEvent) => void
}

export function useRowKeys(root: Readonly<Ref<HTMLElement | null>>, choose: (row: ListRow) => void): RowKeys {
  const at = ref(-1)

  function bring(index: number): void {
    at.value = index
    const row = rows.value[index]
    if (!row) return
    hoveredRow.value = { ...row.opens }
    void nextTick(() => root.value?.querySelectorAll('.el-table__body tbody tr')[index]?.scrollIntoView({ block: 'nearest' }))
    if (index > rows.value.length - 5) void more()
  }

  function keyed(event: KeyboardEvent): void {
    if ((event.target as HTMLElement).closest('button, input, .filter')) return
    const last = rows.value.length - 1
    const steps: Record<string, number> = {
      ArrowDown: Math.min(at.value + 1, last),
      ArrowUp: Math.max(at.value - 1, 0),
      PageDown: Math.min(at.value + 10, last),
      PageUp: Math.max(at.value - 10, 0),
      Home: 0,
      End: last,
    }
    const step = steps[event.key]
    const row = rows.value[at.value]
    if (step !== undefined) bring(step)
    else if (event.key === 'Enter' && row) choose(row)
    else return
    event.preventDefault()
  }

  return { at, bring, keyed }
}
