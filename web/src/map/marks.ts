/** The rows of the open list on the map: a mark for one, a bubble with the count for several. */
import type { ExpressionSpecification, FilterSpecification, LayerSpecification } from 'maplibre-gl'

import type { Theme } from '@/api/types'

import { ACCENT, FONTS, HALO, INK, type Overlay } from './overlay'
import type { Position } from '@/lib/replay'

export type Tone = 'bad' | 'attention' | 'neutral'

export interface Marks {
  /** Template of the tiles' addresses. */
  tiles: string
  layer: string
  tone: Tone
  /** The source of the layer's own shapes, and their kind; null where it has none to outline. */
  shapes: string | null
}

export const MARKS = 'list-marks'
export const PIN = 'list-pin'
export const BUBBLE = 'list-bubble'
/** Feature states: a shape that is in the list; a mark that lies on a floor that is not drawn. */
export const LISTED = 'listed'
export const ELSEWHERE = 'elsewhere'

const FILL: Record<Tone, string> = { bad: '#d64545', attention: '#e0a100', neutral: '#1f5fbf' }
const TEXT: Record<Tone, string> = { bad: '#ffffff', attention: '#1f2933', neutral: '#ffffff' }

const one: FilterSpecification = ['==', ['get', 'n'], 1]
const several: FilterSpecification = ['>', ['get', 'n'], 1]
const pale = (opacity: number): ExpressionSpecification => [
  'case',
  ['boolean', ['feature-state', ELSEWHERE], false],
  opacity * 0.45,
  opacity,
]

/** The area of a bubble grows with its count, as far as it stays a bubble. */
const SIZE: ExpressionSpecification = ['interpolate', ['linear'], ['sqrt', ['get', 'n']], 1.4, 11, 5, 15, 15, 20, 60, 30]
/** Among the rooms of a floor there is less space for it. */
const RADIUS: ExpressionSpecification = ['interpolate', ['linear'], ['zoom'], 17, SIZE, 18.5, ['*', 0.7, SIZE]]

function bubble(tone: Tone, theme: Theme): LayerSpecification {
  return {
    id: BUBBLE,
    type: 'circle',
    source: MARKS,
    'source-layer': 'list',
    filter: several,
    // Where two touch, the larger lies above and has its number.
    layout: { 'circle-sort-key': ['get', 'n'] },
    paint: {
      'circle-radius': RADIUS,
      'circle-color': FILL[tone],
      'circle-opacity': 0.94,
      'circle-stroke-width': 2.5,
      'circle-stroke-color': HALO[theme],
    },
  }
}

function counts(tone: Tone): LayerSpecification {
  return {
    id: `${BUBBLE}-count`,
    type: 'symbol',
    source: MARKS,
    'source-layer': 'list',
    filter: several,
    layout: {
      'text-field': ['to-string', ['get', 'n']],
      'text-font': FONTS,
      'text-size': ['interpolate', ['linear'], ['zoom'], 17, 13, 18.5, 11],
      // As far as a bubble reaches: where two overlap the lesser goes without its number, which would
      // lie across the other's edge.
      'text-padding': ['interpolate', ['linear'], ['zoom'], 17, 4, 18.5, 3],
      'symbol-sort-key': ['-', ['get', 'n']],
    },
    paint: { 'text-color': TEXT[tone], 'text-halo-color': TEXT[tone], 'text-halo-width': 0.3 },
  }
}

/** Where the pin's point is: a drop stands on its place, other signs lie on it. */
const foot = (tone: Tone): 'bottom' | 'center' => (tone === 'neutral' ? 'bottom' : 'center')

function pin(tone: Tone): LayerSpecification {
  return {
    id: PIN,
    type: 'symbol',
    source: MARKS,
    'source-layer': 'list',
    filter: one,
    layout: {
      'icon-image': `mark-${tone}`,
      'icon-anchor': foot(tone),
      'icon-size': ['interpolate', ['linear'], ['zoom'], 10, 0.7, 16, 0.9, 19, 1],
      'icon-allow-overlap': true,
      'icon-ignore-placement': true,
    },
    paint: { 'icon-opacity': pale(1) },
  }
}

function pinTitle(tone: Tone, theme: Theme): LayerSpecification {
  return {
    id: `${PIN}-title`,
    type: 'symbol',
    source: MARKS,
    'source-layer': 'list',
    filter: one,
    minzoom: 16.5,
    layout: {
      'text-field': ['coalesce', ['get', 'title'], ''],
      'text-font': FONTS,
      'text-size': 13,
      'text-anchor': 'top',
      'text-offset': [0, foot(tone) === 'bottom' ? 0.2 : 1.1],
      'text-max-width': 9,
    },
    paint: {
      'text-color': INK[theme],
      'text-halo-color': HALO[theme],
      'text-halo-width': 1.8,
      'text-opacity': pale(1),
    },
  }
}

/** The shapes of the rows in sight, outlined where the map draws them. */
function outline(marks: Marks, theme: Theme): LayerSpecification[] {
  if (marks.shapes === null) return []
  const listed: ExpressionSpecification = ['boolean', ['feature-state', LISTED], false]
  const color = marks.tone === 'neutral' ? ACCENT[theme] : FILL[marks.tone]
  return [
    {
      id: 'list-outline',
      type: 'line',
      source: marks.shapes,
      'source-layer': marks.layer,
      layout: { 'line-join': 'round' },
      paint: {
        'line-color': color,
        'line-width': ['interpolate', ['linear'], ['zoom'], 15, 1.5, 19, 3],
        'line-opacity': ['case', listed, 1, 0],
      },
    },
  ]
}

export function marksOverlay(marks: Marks, theme: Theme): Overlay {
  const { tone } = marks
  return {
    sources: { [MARKS]: { type: 'vector', tiles: [marks.tiles], maxzoom: 20, promoteId: 'id' } },
    // What is higher is placed first: a title gives way to a number.
    layers: [...outline(marks, theme), pinTitle(tone, theme), bubble(tone, theme), pin(tone), counts(tone)],
  }
}

/** A ring round the place of the row under the pointer. */
export function ringOverlay(place: Position | null, theme: Theme): Overlay {
  return {
    sources: {
      'list-ring': {
        type: 'geojson',
        data: {
          type: 'FeatureCollection',
          features: place ? [{ type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: place } }] : [],
        },
      },
    },
    layers: [
      {
        id: 'list-ring-halo',
        type: 'circle',
        source: 'list-ring',
        paint: {
          'circle-radius': 17,
          'circle-color': 'rgba(0,0,0,0)',
          'circle-stroke-width': 6,
          'circle-stroke-color': HALO[theme],
        },
      },
      {
        id: 'list-ring',
        type: 'circle',
        source: 'list-ring',
        paint: {
          'circle-radius': 18,
          'circle-color': 'rgba(0,0,0,0)',
          'circle-stroke-width': 3,
          'circle-stroke-color': ACCENT[theme],
        },
      },
    ],
  }
}

/** The ids that a mark tells: one, or the first of a bubble's. */
export function idsOf(properties: Record<string, unknown>): number[] {
  if (typeof properties.id === 'number') return [properties.id]
  return typeof properties.ids === 'string'
    ? properties.ids.split(',').map(Number).filter((id) => Number.isInteger(id) && id > 0)
    : []
}

/** Whether a shape lies on another floor than `floor`; what lies on none is on all. */
export function onOtherFloor(properties: Record<string, unknown>, floor: number): boolean {
  if (typeof properties.ordinals === 'string') return !properties.ordinals.split(',').includes(String(floor))
  return properties.ordinal !== undefined && properties.ordinal !== null && Number(properties.ordinal) !== floor
}
