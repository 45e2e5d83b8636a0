/** The floors of one building above each other, drawn apart. */
import type { Feature, FeatureCollection, Polygon, MultiPolygon } from 'geojson'
import type { ExpressionSpecification, LayerSpecification } from 'maplibre-gl'

import type { BuildingStack, MeasureAnswer, Theme, Value } from '@/api/types'
import { classOf, colorsOf, isCategorical, NO_DATA } from '@/lib/classes'

import { ACCENT, type Overlay } from './overlay'

export type Rooms = BuildingStack['rooms']
export type StackedRoom = Rooms['features'][number]['properties']
export type Colouring = 'measure' | 'use' | 'vacancy'

export const STACK = 'stack'
export const STACK_LAYERS = ['stack-others', 'stack-floor'] as const

/** Colours of uses that the colour-blind tell apart (Okabe and Ito), made light enough for a floor. */
export const USES: readonly string[] = ['#8ab6e8', '#f2b84b', '#66c2a5', '#e78ac3', '#a6d854', '#b3a2d9', '#e8a07c', '#9fd3dc']
const VACANT = '#e0a100'
const IN_USE: Record<Theme, string> = { light: '#b9c6d4', dark: '#4d5d6e' }

export interface Key {
  value: string
  color: string
  count: number
}

/** What the colours mean, most frequent first; empty where a measure's own legend tells. */
export function keyOf(rooms: Rooms, colouring: Colouring, theme: Theme): Key[] {
  if (colouring === 'measure') return []
  const counts = new Map<string, number>()
  for (const { properties } of rooms.features) {
    const value = (colouring === 'use' ? properties.use : properties.state) ?? ''
    counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || a.localeCompare(b))
    .map(([value, count], i) => ({
      value,
      count,
      color:
        value === '' || (colouring === 'use' && i >= USES.length)
          ? NO_DATA[theme]
          : colouring === 'use'
            ? (USES[i] ?? NO_DATA[theme])
            : value === 'vacant'
              ? VACANT
              : IN_USE[theme],
    }))
}

function measured(value: Value | undefined, answer: MeasureAnswer, theme: Theme): string {
  const colors = colorsOf(answer, theme)
  if (value === null || value === undefined) return NO_DATA[theme]
  const index = isCategorical(answer)
    ? (answer.categories ?? []).indexOf(String(value))
    : classOf(value, answer.breaks)
  return colors[index] ?? NO_DATA[theme]
}

/** The rooms with the colour that each is drawn in. */
export function coloured(
  rooms: Rooms,
  colouring: Colouring,
  answer: MeasureAnswer | null,
  theme: Theme,
): FeatureCollection<Polygon | MultiPolygon, StackedRoom & { color: string }> {
  const values = new Map(answer?.ids.map((id, i) => [id, answer.values[i] ?? null]))
  const key = new Map(keyOf(rooms, colouring, theme).map((each) => [each.value, each.color]))
  const color = ({ id, properties }: Feature<Polygon | MultiPolygon, StackedRoom>): string => {
    if (colouring === 'measure') return answer ? measured(values.get(Number(id)), answer, theme) : NO_DATA[theme]
    return key.get((colouring === 'use' ? properties.use : properties.state) ?? '') ?? NO_DATA[theme]
  }
  return {
    type: 'FeatureCollection',
    features: rooms.features.map((room) => ({ ...room, properties: { ...room.properties, color: color(room) } })),
  }
}

export interface Stacked {
  rooms: ReturnType<typeof coloured>
  /** Metres of air between two floors. */
  gap: number
  /** The floor that is raised out of the others; null shows all alike. */
  floor: number | null
  /** The room that is selected. */
  selected: number | null
}

/** Rooms are drawn as slabs this much of their height, so that one sees into the floor below. */
const SLAB = 0.35

function layer(id: string, stacked: Stacked, theme: Theme, lowest: [ordinal: number, base: number]): LayerSpecification {
  const raised = (name: 'base_m' | 'top_m'): ExpressionSpecification => {
    const air: ExpressionSpecification = ['*', stacked.gap, ['-', ['get', 'ordinal'], lowest[0]]]
    const base: ExpressionSpecification = ['-', ['get', 'base_m'], lowest[1]]
    const height: ExpressionSpecification = ['*', SLAB, ['-', ['get', 'top_m'], ['get', 'base_m']]]
    return name === 'base_m' ? ['+', base, air] : ['+', base, air, height]
  }
  const chosen = id === 'stack-floor'
  const floor = stacked.floor ?? 0
  return {
    id,
    type: 'fill-extrusion',
    source: STACK,
    filter:
      stacked.floor === null
        ? ['literal', chosen]
        : [chosen ? '==' : '!=', ['get', 'ordinal'], floor],
    paint: {
      'fill-extrusion-color': ['case', ['==', ['id'], stacked.selected ?? -1], ACCENT[theme], ['get', 'color']],
      'fill-extrusion-base': raised('base_m'),
      'fill-extrusion-height': raised('top_m'),
      'fill-extrusion-opacity': chosen ? 0.96 : 0.22,
      'fill-extrusion-vertical-gradient': true,
    },
  } as LayerSpecification
}

export function stackOverlay(stacked: Stacked, theme: Theme): Overlay {
  const all = stacked.rooms.features.map(({ properties }) => properties)
  // Extrusions cannot go below the ground: the lowest floor stands on it.
  const lowest: [number, number] = [
    Math.min(...all.map((room) => room.ordinal)),
    Math.min(...all.map((room) => room.base_m)),
  ]
  return {
    sources: { [STACK]: { type: 'geojson', data: stacked.rooms } },
    layers: all.length > 0 ? STACK_LAYERS.map((id) => layer(id, stacked, theme, lowest)) : [],
  }
}

/** From here on the rooms of a floor are large enough to be read: a block would hide them. */
const ROOMS_READ = 17

/** Simple blocks of the buildings, seen when the map is tilted and rooms are still small. */
export function blocks(source: string, theme: Theme): LayerSpecification {
  const height: ExpressionSpecification = [
    'coalesce',
    ['get', 'height_m'],
    ['*', 3.6, ['coalesce', ['get', 'levels_above'], 1]],
  ]
  return {
    id: 'buildings-block',
    type: 'fill-extrusion',
    source,
    'source-layer': 'buildings',
    minzoom: 15,
    maxzoom: ROOMS_READ,
    paint: {
      'fill-extrusion-color': theme === 'dark' ? '#3a434d' : '#d9d3c8',
      'fill-extrusion-height': ['interpolate', ['linear'], ['zoom'], 15, 0, 15.5, height],
      'fill-extrusion-opacity': 0.8,
    },
  }
}
