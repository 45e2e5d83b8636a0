/** What the page of traces shows: the records that were asked for, and how the record stands. */
import { reactive, ref, shallowRef } from 'vue'

import type { AuditQuery, AuditRecord, AuditState } from '@/api/audit'
import { api } from '@/api/client'
import { tr } from '@/lib/format'
import type { Text } from '@/api/types'

import { view } from './view'

const NOTHING: AuditQuery = { from: '', to: '', account: '', kind: '', outcome: '', layer: '', text: '' }

export const query = reactive<AuditQuery>({ ...NOTHING })
/** The records that came so far, the newest first; null before the first answer. */
export const records = shallowRef<AuditRecord[] | null>(null)
/** The number before which there is more; null where there is not. */
export const next = ref<number | null>(null)
export const state = shallowRef<AuditState | null>(null)
export const words = shallowRef<Record<'kinds' | 'outcomes' | 'layers', Record<string, Text>>>({ kinds: {}, outcomes: {}, layers: {} })

export const wordOf = (of: 'kinds' | 'outcomes' | 'layers', name: string): string => tr(words.value[of][name], view.lang) || name

/** Of what is asked, what narrows. */
export function narrowing(asked: AuditQuery): Partial<AuditQuery> {
  return Object.fromEntries(Object.entries(asked).map(([name, value]) => [name, value.trim()]).filter(([, value]) => value !== ''))
}

/** Ask anew: the newest records, and how the record stands. */
export async function load(): Promise<void> {
  const [found, how] = await Promise.all([api.audit(narrowing(query), null, view.lang), api.auditState(view.lang)])
  records.value = found.records
  next.value = found.next
  words.value = { kinds: found.kinds, outcomes: found.outcomes, layers: found.layers }
  state.value = how
}

/** Ask for the page that follows. */
export async function more(): Promise<void> {
  const found = await api.audit(narrowing(query), next.value, view.lang)
  records.value = [...(records.value ?? []), ...found.records]
  next.value = found.next
}

export function clear(): void {
  Object.assign(query, NOTHING)
}
