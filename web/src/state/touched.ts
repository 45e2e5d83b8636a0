/**
 * What a change touched, told to all that shows it: tiles, the open panel, the list, the counts.
 *
 * One door for what this page wrote and for what others wrote: whoever learns of a change calls
 * `touched`. A change set that was told already (by its `seq`) is told once only.
 */
import type { Bounds } from '@/api/types'
import { sourceOf } from '@/map/compose'
import { MARKS } from '@/map/marks'
import { refreshSource } from '@/map/refresh'

import { map } from './map'
import { floorLayer, layers, loadSoon } from './service'

/** What of a layer was touched; null where it is too much to be told. */
export interface Touched {
  ids: number[] | null
  /** Where things were and are; empty where none of them has a place. */
  extents: Bounds[] | null
}

export type TouchedLayers = Record<string, Touched>

const hearers: ((layers: TouchedLayers) => void)[] = []

/** Called after every change with what it touched. */
export function onTouched(hear: (layers: TouchedLayers) => void): void {
  hearers.push(hear)
}

/** Change sets that were told; the newest thousand, as an event may come late. */
const told = new Set<number>()
/** Whether a change set was told: it is this page's own, or was heard of before. */
export const wasTold = (seq: number): boolean => told.has(seq)

/** Layers whose tiles read rows of `name`: those that point to it, and what lies on its floors. */
function readers(name: string): string[] {
  const floor = floorLayer.value
  return [...layers.value.values()]
    .filter(
      (layer) =>
        layer.tiles !== null &&
        layer.name !== name &&
        (layer.fields.some((field) => field.reference === name) ||
          (floor?.name === name && layer.zooms[0] >= floor.zooms[0])),
    )
    .map((layer) => layer.name)
}

/** Say what a change touched; `seq` is its place in the order of commits, where it is known. */
export function touched(found: TouchedLayers, seq: number | null = null): void {
  if (seq !== null) {
    if (told.has(seq)) return
    told.add(seq)
    if (told.size > 1000) told.delete(Math.min(...told))
  }
  const target = map.value
  if (target) {
    const stale = new Map<string, Bounds[] | null>()
    for (const [name, { extents }] of Object.entries(found)) {
      for (const each of [name, ...readers(name)]) {
        const known = stale.get(each) ?? []
        stale.set(each, stale.get(each) === null || extents === null ? null : [...known, ...extents])
      }
    }
    for (const [name, extents] of stale) refreshSource(target, sourceOf(name), extents)
    // A row may have entered the list or left it, wherever it lies: marks are few and cheap.
    refreshSource(target, MARKS, null)
  }
  hearers.forEach((hear) => hear(found))
  loadSoon()
}
