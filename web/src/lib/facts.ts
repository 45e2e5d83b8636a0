/** How the facts of one thing are grouped for reading. */
import type { Fact, Field, Insight } from '@/api/types'

export type Heading = 'identity' | 'place' | 'state' | 'numbers'

export interface Group {
  heading: Heading
  facts: Fact[]
}

/** The newest observation of one series: its facts, and the moment they hold of. */
export interface Observed {
  series: string
  time: string | null
  facts: Fact[]
}

export interface Sorted {
  recorded: Group[]
  observed: Observed[]
  /** What the file said beyond the columns. */
  others: Fact[]
  /** Facts that nobody filled in. */
  blank: Fact[]
}

const HEADINGS: readonly Heading[] = ['identity', 'place', 'state', 'numbers']
const PLACES = new Set(['sites', 'buildings', 'levels', 'rooms'])
const PLACE_FIELDS = new Set(['address', 'parking', 'region'])

export function isBlank({ value }: Pick<Fact, 'value'>): boolean {
  return (
    value === null || value === undefined || value === '' ||
    (typeof value === 'object' && Object.keys(value).length === 0)
  )
}

/** A year or a key is a number without thousands, and no quantity. */
export const isCode = (field: string): boolean => /(^|_|\.)(year|id|digits)$/.test(field)

const isMoment = (value: unknown): boolean => typeof value === 'string' && /^\d{4}-\d\d-\d\d(T|$)/.test(value)

function headingOf(fact: Fact, field: Field | undefined): Heading {
  const reference = fact.reference?.layer ?? field?.reference
  if ((reference && PLACES.has(reference)) || PLACE_FIELDS.has(fact.field)) return 'place'
  if (isMoment(fact.value) || field?.type === 'date' || field?.type === 'date-time') return 'state'
  if (/(^|_)state(_|$)/.test(fact.field)) return 'state'
  if (typeof fact.value === 'number' && !fact.reference && !reference) return 'numbers'
  return 'identity'
}

/** Sort facts by where they come from, and what was recorded by what it tells. */
export function sorted(facts: readonly Fact[], fields: readonly Field[]): Sorted {
  const known = new Map(fields.map((field) => [field.name, field]))
  const groups = new Map<Heading, Fact[]>(HEADINGS.map((heading) => [heading, []]))
  const observed = new Map<string, Observed>()
  const others: Fact[] = []
  const blank: Fact[] = []
  for (const fact of facts) {
    const [series, name] = fact.field.split('.', 2)
    if (isBlank(fact)) blank.push(fact)
    else if (series === 'attributes') others.push(fact)
    else if (series && name) {
      const held = observed.get(series) ?? { series, time: null, facts: [] }
      if (name === 'time') held.time = String(fact.value)
      else held.facts.push(fact)
      observed.set(series, held)
    } else groups.get(headingOf(fact, known.get(fact.field)))?.push(fact)
  }
  const recorded = HEADINGS.map((heading) => ({ heading, facts: groups.get(heading) ?? [] }))
  return { recorded: recorded.filter((group) => group.facts.length > 0), observed: [...observed.values()], others, blank }
}

/** The heading of an observed fact without the name of its series, which stands above it. */
export const withoutSeries = (title: string): string => title.split(' · ').at(-1) ?? title

/** Layers whose parts a list can be narrowed to. */
export const LISTABLE = new Set(['levels', 'buildings', 'sites', 'bodies'])
const KINDS: Record<string, string> = { levels: 'level', buildings: 'building', sites: 'site', bodies: 'body' }

/** The place by which a list is narrowed to a thing, or null where lists know no such place. */
export function placeOf(layer: string, id: number): string | null {
  const kind = KINDS[layer]
  return kind ? `${kind}/${id}` : null
}

/** Seconds as people say them: “3 天 15 小时 40 分”, “3 d 15 h 40 min”; whole minutes. */
export function lasting(seconds: number, lang: 'zh' | 'en'): string {
  const minutes = Math.floor(Math.max(seconds, 0) / 60)
  const parts: [number, string, string][] = [
    [Math.floor(minutes / 1440), '天', 'd'],
    [Math.floor((minutes % 1440) / 60), '小时', 'h'],
    [minutes % 60, '分', 'min'],
  ]
  const said = parts.filter(([n]) => n > 0).map(([n, zh, en]) => `${n} ${lang === 'zh' ? zh : en}`)
  return said.length > 0 ? said.join(' ') : lang === 'zh' ? '不到 1 分' : 'under 1 min'
}

const URGENCY = { bad: 0, attention: 1, ok: 2, neutral: 3 } as const

/** What the rules say, the most urgent first; of equals, in the order of the service. */
export const byUrgency = (insights: readonly Insight[]): Insight[] =>
  [...insights].sort((a, b) => URGENCY[a.status] - URGENCY[b.status])
