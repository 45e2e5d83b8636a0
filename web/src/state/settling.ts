/** Saving one row; where another changed it meanwhile, the person chooses field by field. */
import { shallowRef } from 'vue'

import { Refused } from '@/api/client'
import type { Done, Put } from '@/api/editing'
import type { Conflict } from '@/api/types'
import { clashes, kept, type Side, type Values } from '@/lib/form'

import { save } from './editing'

export interface Settling {
  conflict: Conflict
  mine: Values
  /** The fields that both changed. */
  fields: string[]
  /** Null to give up: nothing is saved, what was put in stays. */
  choose: (chosen: Record<string, Side> | null) => void
}

export const settling = shallowRef<Settling | null>(null)

function settle(conflict: Conflict, mine: Values): Promise<Record<string, Side> | null> {
  return new Promise((resolve) => {
    settling.value = {
      conflict,
      mine,
      fields: clashes(conflict, mine),
      choose: (chosen) => {
        settling.value = null
        resolve(chosen)
      },
    }
  })
}

/** What a put says, by field; its shape is one of them. */
const saidBy = (put: Put): Values => ({ ...put.properties, ...(put.geometry === undefined ? {} : { geometry: put.geometry }) })

/**
 * Save a put. Null where the person gave up.
 *
 * @throws Refused for every other reason not to take it.
 */
export async function savePut(put: Put, said?: string, reason?: string): Promise<Done | null> {
  let now = put
  for (;;) {
    try {
      return await save({ puts: [now], ...(reason ? { reason } : {}) }, said)
    } catch (error) {
      const conflict = error instanceof Refused && error.status === 412 ? error.problem.conflicts?.[0] : undefined
      if (conflict?.revision === undefined) throw error
      const mine = saidBy(now)
      const chosen = await settle(conflict, mine)
      if (!chosen) return null
      const { geometry, ...properties } = kept(mine, chosen)
      now = { ...now, revision: conflict.revision, properties }
      if (geometry === undefined) delete now.geometry
    }
  }
}
