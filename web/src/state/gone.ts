/** Things that are gone: they are told as of an earlier moment than all else. */
import { shallowRef } from 'vue'

import type { Selection } from '@/lib/permalink'

import { view } from './view'

/** What is gone between the two moments that are compared, as `layer/id`. */
export const gone = shallowRef<ReadonlySet<string>>(new Set())

export const isGone = (thing: Selection | null): boolean => thing !== null && gone.value.has(`${thing.layer}/${thing.id}`)

/** The moment at which a thing was there: of what is gone the earlier one; undefined as all else. */
export const momentOf = (thing: Selection): string | undefined => (isGone(thing) ? (view.since ?? undefined) : undefined)
