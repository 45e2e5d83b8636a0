/** A trip on the map: its route by speed, where it began, stood and ended, and the car on its way. */
import type { FeatureCollection } from 'geojson'
import type { LayerSpecification } from 'maplibre-gl'

import type { Theme } from '@/api/types'
import { runsOf, stopsOf, type Moment, type Path, type Position } from '@/lib/replay'

import { FONTS, HALO, INK, type Overlay } from './overlay'

export const ROUTE = 'trip-route'
export const ENDS = 'trip-ends'
/** Moved many times a second, so not part of the style's own data. */
export const CAR = 'live-car'

/** Standing and three classes of speed, from a ramp of one hue. */
export const SPEED_COLORS: Record<Theme, readonly [string, string, string, string]> = {
  light: ['#8d98a5', '#41b6c4', '#2c7fb8', '#253494'],
  dark: ['#8d98a5', '#2c7fb8', '#41b6c4', '#c7e9b4'],
}

export interface Words {
  start: string
  end: string
  stop: (minutes: number) => string
}

function route(path: Path): FeatureCollection {
  return {
    type: 'FeatureCollection',
    features: runsOf(path).map(({ coordinates, speed }) => ({
      type: 'Feature',
      properties: { speed },
      geometry: { type: 'LineString', coordinates },
    })),
  }
}

function ends(path: Path, words: Words): FeatureCollection {
  const mark = (position: Position | undefined, kind: string, title: string) =>
    position
      ? [{ type: 'Feature' as const, properties: { kind, title }, geometry: { type: 'Point' as const, coordinates: [...position] } }]
      : []
  const stops = stopsOf(path).flatMap((stop) =>
    mark(stop.position, 'stop', words.stop(Math.round((stop.end - stop.start) / 60))),
  )
  return {
    type: 'FeatureCollection',
    features: [
      ...stops,
      ...mark(path.coordinates[0], 'start', words.start),
      ...mark(path.coordinates.at(-1), 'end', words.end),
    ],
  }
}

/** The car as the data of its source. */
export function carAt({ position, heading }: Moment): FeatureCollection {
  return {
    type: 'FeatureCollection',
    features: [{ type: 'Feature', properties: { heading }, geometry: { type: 'Point', coordinates: position } }],
  }
}

function lines(theme: Theme): LayerSpecification[] {
  const [standing, slow, quick, fast] = SPEED_COLORS[theme]
  const layout = { 'line-cap': 'round', 'line-join': 'round' } as const
  return [
    {
      id: `${ROUTE}-casing`,
      type: 'line',
      source: ROUTE,
      layout,
      paint: { 'line-color': HALO[theme], 'line-width': 9, 'line-opacity': 0.9 },
    },
    {
      id: ROUTE,
      type: 'line',
      source: ROUTE,
      layout,
      paint: {
        'line-color': ['match', ['get', 'speed'], 0, standing, 1, slow, 2, quick, fast],
        // Faster is wider too: colour is not the only sign.
        'line-width': ['match', ['get', 'speed'], 0, 3, 1, 4, 2, 5, 6],
      },
    },
  ]
}

function marks(theme: Theme): LayerSpecification[] {
  return [
    {
      id: ENDS,
      type: 'circle',
      source: ENDS,
      paint: {
        'circle-radius': ['match', ['get', 'kind'], 'stop', 6, 7],
        'circle-color': ['match', ['get', 'kind'], 'start', '#2e9e6b', 'end', INK[theme], '#e0a100'],
        'circle-stroke-color': HALO[theme],
        'circle-stroke-width': 2.5,
      },
    },
    {
      id: `${ENDS}-label`,
      type: 'symbol',
      source: ENDS,
      layout: {
        'text-field': ['get', 'title'],
        'text-font': FONTS,
        'text-size': 13,
        'text-variable-anchor': ['top', 'bottom', 'left', 'right'],
        'text-radial-offset': 0.8,
      },
      paint: { 'text-color': INK[theme], 'text-halo-color': HALO[theme], 'text-halo-width': 2 },
    },
    {
      id: CAR,
      type: 'symbol',
      source: CAR,
      layout: {
        'icon-image': theme === 'dark' ? 'car-dark' : 'car',
        'icon-rotate': ['get', 'heading'],
        'icon-rotation-alignment': 'map',
        'icon-allow-overlap': true,
        'icon-ignore-placement': true,
      },
    },
  ]
}

export function tripOverlay(path: Path, words: Words, theme: Theme): Overlay {
  const nothing: FeatureCollection = { type: 'FeatureCollection', features: [] }
  return {
    sources: {
      [ROUTE]: { type: 'geojson', data: route(path) },
      [ENDS]: { type: 'geojson', data: ends(path, words) },
      [CAR]: { type: 'geojson', data: nothing },
    },
    layers: [...lines(theme), ...marks(theme)],
  }
}
