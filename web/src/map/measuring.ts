/** Drawing a line or an area on the map and measuring it on the ellipsoid's sphere. */
import turfArea from '@turf/area'
import turfLength from '@turf/length'
import type { Feature, LineString, Polygon, Position } from 'geojson'
import type { Map as MapLibreMap } from 'maplibre-gl'
import { TerraDraw, TerraDrawLineStringMode, TerraDrawPolygonMode } from 'terra-draw'
import { TerraDrawMapLibreGLAdapter } from 'terra-draw-maplibre-gl-adapter'

import type { Theme } from '@/api/types'
import type { Shape } from '@/lib/measuring'

import { ACCENT, HALO } from './overlay'

export interface Measured {
  /** How many points are fixed. */
  points: number
  /** Metres along the line, or round the area. */
  length: number
  /** Square metres; null of a line. */
  area: number | null
  finished: boolean
}

/** A drawing under way; all of it is taken off the map by `stop`. */
export interface Drawing {
  addCentre: () => void
  undo: () => void
  finish: () => void
  clear: () => void
  stop: () => void
}

const FINISH = 'Enter'

type Mode = TerraDrawLineStringMode | TerraDrawPolygonMode

function modeOf(shape: Shape, theme: Theme): Mode {
  const accent = ACCENT[theme] as `#${string}`
  const halo = HALO[theme] as `#${string}`
  const point = { closingPointColor: accent, closingPointWidth: 5, closingPointOutlineColor: halo, closingPointOutlineWidth: 2 }
  const corner = { coordinatePointColor: accent, coordinatePointWidth: 4, coordinatePointOutlineColor: halo, coordinatePointOutlineWidth: 2 }
  const common = { showCoordinatePoints: true, keyEvents: { cancel: null, finish: FINISH } }
  return shape === 'length'
    ? new TerraDrawLineStringMode({ ...common, styles: { ...point, ...corner, lineStringColor: accent, lineStringWidth: 3 } })
    : new TerraDrawPolygonMode({
        ...common,
        styles: { ...point, ...corner, fillColor: accent, fillOpacity: 0.18, outlineColor: accent, outlineWidth: 3 },
      })
}

/** What the points come to; those of an area close by themselves. */
export function measured(shape: Shape, points: Position[], fixed: number, finished: boolean): Measured {
  const ring = shape === 'area' && points.length > 2 ? [...points, points[0] as Position] : points
  const line: Feature<LineString> = { type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: ring } }
  const area: Feature<Polygon> = { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [ring] } }
  return {
    points: fixed,
    length: points.length > 1 ? turfLength(line, { units: 'meters' }) : 0,
    area: shape === 'area' ? (points.length > 2 ? turfArea(area) : 0) : null,
    finished,
  }
}

/** The places of a drawn shape, without the one that closes a ring. */
function placesOf(geometry: { type: string; coordinates: unknown }): Position[] {
  if (geometry.type === 'LineString') return geometry.coordinates as Position[]
  if (geometry.type === 'Polygon') return ((geometry.coordinates as Position[][])[0] ?? []).slice(0, -1)
  return []
}

const same = (a: Position | undefined, b: Position | undefined): boolean => a?.[0] === b?.[0] && a?.[1] === b?.[1]

/** Start to measure; `changed` is told the measure with every point and every move. */
export function startMeasuring(
  map: MapLibreMap,
  shape: Shape,
  theme: Theme,
  changed: (measured: Measured | null) => void,
): Drawing {
  const mode = modeOf(shape, theme)
  const draw = new TerraDraw({ adapter: new TerraDrawMapLibreGLAdapter({ map }), modes: [mode] })
  const name = shape === 'length' ? 'linestring' : 'polygon'
  let finished = false
  let fixed = 0
  const shapeNow = () =>
    draw.getSnapshot().findLast(({ geometry }) => geometry.type === (shape === 'length' ? 'LineString' : 'Polygon'))

  function tell(): void {
    const found = shapeNow()
    if (!found) {
      fixed = 0
      changed(null)
      return
    }
    const raw = placesOf(found.geometry)
    const all = raw.filter((place, i) => i === 0 || !same(place, raw[i - 1]))
    // While it is drawn, the last place follows the pointer.
    fixed = finished ? all.length : Number(found.properties.committedCoordinateCount ?? raw.length - 1)
    changed(measured(shape, all, fixed, finished))
  }

  draw.on('change', tell)
  draw.on('finish', () => {
    finished = true
    tell()
  })
  draw.start()
  draw.setMode(name)

  const eventAt = (lng: number, lat: number) => {
    const { x, y } = map.project([lng, lat])
    return { lng, lat, containerX: x, containerY: y, button: 'left' as const, heldKeys: [], isContextMenu: false }
  }
  function clear(): void {
    finished = false
    draw.clear()
    draw.setMode(name)
    changed(null)
  }
  function add(lng: number, lat: number): void {
    if (finished) clear()
    const event = eventAt(lng, lat)
    mode.onMouseMove(event)
    mode.onClick(event)
  }
  // A click after the end begins anew: one shape at a time is measured.
  const again = (): void => {
    if (finished) clear()
  }
  map.getCanvas().addEventListener('pointerdown', again, { capture: true })

  return {
    addCentre: () => {
      const { lng, lat } = map.getCenter()
      add(lng, lat)
    },
    undo: () => {
      if (!finished) mode.undo()
      tell()
    },
    finish: () => {
      if (!finished && fixed >= (shape === 'length' ? 2 : 3)) mode.onKeyUp({ key: FINISH, heldKeys: [], preventDefault: () => undefined })
    },
    clear,
    stop: () => {
      map.getCanvas().removeEventListener('pointerdown', again, { capture: true })
      draw.stop()
      map.getCanvas().style.cursor = ''
    },
  }
}
