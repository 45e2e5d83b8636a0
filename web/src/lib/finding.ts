/** Search results as they are shown: what the page itself knows by name, kinds with counts. */
import type { Language, SearchResult, Text } from '@/api/types'

/** A thing of the page that has a name: a question, a workspace, a layer. */
export interface Named {
  kind: 'question' | 'workspace' | 'layer'
  name: string
  title: Text
  description?: Text | null
  /** Of a question: the layer whose rows it selects, and the workspace it belongs to. */
  layer?: string
  space?: string | null
}

const fold = (text: string): string =>
  text.normalize('NFKC').toLowerCase().replace(/[·•‧∙・⋅]/g, '').replace(/\s+/g, ' ').trim()

/** Those that hold every word of a query in a title (first) or in a description, best first. */
export function namedLike<T extends Named>(all: readonly T[], query: string, most = 6): T[] {
  const words = fold(query).split(' ').filter(Boolean)
  if (words.length === 0) return []
  const rank = (each: Named): number | null => {
    const titles = [each.title.zh, each.title.en].map(fold)
    const text = [...titles, fold(each.description?.zh ?? ''), fold(each.description?.en ?? '')]
    const whole = words.join(' ')
    if (titles.some((title) => title === whole)) return 0
    if (titles.some((title) => title.startsWith(whole))) return 1
    if (titles.some((title) => words.every((word) => title.includes(word)))) return 2
    // A single letter is in every description.
    return whole.length > 1 && text.some((each) => words.every((word) => each.includes(word))) ? 3 : null
  }
  return all
    .map((each, i) => ({ each, i, rank: rank(each) }))
    .filter((found): found is { each: T; i: number; rank: number } => found.rank !== null)
    .sort((a, b) => a.rank - b.rank || a.i - b.i)
    .slice(0, most)
    .map((found) => found.each)
}

export interface Kind {
  layer: string
  results: SearchResult[]
}

/** Results by kind; the kind with the best result first, results in the order of the service. */
export function byKind(results: readonly SearchResult[]): Kind[] {
  const kinds = new Map<string, SearchResult[]>()
  for (const result of results) {
    const held = kinds.get(result.layer)
    if (held) held.push(result)
    else kinds.set(result.layer, [result])
  }
  return [...kinds].map(([layer, found]) => ({ layer, results: found }))
}

/** A text in parts, where `hit` marks what of it was typed. */
export function marked(text: string, query: string): { text: string; hit: boolean }[] {
  const plain = query.trim().toLowerCase()
  const at = plain ? text.toLowerCase().indexOf(plain) : -1
  if (at < 0) return [{ text, hit: false }]
  return [
    { text: text.slice(0, at), hit: false },
    { text: text.slice(at, at + plain.length), hit: true },
    { text: text.slice(at + plain.length), hit: false },
  ].filter((part) => part.text !== '')
}

export type Way = 'sound' | 'end' | 'text'

/** How a query met a text: by its sound, by its end, or as it is written. */
export function wayOf(result: Pick<SearchResult, 'text'>, query: string): Way {
  const text = fold(result.text)
  const sought = fold(query)
  if (!sought.split(' ').every((word) => text.includes(word))) return 'sound'
  return text !== sought && text.endsWith(sought) && !text.startsWith(sought) ? 'end' : 'text'
}

/** Recent searches, newest first, each once. */
export function remembered(recent: readonly string[], query: string, most = 6): string[] {
  const sought = query.trim()
  return sought === '' ? [...recent] : [sought, ...recent.filter((each) => each !== sought)].slice(0, most)
}

/** The title in the reader's language. */
export const titleOf = (named: Named, lang: Language): string => named.title[lang] || named.title.zh
