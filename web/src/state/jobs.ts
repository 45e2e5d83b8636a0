/** Imports and other jobs: what may be asked for, what was, and how far it is. */
import { computed, ref, shallowRef, watch } from 'vue'

import { api, Refused, Unreachable } from '@/api/client'
import type { Job, Kinds, NewImport } from '@/api/jobs'

import { account } from './account'
import { askAgain as askQuarantine } from './mending'
import { catalogue, onReturn, report } from './service'
import { view } from './view'

/** Jobs are no layer, but are listed like one, beside the rows to mend. */
export const JOBS = 'jobs'
const LOOK_MS = 1000

/** Whether jobs are known here at all: they are somebody's, or a demo's visitor's. */
export const jobsKnown = computed(() => account.value !== null || catalogue.value?.demo === true)
export const kinds = shallowRef<Kinds | null>(null)
export const jobs = shallowRef<Job[] | null>(null)
export const next = ref<number | null>(null)
export const failed = ref<string | null>(null)
/** The part of a file that is on its way, from 0 to 1; null while none is. */
export const sent = ref<number | null>(null)

export const isOpen = (job: Job): boolean => job.state === 'waiting' || job.state === 'running'

function fail(error: unknown): void {
  if (error instanceof Refused) failed.value = error.message
  else {
    if (error instanceof Unreachable) failed.value = ''
    report(error)
  }
}

export async function askKinds(): Promise<void> {
  if (!jobsKnown.value) return
  try {
    kinds.value = await api.jobKinds(view.lang)
  } catch (error) {
    fail(error)
  }
}

let asking = false
/** Ask for the newest jobs; those of further pages stay as they are. */
export async function look(): Promise<void> {
  if (asking || !jobsKnown.value) return
  asking = true
  try {
    const found = await api.jobs(view.lang, null)
    const before = new Map((jobs.value ?? []).map((job) => [job.id, job]))
    const fresh = new Set(found.jobs.map((job) => job.id))
    const older = (jobs.value ?? []).filter((job) => !fresh.has(job.id) && job.id < (found.jobs.at(-1)?.id ?? 0))
    jobs.value = [...found.jobs, ...older]
    if (older.length === 0) next.value = found.next
    failed.value = null
    const ended = found.jobs.some((job) => !isOpen(job) && before.get(job.id) && isOpen(before.get(job.id)!))
    if (ended) askQuarantine()
  } catch (error) {
    fail(error)
  } finally {
    asking = false
  }
}

export async function more(): Promise<void> {
  try {
    const found = await api.jobs(view.lang, next.value)
    jobs.value = [...(jobs.value ?? []), ...found.jobs]
    next.value = found.next
  } catch (error) {
    fail(error)
  }
}

/** Look how far the jobs are, again and again while any is open; returns how to stop. */
export function follow(): () => void {
  void askKinds()
  void look()
  const timer = setInterval(() => {
    if (!document.hidden && (jobs.value?.some(isOpen) || failed.value !== null)) void look()
  }, LOOK_MS)
  return () => clearInterval(timer)
}

/** Send a file to be imported. */
export async function send(wanted: NewImport): Promise<void> {
  sent.value = 0
  try {
    await api.askImport(wanted, view.lang, (part) => (sent.value = part))
  } finally {
    sent.value = null
  }
  await look()
}

export async function cancel(job: Job): Promise<void> {
  await api.cancelJob(job.id, view.lang)
  await look()
}

watch(() => view.lang, () => kinds.value && void askKinds())
onReturn(() => jobs.value !== null && void look())
