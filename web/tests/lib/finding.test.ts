import { describe, expect, it } from 'vitest'

import type { SearchResult } from '@/api/types'
import { byKind, marked, namedLike, remembered, wayOf, type Named } from '@/lib/finding'

const named: Named[] = [
  { kind: 'question', name: 'silent_cars', title: { zh: '失联', en: 'silent' }, description: { zh: '超过阈值没有上报', en: 'not heard from' } },
  { kind: 'question', name: 'vacant_rooms', title: { zh: '空置办公室', en: 'Vacant offices' } },
  { kind: 'workspace', name: 'space', title: { zh: '办公用房', en: 'Office space' } },
  { kind: 'layer', name: 'rooms', title: { zh: '房间', en: 'Rooms' } },
]
const result = (layer: string, text: string): SearchResult => ({
  layer, id: 1, title: text, field: 'name', text, path: [], center: null, bbox: null,
})

describe('what the page knows by name', () => {
  const found = (query: string): string[] => namedLike(named, query).map((each) => each.name)

  it('is found in either language, by part of its title', () => {
    expect(found('失联')).toEqual(['silent_cars'])
    expect(found('SILENT')).toEqual(['silent_cars'])
    expect(found('办公')).toEqual(['space', 'vacant_rooms']) // what begins with it comes first
  })

  it('is found by its description, but not by a single letter of it', () => {
    expect(found('没有上报')).toEqual(['silent_cars'])
    expect(found('h')).toEqual([])
  })

  it('is not found by nothing or by another word', () => {
    expect(found(' ')).toEqual([])
    expect(found('管孔')).toEqual([])
  })
})

describe('results', () => {
  it('are grouped by kind, the best kind first, each in its order', () => {
    const kinds = byKind([result('rooms', 'a'), result('persons', 'b'), result('rooms', 'c')])
    expect(kinds.map((kind) => [kind.layer, kind.results.map((each) => each.text)])).toEqual([
      ['rooms', ['a', 'c']], ['persons', ['b']],
    ])
  })

  it('say how they were met: as written, by the end of a tag, by sound', () => {
    expect(wayOf({ text: 'B03-412' }, 'b03')).toBe('text')
    expect(wayOf({ text: 'E280540DD0C9B9672753CFE6' }, 'cfe6')).toBe('end')
    expect(wayOf({ text: '周试一' }, 'zsy')).toBe('sound')
    expect(wayOf({ text: '演A·D0055' }, '演AD0055')).toBe('text')
  })

  it('mark what was typed', () => {
    expect(marked('B03-412 办公室', '412')).toEqual([
      { text: 'B03-', hit: false }, { text: '412', hit: true }, { text: ' 办公室', hit: false },
    ])
    expect(marked('周试一', 'zsy')).toEqual([{ text: '周试一', hit: false }])
  })
})

describe('recent searches', () => {
  it('are kept newest first, each once, at most six', () => {
    expect(remembered(['a', 'b'], ' b ')).toEqual(['b', 'a'])
    expect(remembered(['1', '2', '3', '4', '5', '6'], '7')).toEqual(['7', '1', '2', '3', '4', '5'])
    expect(remembered(['a'], ' ')).toEqual(['a'])
  })
})
