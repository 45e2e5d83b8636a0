/** Requests to the service: one origin, JSON in, problems as errors. */
import type { StyleSpecification } from 'maplibre-gl'

import type {
  Catalogue,
  Feature,
  Language,
  Measure,
  MeasureAnswer,
  ProblemDetails,
  SearchAnswer,
  Theme,
  TileJson,
} from './types'

/** The service answered with an error, in the reader's language. */
export class Refused extends Error {
  readonly status: number

  constructor(status: number, problem: ProblemDetails) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`)
    this.status = status
  }
}

/** The service could not be reached, or is not ready to answer. */
export class Unreachable extends Error {}

const root = new URL('.', document.baseURI)

/** The absolute address of a path of the service; braces of tile templates stay as they are. */
export function address(path: string): string {
  return /^[a-z]+:/i.test(path) ? path : root.href.replace(/\/$/, '') + '/' + path.replace(/^\//, '')
}

type Query = Record<string, string | number | null | undefined>

async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const url = new URL(address(path))
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') url.searchParams.set(key, String(value))
  }
  let response: Response
  try {
    response = await fetch(url, { signal, headers: { Accept: 'application/json' } })
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new Unreachable('', { cause })
  }
  if (response.ok) return (await response.json()) as T
  if (response.status === 502 || response.status === 503 || response.status === 504) {
    throw new Unreachable()
  }
  const problem = await response.json().catch(() => ({}))
  throw new Refused(response.status, problem as ProblemDetails)
}

export const api = {
  catalogue: () => get<Catalogue>('catalogue'),
  style: (lang: Language, theme: Theme) => get<StyleSpecification>('style.json', { lang, theme }),
  tilejson: (path: string) => get<TileJson>(path),
  measures: () => get<Measure[]>('measures'),
  measure: (name: string, window: string | null, lang: Language, signal?: AbortSignal) =>
    get<MeasureAnswer>(`measures/${encodeURIComponent(name)}`, { window, lang }, signal),
  search: (q: string, lang: Language, signal?: AbortSignal) =>
    get<SearchAnswer>('search', { q, limit: 10, lang }, signal),
  feature: (layer: string, id: number | string, lang: Language, signal?: AbortSignal) =>
    get<Feature>(`features/${encodeURIComponent(layer)}/${encodeURIComponent(id)}`, { lang }, signal),
}
