/**
 * The style that is drawn = the service's style + what the reader chose.
 *
 * One pure function; MapLibre's diff finds what changed, so that sources and feature state stay.
 */
import type { Geometry } from 'geojson'
import type {
  FilterSpecification,
  LayerSpecification,
  StyleSpecification,
} from 'maplibre-gl'

import type { MeasureAnswer, Theme } from '@/api/types'
import { colorExpression } from '@/lib/classes'
import { floorFilter } from '@/lib/floors'

import { enlarged } from './enlarge'
import { ACCENT, HALO, type Overlay } from './overlay'
import { blocks } from './stack'

export interface Choice {
  off: readonly string[]
  answer: MeasureAnswer | null
  theme: Theme
  /** The layers whose features lie on floors, and the floor to draw. */
  floored: readonly string[]
  floor: number
  selection: Geometry | null
  still: boolean
  /** What is drawn on the style: beneath the selection, and above all. */
  below?: readonly Overlay[]
  above?: readonly Overlay[]
  /** Whether the map steps back behind the floors of one building. */
  stacked?: boolean
  /** Whether the map is tilted, so that buildings have a height. */
  tilted?: boolean
  /** How much larger texts and marks are than on a desk: a wall is read from afar. */
  scale?: number
}

export const SELECTION = 'selection'
/** What is drawn above the measured layer steps back, so that its colours read. */
const STEPPED_BACK = { fill: 0.12, line: 0.25, circle: 0.35 } as const

export const sourceOf = (layer: string): string => `onemap-${layer}`

/** Names of areas are drawn from points that travel beside them: `rooms-label` beside `rooms`. */
const LABEL = /-label$/
export const layerOfTile = (name: string): string => name.replace(LABEL, '')

/** The layer of the catalogue that a layer of the style draws, or null (a background). */
export function layerName(layer: LayerSpecification): string | null {
  if ('source-layer' in layer && layer['source-layer']) return layerOfTile(layer['source-layer'])
  if (!('source' in layer) || typeof layer.source !== 'string') return null
  return /^onemap-([a-z0-9_]+)/.exec(layer.source)?.[1] ?? null
}

const COLOR = { fill: 'fill-color', line: 'line-color', circle: 'circle-color' } as const
const OPACITY = { fill: 'fill-opacity', line: 'line-opacity', circle: 'circle-opacity' } as const

function painted(layer: LayerSpecification, paint: Record<string, unknown>): LayerSpecification {
  return { ...layer, paint: { ...layer.paint, ...paint } } as LayerSpecification
}

function measured(layer: LayerSpecification, answer: MeasureAnswer, theme: Theme): LayerSpecification {
  if (layer.type !== 'fill' && layer.type !== 'line' && layer.type !== 'circle') return layer
  const paint: Record<string, unknown> = {
    [COLOR[layer.type]]: colorExpression(answer, theme),
    [OPACITY[layer.type]]: layer.type === 'fill' ? 0.88 : 1,
  }
  return painted(layer, paint)
}

function steppedBack(layer: LayerSpecification): LayerSpecification {
  if (layer.type !== 'fill' && layer.type !== 'line' && layer.type !== 'circle') return layer
  const opacity = STEPPED_BACK[layer.type]
  const edge = layer.type === 'circle' ? { 'circle-stroke-opacity': opacity } : {}
  return painted(layer, { [OPACITY[layer.type]]: opacity, ...edge })
}

function onFloor(layer: LayerSpecification, floor: number): LayerSpecification {
  const own = 'filter' in layer ? layer.filter : undefined
  const filter = own ? ['all', own, floorFilter(floor)] : floorFilter(floor)
  return { ...layer, filter: filter as FilterSpecification } as LayerSpecification
}

function selectionLayers(theme: Theme): LayerSpecification[] {
  const notPoint: FilterSpecification = ['!=', ['geometry-type'], 'Point']
  const round = { 'line-join': 'round', 'line-cap': 'round' } as const
  return [
    {
      id: `${SELECTION}-halo`,
      type: 'line',
      source: SELECTION,
      filter: notPoint,
      layout: round,
      paint: { 'line-color': HALO[theme], 'line-width': 6, 'line-opacity': 0.85 },
    },
    {
      id: `${SELECTION}-line`,
      type: 'line',
      source: SELECTION,
      filter: notPoint,
      layout: round,
      paint: { 'line-color': ACCENT[theme], 'line-width': 3 },
    },
    {
      id: `${SELECTION}-point`,
      type: 'circle',
      source: SELECTION,
      filter: ['==', ['geometry-type'], 'Point'],
      paint: {
        'circle-radius': 11,
        'circle-color': 'rgba(0,0,0,0)',
        'circle-stroke-width': 3,
        'circle-stroke-color': ACCENT[theme],
      },
    },
  ]
}

/** Behind the floors of one building areas and lines are faint, and there is no text. */
function behind(layer: LayerSpecification): LayerSpecification {
  if (layer.type === 'symbol') return { ...layer, layout: { ...layer.layout, visibility: 'none' } } as LayerSpecification
  return steppedBack(layer)
}

/** Blocks of buildings below all text, as far as floors are not drawn. */
function withBlocks(layers: LayerSpecification[], choice: Choice): LayerSpecification[] {
  const plain = layers.find((layer) => layer.id === 'buildings')
  if (!choice.tilted || choice.stacked || !plain || !('source' in plain) || choice.off.includes('buildings')) return layers
  const text = layers.findIndex((layer) => layer.type === 'symbol')
  const block = blocks(plain.source as string, choice.theme)
  return layers.toSpliced(text === -1 ? layers.length : text, 0, block)
}

const sourcesOf = (overlays: readonly Overlay[] = []): StyleSpecification['sources'] =>
  Object.assign({}, ...overlays.map((each) => each.sources)) as StyleSpecification['sources']

function layersOf(overlays: readonly Overlay[] = [], choice: Choice): LayerSpecification[] {
  return overlays
    .flatMap((each) => each.layers)
    .map((layer) => (choice.floored.includes(layerName(layer) ?? '') ? onFloor(layer, choice.floor) : layer))
}

export function compose(base: StyleSpecification, choice: Choice): StyleSpecification {
  const { answer, theme } = choice
  let above = false // whether the loop has passed the measured layer
  const layers = base.layers.map((original) => {
    const name = layerName(original)
    if (name === null) return original
    let layer = original
    if (answer && layer.id === answer.layer) {
      layer = measured(layer, answer, theme)
      above = true
    } else if (above && name !== answer?.layer) {
      layer = steppedBack(layer)
    }
    if (choice.floored.includes(name)) layer = onFloor(layer, choice.floor)
    const off = choice.off.includes(name) || (choice.stacked === true && choice.floored.includes(name))
    const visibility = off ? 'none' : 'visible'
    const seen = { ...layer, layout: { ...layer.layout, visibility } } as LayerSpecification
    return choice.stacked ? behind(seen) : seen
  })
  return {
    ...base,
    transition: { duration: choice.still ? 0 : 200, delay: 0 },
    sources: {
      ...base.sources,
      ...sourcesOf(choice.below),
      ...sourcesOf(choice.above),
      [SELECTION]: {
        type: 'geojson',
        data: {
          type: 'FeatureCollection',
          features: choice.selection
            ? [{ type: 'Feature', properties: {}, geometry: choice.selection }]
            : [],
        },
      },
    },
    layers: [
      ...withBlocks(layers, choice),
      ...layersOf(choice.below, choice),
      ...(choice.stacked ? [] : selectionLayers(theme)),
      ...layersOf(choice.above, choice),
    ].map((layer) => enlarged(layer, choice.scale ?? 1)),
  }
}
