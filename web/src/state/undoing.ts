/** Taking back a recorded change of the thing in the panel. */
import { ref, shallowRef } from 'vue'

import { api, Refused, Unreachable } from '@/api/client'
import type { ChangeMark, Version } from '@/api/past'
import type { Bounds, Feature } from '@/api/types'
import { i18n } from '@/i18n'

import { report } from './service'
import { say } from './toast'
import { touched, type TouchedLayers } from './touched'
import { view } from './view'

interface Undoing {
  feature: Feature
  version: Version
  /** All that the change set touched, where it is told. */
  set: ChangeMark | null
}

export const undoing = shallowRef<Undoing | null>(null)
export const busy = ref(false)
/** Why it was not taken back, in the service's words. */
export const refusal = ref<string | null>(null)

/** How many things a change set touched. */
export const sizeOf = (set: ChangeMark | null): number => Object.values(set?.counts ?? {}).reduce((sum, each) => sum + each, 0)

/** Ask whether a version is to be taken back, telling what else its change set touched. */
export async function offerUndo(feature: Feature, version: Version): Promise<void> {
  refusal.value = null
  undoing.value = { feature, version, set: null }
  // A count that is not told is no reason not to ask.
  const found = await api.changes({ after: version.seq + 1, limit: 1 }, view.lang).catch(() => null)
  const set = found?.sets.find((each) => each.seq === version.seq) ?? null
  if (undoing.value?.version === version) undoing.value = { feature, version, set }
}

export function leaveUndo(): void {
  undoing.value = null
}

/** What is drawn anew: exactly this thing, or, where more was touched, the layers of it. */
function reach({ feature, version, set }: Undoing): TouchedLayers {
  const boxes = [version.bbox_before, version.bbox_after, feature.bbox].filter((box): box is Bounds => box !== null)
  if (sizeOf(set) <= 1) return { [feature.layer]: { ids: [feature.id], extents: boxes } }
  return Object.fromEntries(Object.keys(set?.counts ?? {}).map((layer) => [layer, { ids: null, extents: null }]))
}

async function takeBack(now: Undoing, seq: number, reason?: string): Promise<number | null> {
  const done = await api.undo(seq, view.lang, reason)
  touched(reach(now), done.seq)
  return done.seq
}

function tell(error: unknown): string {
  if (error instanceof Refused) return error.message
  report(error)
  return error instanceof Unreachable ? i18n.global.t('editing.unreached') : ''
}

/** Take the version back; where the service does not, it says why and nothing is changed. */
export async function undoVersion(reason: string): Promise<void> {
  const now = undoing.value
  if (!now || busy.value) return
  busy.value = true
  refusal.value = null
  try {
    const seq = await takeBack(now, now.version.seq, reason.trim() || undefined)
    undoing.value = null
    const again = (): void => void (seq !== null && takeBack(now, seq).catch((error: unknown) => say(tell(error), 'bad')))
    say(i18n.global.t('past.undone', { name: now.feature.title ?? now.feature.id }), 'ok', { label: i18n.global.t('editing.redo'), run: again })
  } catch (error) {
    refusal.value = tell(error)
  } finally {
    busy.value = false
  }
}
