/** The form that is open: what it is about, what was put in, what the service says of it. */
import { computed, reactive, ref, shallowRef, watch } from 'vue'

import { Refused, Unreachable } from '@/api/client'
import type { Put } from '@/api/editing'
import type { Feature, Field } from '@/api/types'
import { i18n } from '@/i18n'
import { changesOf, formFields, toControl, type Values } from '@/lib/form'
import { tr } from '@/lib/format'
import type { Selection } from '@/lib/permalink'

import { ask } from './asking'
import { select } from './choice'
import { save } from './editing'
import { catalogue, layers, report } from './service'
import { savePut } from './settling'
import { shaped, task } from './tools'
import { view } from './view'

interface Draft {
  layer: string
  /** Null for a thing that is new. */
  id: number | null
  revision: number | null
  title: string
  base: Values
  /** Titles of what references name, by field. */
  names: Record<string, string>
  /** Of a new thing: its shape, its links, what it takes after. */
  made: Pick<Put, 'geometry' | 'like' | 'links'>
}

export const draft = shallowRef<Draft | null>(null)
export const values = reactive<Values>({})
export const reason = ref('')
/** By field, in the service's words; what is of no field stands under ''. */
export const errors = ref<Record<string, string>>({})

export const fields = computed<Field[]>(() => formFields(layers.value.get(draft.value?.layer ?? '')?.fields ?? []))
export const changes = computed<Values>(() => (draft.value ? changesOf(draft.value.base, values) : {}))
export const dirty = computed(() => draft.value !== null && (draft.value.id === null || Object.keys(changes.value).length > 0))

/** What would be lost if the page were left now: what was put in, or a shape. */
export const unsaved = computed(() => dirty.value || shaped.value !== null)

const t = (key: string, named: Record<string, unknown> = {}): string => i18n.global.t(key, named)

function open(opened: Draft): void {
  for (const name of Object.keys(values)) delete values[name]
  Object.assign(values, opened.base)
  reason.value = ''
  errors.value = {}
  draft.value = opened
}

/** Open the form of what the panel shows. */
export function editFeature(feature: Feature): void {
  const zone = catalogue.value?.timezone ?? 'Asia/Shanghai'
  const known = new Map(feature.facts.map((fact) => [fact.field, fact]))
  const base: Values = {}
  const names: Record<string, string> = {}
  for (const field of formFields(layers.value.get(feature.layer)?.fields ?? [])) {
    const fact = known.get(field.name)
    base[field.name] = toControl(field, fact?.value, zone)
    if (fact?.reference) names[field.name] = fact.reference.title ?? String(fact.reference.id)
  }
  open({
    layer: feature.layer,
    id: feature.id,
    revision: feature.source.revision ?? null,
    title: feature.title ?? String(feature.id),
    base,
    names,
    made: {},
  })
}

/** Open the form of a thing that was just drawn. */
export function makeFeature(layer: string, made: Draft['made'], base: Values = {}, names: Draft['names'] = {}): void {
  const kind = layers.value.get(layer)
  const blank = Object.fromEntries(formFields(kind?.fields ?? []).map((field) => [field.name, null]))
  view.selection = null
  open({ layer, id: null, revision: null, title: t('editing.new', { kind: tr(kind?.title, view.lang) }), base: blank, names, made })
  Object.assign(values, base)
}

export function close(): void {
  draft.value = null
  task.value = null
  errors.value = {}
}

/** Whether what was put in may be left: asks, where it would be lost. */
export async function mayLeave(): Promise<boolean> {
  if (!unsaved.value) {
    close()
    return true
  }
  const yes = await ask({
    title: t('editing.leave_title'),
    text: t('editing.leave_text', { name: draft.value?.title ?? shaped.value }),
    yes: t('editing.discard'),
    no: t('editing.keep_on'),
    grave: true,
  })
  if (yes) close()
  return yes
}

function putOf(now: Draft): Put {
  if (now.id !== null) return { layer: now.layer, id: now.id, revision: now.revision ?? undefined, properties: changes.value }
  return { layer: now.layer, ...now.made, properties: changes.value }
}

/** Sort what the service found wrong by field; what no control shows stands above the form. */
export function tellErrors(error: unknown): void {
  if (error instanceof Unreachable) {
    errors.value = { '': t('editing.unreached') }
    report(error)
    return
  }
  if (!(error instanceof Refused)) throw error
  const shown = new Set(fields.value.map((field) => field.name))
  const told: Record<string, string> = {}
  for (const { field, message } of error.problem.errors ?? []) {
    const at = shown.has(field) ? field : field === 'geometry' ? 'geometry' : ''
    told[at] = told[at] ? `${told[at]}\n${message}` : message
  }
  errors.value = Object.keys(told).length > 0 ? told : { '': error.message }
}

/** Save the form; `more` goes along (an emptied place). Whether it was taken. */
export async function saveForm(more: Partial<Put> = {}): Promise<boolean> {
  const now = draft.value
  if (!now) return false
  if (!dirty.value && Object.keys(more).length === 0) {
    close()
    return true
  }
  errors.value = {}
  try {
    const said = t(now.id === null ? 'editing.made' : 'editing.saved_as', { name: now.title })
    const written = await savePut({ ...putOf(now), ...more }, said, reason.value.trim() || undefined)
    if (!written) return false
    close()
    const [put] = written.puts
    if (now.id === null && put) select({ layer: put.layer, id: put.id })
    return true
  } catch (error) {
    tellErrors(error)
    return false
  }
}

/** Delete what the panel shows, once the person has said so. */
export async function removeFeature(feature: Feature): Promise<void> {
  const kind = tr(layers.value.get(feature.layer)?.title, view.lang)
  const name = `${kind} ${feature.title ?? feature.id}`
  const yes = await ask({
    title: t('editing.delete_title', { name }),
    text: t('editing.delete_text'),
    yes: t('editing.delete'),
    no: t('editing.cancel'),
    grave: true,
  })
  if (!yes) return
  const { revision } = feature.source
  try {
    await save({ deletes: [{ layer: feature.layer, id: feature.id, revision: revision ?? 0 }] }, t('editing.deleted', { name }))
    close()
    select(null)
  } catch (error) {
    tellErrors(error)
  }
}

// Whoever goes to another thing is asked about what was put in; meanwhile the old one stays.
const key = (at: Selection | null): string => (at ? `${at.layer}/${at.id}` : '')
let putting = false
watch(
  () => view.selection,
  (wanted, before) => {
    if (putting || (!draft.value && !task.value) || key(wanted) === key(before)) return
    if (!unsaved.value) {
      close()
      return
    }
    putting = true
    view.selection = before
    putting = false
    void mayLeave().then((yes) => yes && (view.selection = wanted))
  },
  { flush: 'sync' },
)
