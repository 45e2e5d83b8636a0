/** What a form says when the service refuses what it sent. */
import { ref, type Ref } from 'vue'

import { Refused, Unreachable } from '@/api/client'

import { report } from './service'

export interface Sending {
  /** Whether an answer is waited for. */
  busy: Ref<boolean>
  /** Why it was refused, in the service's words; null while nothing was. */
  refused: Ref<string | null>
  /** The field that the refusal is about. */
  field: Ref<string | null>
  /** Run an act once at a time; true when it was done. */
  send: (act: () => Promise<unknown>) => Promise<boolean>
}

export function useSending(): Sending {
  const busy = ref(false)
  const refused = ref<string | null>(null)
  const field = ref<string | null>(null)

  async function send(act: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    refused.value = field.value = null
    try {
      await act()
      return true
    } catch (error) {
      if (error instanceof Refused) {
        refused.value = error.message
        field.value = error.problem.field ?? null
      } else if (error instanceof Unreachable) report(error)
      else throw error
      return false
    } finally {
      busy.value = false
    }
  }

  return { busy, refused, field, send }
}
