/** Requests to the service: one origin, JSON in, problems as errors. */
import type { Geometry } from 'geojson'
import type { StyleSpecification } from 'maplibre-gl'

import type { Consumption, Step } from '@/lib/consumption'

import type { AccountsOfAll, Bodies, Me, NewAccount, NewGrant, NewToken, Sessions, SignIn, Tokens } from './account'
import type { AuditQuery, AuditRecords, AuditState } from './audit'
import type { Done, Edit, Parts, Shapes } from './editing'
import type { Job, Jobs, Kinds, NewImport } from './jobs'
import type { Counted, Grouped, Keys, Listed, NamedFilter, PlaceKind, Quarantined, Workspace } from './lists'
import type { ChangeMarks, Difference, FileConflicts, History } from './past'
import type { paths } from './schema'
import type {
  Bounds,
  BuildingStack,
  Catalogue,
  Feature,
  Language,
  Measure,
  MeasureAnswer,
  ProblemDetails,
  SearchAnswer,
  Storey,
  Theme,
  TripPath,
} from './types'

/** The service answered with an error, in the reader's language. */
export class Refused extends Error {
  readonly status: number
  readonly problem: ProblemDetails

  constructor(status: number, problem: ProblemDetails) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`)
    this.status = status
    this.problem = problem
  }
}

/** The service could not be reached, or is not ready to answer. */
export class Unreachable extends Error {}

/** What each path answers. */
interface Answers {
  '/catalogue': Catalogue
  '/style.json': StyleSpecification
  '/measures': Measure[]
  '/measures/{name}': MeasureAnswer
  '/search': SearchAnswer
  '/features/{layer_name}/{key}': Feature
  '/buildings/{key}/stack': BuildingStack
  '/trips/{key}/path': TripPath
  '/workspaces': Workspace[]
  '/filters': NamedFilter[]
  '/filters/{name}': Counted
  '/lists/{layer}': Listed
  '/lists/{layer}/groups': Grouped
  '/lists/{layer}/keys': Keys
  '/buildings/{key}/levels': Storey[]
  '/quarantine': Quarantined
  '/history/{layer}/{key}': History
  '/changes': ChangeMarks
  '/changes/between': Difference
  '/conflicts': FileConflicts
  '/jobs': Jobs
  '/jobs/kinds': Kinds
  '/me': Me
  '/me/sessions': Sessions
  '/me/tokens': Tokens
  '/administration/accounts': AccountsOfAll
  '/administration/bodies': Bodies
  '/administration/sessions': Sessions
  '/administration/tokens': Tokens
  '/audit': AuditRecords
  '/audit/state': AuditState
}

// A path or a parameter that the service no longer has stops the build here: the types of both
// come from its OpenAPI document (`npm run api`). So does a key, however deep, that an answer no
// longer tells, wherever the document says which keys there are.
type Described<P extends keyof paths> = paths[P]['get']['responses'][200]['content']['application/json']
type Lost<Read, Told> = Read extends readonly (infer R)[]
  ? Told extends readonly (infer T)[] ? Lost<R, T> : never
  : Read extends object
    ? string extends keyof Told
      ? never
      : { [K in keyof Read & string]-?: K extends keyof Told ? Lost<NonNullable<Read[K]>, NonNullable<Told[K]>> : K }[keyof Read & string]
    : never
type Path = { [P in keyof Answers & keyof paths]: Lost<Answers[P], Described<P>> extends never ? P : never }[keyof Answers & keyof paths]
type Given<P extends Path> = Omit<paths[P]['get']['parameters'], 'header' | 'cookie'>

const root = new URL('.', document.baseURI)

/**
 * The body as which everything is asked, null for the whole estate; and the moment of record as of
 * which it is, null for now.
 */
export const asked: { unit: number | null; at: string | null } = { unit: null, at: null }

/**
 * How this page is known to the service: what it repeats with each write, and who is told that the
 * service no longer knows it.
 */
export const known: { csrf: string | null; lapsed: (refused: Refused) => void } = { csrf: null, lapsed: () => undefined }

/** The absolute address of a path of the service; braces of tile templates stay as they are. */
export function address(path: string): string {
  return /^[a-z]+:/i.test(path) ? path : root.href.replace(/\/$/, '') + '/' + path.replace(/^\//, '')
}

function addressOf(path: string, given: { path?: object; query?: object }): URL {
  const parts = new Map(Object.entries(given.path ?? {}))
  const url = new URL(address(path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(parts.get(name))))))
  for (const [name, value] of Object.entries<unknown>({ unit: asked.unit, at: asked.at, ...given.query })) {
    if (value !== null && value !== undefined && value !== '') url.searchParams.set(name, String(value))
  }
  return url
}

async function get<P extends Path>(path: P, given: Given<P>, signal?: AbortSignal): Promise<Answers[P]> {
  return (await (await request(addressOf(path, given), signal)).json()) as Answers[P]
}

/** Ask for an address, or send it a body; whatever is no answer is an error. */
export async function request(url: URL, signal?: AbortSignal, body?: unknown, method = body === undefined ? 'GET' : 'POST'): Promise<Response> {
  let response: Response
  try {
    const headers: Record<string, string> = { Accept: 'application/json' }
    if (method !== 'GET' && known.csrf !== null) headers['X-CSRF-Token'] = known.csrf
    if (body !== undefined) headers['Content-Type'] = 'application/json'
    response = await fetch(url, { signal, method, headers, body: body === undefined ? undefined : JSON.stringify(body) })
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new Unreachable('', { cause })
  }
  if (response.ok) return response
  if (response.status === 502 || response.status === 503 || response.status === 504) {
    throw new Unreachable()
  }
  const problem = await response.json().catch(() => ({}))
  const refused = new Refused(response.status, problem as ProblemDetails)
  if (LAPSED.has(refused.problem.reason ?? '')) known.lapsed(refused)
  throw refused
}

/** Reasons that are about who asks, not about what is asked. */
const LAPSED = new Set(['session', 'sign_in', 'csrf', 'must_change', 'must_enrol'])

/** Send a change. The unit narrows what is read; what is written is the editor's own right. */
async function post<Answer>(path: string, lang: Language, body: unknown): Promise<Answer> {
  const url = new URL(address(path))
  url.searchParams.set('lang', lang)
  return (await (await request(url, undefined, body)).json()) as Answer
}

/** Ask about accounts: neither unit nor moment matter there. */
async function ask<P extends Path>(path: P, lang: Language, query: object = {}): Promise<Answers[P]> {
  const url = new URL(address(path))
  for (const [name, value] of Object.entries({ ...query, lang })) if (value !== null) url.searchParams.set(name, String(value))
  return (await (await request(url)).json()) as Answers[P]
}

/** Take something away. */
async function remove(path: string, lang: Language): Promise<void> {
  const url = new URL(address(path))
  url.searchParams.set('lang', lang)
  await request(url, undefined, undefined, 'DELETE')
}

/** An upload that is under way, so that it can be stopped. */
let upload: XMLHttpRequest | null = null

/**
 * Send a file as it is. `fetch` does not tell how far it is; stopping it ends in an AbortError.
 */
function sendFile(url: URL, file: File, told: (part: number) => void): Promise<Job> {
  return new Promise((resolve, reject) => {
    const sending = (upload = new XMLHttpRequest())
    sending.open('POST', url)
    sending.setRequestHeader('Accept', 'application/json')
    sending.setRequestHeader('Content-Type', 'application/octet-stream')
    if (known.csrf !== null) sending.setRequestHeader('X-CSRF-Token', known.csrf)
    sending.upload.onprogress = (event) => event.lengthComputable && told(event.loaded / event.total)
    sending.onerror = () => reject(new Unreachable())
    sending.onabort = () => reject(new DOMException('', 'AbortError'))
    sending.onload = () => {
      let answer: unknown = {}
      try {
        answer = JSON.parse(sending.responseText)
      } catch {
        // A proxy may answer in its own words.
      }
      if (sending.status === 202) resolve(answer as Job)
      else {
        const refused = new Refused(sending.status, answer as ProblemDetails)
        if (LAPSED.has(refused.problem.reason ?? '')) known.lapsed(refused)
        reject(refused)
      }
    }
    sending.onloadend = () => (upload = null)
    sending.send(file)
  })
}

/** What a list asks: see `state/lists`. */
export type ListQuery = Record<string, string>

export const api = {
  catalogue: () => get('/catalogue', {}),
  style: (lang: Language, theme: Theme) => get('/style.json', { query: { lang, theme } }),
  measures: () => get('/measures', {}),
  measure: (name: string, window: string | null, lang: Language, signal?: AbortSignal) =>
    get('/measures/{name}', { path: { name }, query: { window, lang } }, signal),
  search: (q: string, limit: number, lang: Language, signal?: AbortSignal) =>
    get('/search', { query: { q, limit, lang } }, signal),
  /** The facts of a thing; `at` where they are wanted of another moment than all else. */
  feature: (layer_name: string, key: number, lang: Language, signal?: AbortSignal, at?: string) =>
    get('/features/{layer_name}/{key}', { path: { layer_name, key }, query: at ? { lang, at } : { lang } }, signal),
  stack: (key: number, lang: Language, signal?: AbortSignal) =>
    get('/buildings/{key}/stack', { path: { key }, query: { lang } }, signal),
  trip: (key: number, lang: Language, signal?: AbortSignal) =>
    get('/trips/{key}/path', { path: { key }, query: { lang } }, signal),
  workspaces: () => get('/workspaces', {}),
  filters: () => get('/filters', {}),
  count: (name: string, lang: Language, signal?: AbortSignal) =>
    get('/filters/{name}', { path: { name }, query: { lang } }, signal),
  list: (layer: string, query: ListQuery, page: { limit?: number; after?: string; totals?: boolean }, signal?: AbortSignal) =>
    get('/lists/{layer}', { path: { layer }, query: { ...query, ...page } }, signal),
  groups: (layer: string, by: PlaceKind, query: ListQuery, signal?: AbortSignal) =>
    get('/lists/{layer}/groups', { path: { layer }, query: { ...query, by } }, signal),
  keys: (layer: string, query: ListQuery, signal?: AbortSignal) =>
    get('/lists/{layer}/keys', { path: { layer }, query }, signal),
  /** The exact shapes of what lies in a box: tiles round them. */
  shapes: async (layer: string, bounds: Bounds, signal?: AbortSignal) =>
    (await (await request(addressOf('/ogc/collections/{layer}/items', { path: { layer }, query: { bbox: bounds.join(), limit: 1000, f: 'json' } }), signal)).json()) as Shapes,
  split: (geometry: Geometry, line: Geometry, lang: Language) => post<Parts>('/shapes/split', lang, { geometry, line }),
  merge: (geometries: Geometry[], lang: Language) => post<Parts>('/shapes/merge', lang, { geometries }),
  change: (edit: Edit, lang: Language) => post<Done>('/changes', lang, edit),
  undo: (seq: number, lang: Language, reason?: string) => post<Done>(`/changes/${seq}/undo`, lang, reason ? { reason } : {}),
  history: (layer: string, key: number, page: { limit: number; after?: number; geometry?: boolean }, lang: Language, signal?: AbortSignal) =>
    get('/history/{layer}/{key}', { path: { layer, key }, query: { ...page, lang } }, signal),
  /** Change sets of all time, whatever moment is looked at. */
  changes: (query: { from?: string; to?: string; bbox?: string; limit: number; after?: number }, lang: Language, signal?: AbortSignal) =>
    get('/changes', { query: { ...query, lang, at: null } }, signal),
  between: (query: { from: string; to?: string; bbox?: string; layers?: string; limit?: number }, lang: Language, signal?: AbortSignal) =>
    get('/changes/between', { query: { ...query, lang, at: null } }, signal),
  conflicts: (lang: Language, after: number | null, limit: number) => get('/conflicts', { query: { lang, after, limit } }),
  decide: (key: number, take: 'file' | 'mine' | 'ask', revision: number | null, lang: Language) =>
    post<{ seq: number | null }>(`/conflicts/${key}`, lang, { take, revision }),
  quarantine: (lang: Language, after: number | null) => get('/quarantine', { query: { lang, after } }),
  quarantineFile: (lang: Language) => addressOf('/quarantine/export', { query: { lang } }),
  /** The address of a list as a file. */
  exported: (layer: string, format: string, query: ListQuery) =>
    addressOf('/lists/{layer}/export', { path: { layer }, query: { ...query, format } }),
  levels: (key: number, signal?: AbortSignal) => get('/buildings/{key}/levels', { path: { key } }, signal),
  consumption: async (key: number, window: string, step: Step, lang: Language, signal?: AbortSignal) =>
    (await (await request(addressOf('/meters/{key}/consumption', { path: { key }, query: { window, step, lang } }), signal)).json()) as Consumption,
  jobKinds: (lang: Language) => ask('/jobs/kinds', lang),
  jobs: async (lang: Language, before: number | null) => {
    const url = new URL(address('/jobs'))
    url.searchParams.set('lang', lang)
    if (before !== null) url.searchParams.set('before', String(before))
    return (await (await request(url)).json()) as Answers['/jobs']
  },
  askImport: (wanted: NewImport, lang: Language, told: (part: number) => void) => {
    const url = new URL(address('/jobs/imports'))
    const { kind, file, crs, source, dryRun, acceptGuess } = wanted
    const given = { kind, name: file.name, crs, source, dry_run: dryRun || '', accept_guess: acceptGuess || '', lang }
    for (const [name, value] of Object.entries(given)) if (value !== '') url.searchParams.set(name, String(value))
    return sendFile(url, file, told)
  },
  stopUpload: () => upload?.abort(),
  askExport: (layer: string, format: string, query: ListQuery, lang: Language) =>
    post<Job>('/jobs/exports', lang, { layer, format, query: Object.entries(query) }),
  cancelJob: (key: number, lang: Language) => remove(`/jobs/${key}`, lang),
  jobResult: (key: number, lang: Language) => new URL(`${address(`/jobs/${key}/result`)}?lang=${lang}`),
  jobTemplate: (kind: string, lang: Language) => new URL(`${address(`/jobs/kinds/${encodeURIComponent(kind)}/template`)}?lang=${lang}`),
  me: (lang: Language) => ask('/me', lang),
  signIn: (given: SignIn, lang: Language) => post<{ step: 'in' | 'code'; replaced: number }>('/sign-in', lang, given),
  signOut: (lang: Language) => post<unknown>('/sign-out', lang, {}),
  changePassword: (current: string, password: string, lang: Language) => post<unknown>('/me/password', lang, { current, password }),
  enrol: (password: string, lang: Language) => post<{ uri: string; secret: string; picture: string }>('/me/second-factor', lang, { password }),
  confirmFactor: (code: string, lang: Language) => post<unknown>('/me/second-factor/confirm', lang, { code }),
  removeFactor: (password: string, lang: Language) => post<unknown>('/me/second-factor/remove', lang, { password }),
  mySessions: (lang: Language) => ask('/me/sessions', lang),
  endMySession: (key: number, lang: Language) => remove(`/me/sessions/${key}`, lang),
  myTokens: (lang: Language) => ask('/me/tokens', lang),
  makeMyToken: (token: NewToken, lang: Language) => post<{ id: number; token: string }>('/me/tokens', lang, token),
  revokeMyToken: (key: number, lang: Language) => remove(`/me/tokens/${key}`, lang),
  accounts: (lang: Language) => ask('/administration/accounts', lang),
  allSessions: (lang: Language) => ask('/administration/sessions', lang),
  allTokens: (lang: Language) => ask('/administration/tokens', lang),
  bodies: (lang: Language) => ask('/administration/bodies', lang),
  audit: (query: Partial<AuditQuery>, before: number | null, lang: Language) => ask('/audit', lang, { ...query, before }),
  auditState: (lang: Language) => ask('/audit/state', lang),
  /** The address of the records as a file. */
  auditFile: (query: Partial<AuditQuery>, format: 'csv' | 'xlsx', lang: Language) => {
    const url = new URL(address('/audit/export'))
    for (const [name, value] of Object.entries({ ...query, format, lang })) url.searchParams.set(name, value)
    return url
  },
  makeAccount: (account: NewAccount, lang: Language) =>
    post<{ id: number; login: string; password: string | null }>('/administration/accounts', lang, account),
  onAccount: (key: number, act: 'reset' | 'disable' | 'enable' | 'unlock' | 'forget-second-factor', lang: Language) =>
    post<{ password: string | null }>(`/administration/accounts/${key}/${act}`, lang, {}),
  grant: (key: number, grant: NewGrant, lang: Language) => post<{ id: number }>(`/administration/accounts/${key}/grants`, lang, grant),
  revokeGrant: (key: number, lang: Language) => remove(`/administration/grants/${key}`, lang),
  makeToken: (key: number, token: NewToken, lang: Language) =>
    post<{ id: number; token: string }>(`/administration/accounts/${key}/tokens`, lang, token),
  endSession: (key: number, lang: Language) => remove(`/administration/sessions/${key}`, lang),
  revokeToken: (key: number, lang: Language) => remove(`/administration/tokens/${key}`, lang),
}
