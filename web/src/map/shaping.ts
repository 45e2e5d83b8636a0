/** Drawing and bending shapes on the map, close to what is there already. */
import turfArea from '@turf/area'
import turfLength from '@turf/length'
import type { Geometry, LineString, MultiPolygon, Polygon, Position } from 'geojson'
import type { Map as MapLibreMap } from 'maplibre-gl'
import {
  TerraDraw,
  TerraDrawLineStringMode,
  TerraDrawPointMode,
  TerraDrawPolygonMode,
  TerraDrawSelectMode,
  type GeoJSONStoreFeatures,
} from 'terra-draw'
import { TerraDrawMapLibreGLAdapter } from 'terra-draw-maplibre-gl-adapter'

import type { Theme } from '@/api/types'
import { crosses, gridOf, snapTo } from '@/lib/snapping'

import { ACCENT, HALO } from './overlay'

export type Kind = 'polygon' | 'line' | 'point'

export interface Shaped {
  geometry: Geometry | null
  /** Square metres; null of what is no area. */
  area: number | null
  /** Metres along a line, or round an area. */
  length: number | null
  /** Whether it crosses itself. */
  crosses: boolean
  /** Whether it is whole: nothing follows the pointer any more. */
  finished: boolean
}

/** A shape under way; all of it is taken off the map by `stop`. */
export interface Shaping {
  /** Put the next corner, or the point itself, into the middle of the map. */
  addCentre: () => void
  undo: () => void
  finish: () => void
  stop: () => void
}

const MODES: Record<Kind, string> = { polygon: 'polygon', line: 'linestring', point: 'point' }
const TYPES: Record<Kind, string> = { polygon: 'Polygon', line: 'LineString', point: 'Point' }
/** As many digits as the drawing tool takes: a tenth of a millimetre. */
const DIGITS = 9

const round = ([lon = 0, lat = 0]: Position): Position => [Number(lon.toFixed(DIGITS)), Number(lat.toFixed(DIGITS))]
const keyOf = (place: Position): string => round(place).join()

/** Corners that are known exactly, by their rounded places: what was not moved stays where it was. */
class Exact {
  private readonly known = new Map<string, Position>()

  learn(places: readonly Position[]): void {
    for (const place of places) this.known.set(keyOf(place), place)
  }

  of(place: Position): Position {
    return this.known.get(keyOf(place)) ?? place
  }
}

function metres(geometry: Geometry | null): Pick<Shaped, 'area' | 'length'> {
  if (!geometry || geometry.type === 'Point') return { area: null, length: null }
  const isArea = geometry.type === 'Polygon' || geometry.type === 'MultiPolygon'
  return {
    area: isArea ? turfArea({ type: 'Feature', properties: {}, geometry }) : null,
    length: turfLength({ type: 'Feature', properties: {}, geometry: geometry as Polygon | MultiPolygon | LineString }, { units: 'meters' }),
  }
}

const ringsOf = (geometry: Geometry): Position[][] =>
  geometry.type === 'Polygon' ? geometry.coordinates : geometry.type === 'MultiPolygon' ? geometry.coordinates.flat() : []

const toldOf = (geometry: Geometry | null, finished: boolean): Shaped => ({
  geometry,
  ...metres(geometry),
  crosses: geometry !== null && ringsOf(geometry).some(crosses),
  finished,
})

type Hex = `#${string}`

/** The modes of the drawing tool, in the page's colours and with what they snap to. */
function modesOf(theme: Theme, snapping: object, select: TerraDrawSelectMode): [TerraDrawSelectMode, TerraDrawPolygonMode, TerraDrawLineStringMode, TerraDrawPointMode] {
  const [accent, halo] = [ACCENT[theme] as Hex, HALO[theme] as Hex]
  const corners = { closingPointColor: accent, closingPointWidth: 5, closingPointOutlineColor: halo, closingPointOutlineWidth: 2, coordinatePointColor: accent, coordinatePointWidth: 4, coordinatePointOutlineColor: halo, coordinatePointOutlineWidth: 2, snappingPointColor: '#e0a100' as Hex, snappingPointWidth: 6, snappingPointOutlineColor: halo, snappingPointOutlineWidth: 2 }
  const common = { showCoordinatePoints: true, keyEvents: { cancel: null, finish: 'Enter' }, snapping }
  return [
    select,
    new TerraDrawPolygonMode({ ...common, styles: { ...corners, fillColor: accent, fillOpacity: 0.18, outlineColor: accent, outlineWidth: 3 } }),
    new TerraDrawLineStringMode({ ...common, styles: { ...corners, lineStringColor: accent, lineStringWidth: 3 } }),
    new TerraDrawPointMode({ styles: { pointColor: accent, pointWidth: 8, pointOutlineColor: halo, pointOutlineWidth: 3 } }),
  ]
}

function selectOf(theme: Theme, snapping: object): TerraDrawSelectMode {
  const [accent, halo] = [ACCENT[theme] as Hex, HALO[theme] as Hex]
  const bendable = { feature: { draggable: false, selfIntersectable: true, coordinates: { midpoints: true, draggable: true, deletable: true, snappable: snapping } } }
  return new TerraDrawSelectMode({
    allowManualDeselection: false,
    keyEvents: null,
    flags: { polygon: bendable, linestring: bendable, point: { feature: { draggable: true } } },
    styles: {
      selectedPolygonColor: accent, selectedPolygonFillOpacity: 0.18, selectedPolygonOutlineColor: accent, selectedPolygonOutlineWidth: 3,
      selectedLineStringColor: accent, selectedLineStringWidth: 3,
      selectedPointColor: accent, selectedPointWidth: 9, selectedPointOutlineColor: halo, selectedPointOutlineWidth: 3,
      selectionPointColor: halo, selectionPointWidth: 6, selectionPointOutlineColor: accent, selectionPointOutlineWidth: 3,
      midPointColor: accent, midPointWidth: 4, midPointOutlineColor: halo, midPointOutlineWidth: 1,
    },
  })
}

interface Started {
  draw: TerraDraw
  modes: ReturnType<typeof modesOf>
  exact: Exact
}

function start(map: MapLibreMap, theme: Theme, around: readonly Geometry[]): Started {
  const grid = gridOf(around)
  const exact = new Exact()
  exact.learn(grid.places)
  const project = ([lng = 0, lat = 0]: Position): { x: number; y: number } => map.project([lng, lat])
  const toCustom = ({ lng, lat }: { lng: number; lat: number }): Position | undefined => {
    const found = snapTo(grid, project([lng, lat]), project)
    if (!found) return undefined
    exact.learn([found])
    return round(found)
  }
  const modes = modesOf(theme, { toCustom }, selectOf(theme, { toCustom }))
  const draw = new TerraDraw({ adapter: new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: DIGITS }), modes })
  draw.start()
  return { draw, modes, exact }
}

function stopped(map: MapLibreMap, draw: TerraDraw): void {
  draw.stop()
  map.getCanvas().style.cursor = ''
}

const without = (places: Position[]): Position[] =>
  places.filter((place, i) => i === 0 || place[0] !== places[i - 1]?.[0] || place[1] !== places[i - 1]?.[1])

const placesIn = (geometry: Geometry): number =>
  geometry.type === 'LineString' ? geometry.coordinates.length : geometry.type === 'Polygon' ? (geometry.coordinates[0]?.length ?? 1) - 1 : 1

/** Draw a new shape; `changed` is told it with every corner and every move. */
export function startDrawing(map: MapLibreMap, theme: Theme, kind: Kind, around: readonly Geometry[], changed: (told: Shaped) => void): Shaping {
  const { draw, modes, exact } = start(map, theme, around)
  const mode = modes[kind === 'polygon' ? 1 : kind === 'line' ? 2 : 3]
  let finished = false
  let fixed = 0
  const current = (): GeoJSONStoreFeatures | undefined => draw.getSnapshot().findLast(({ geometry }) => geometry.type === TYPES[kind])

  function tell(): void {
    const found = current()
    if (!found) return changed(toldOf(null, false))
    let { geometry } = found as { geometry: Geometry }
    if (geometry.type === 'Polygon') geometry = { type: 'Polygon', coordinates: geometry.coordinates.map((ring) => without(ring.map((place) => exact.of(place)))) }
    else if (geometry.type === 'LineString') geometry = { type: 'LineString', coordinates: without(geometry.coordinates.map((place) => exact.of(place))) }
    // While it is drawn, the last place follows the pointer; the ring of an area is closed as well.
    fixed = Number(found.properties.committedCoordinateCount ?? placesIn(found.geometry) - 1)
    changed(toldOf(geometry, finished))
  }
  draw.on('change', tell)
  draw.on('finish', () => {
    finished = true
    // A point that is put again takes the place of the one before; an area is drawn once.
    if (kind === 'point') draw.removeFeatures(draw.getSnapshot().filter(({ id }) => id !== current()?.id).flatMap(({ id }) => id ?? []))
    else draw.setMode('select')
    tell()
  })
  draw.setMode(MODES[kind])
  return {
    addCentre: () => {
      if (finished && kind !== 'point') return
      const { lng, lat } = map.getCenter()
      const { x, y } = map.project([lng, lat])
      const event = { lng, lat, containerX: x, containerY: y, button: 'left' as const, heldKeys: [], isContextMenu: false }
      mode.onMouseMove(event)
      mode.onClick(event)
    },
    undo: () => {
      if (!finished && 'undo' in mode) mode.undo()
      tell()
    },
    finish: () => {
      if (!finished && fixed >= (kind === 'line' ? 2 : 3)) mode.onKeyUp({ key: 'Enter', heldKeys: [], preventDefault: () => undefined })
    },
    stop: () => stopped(map, draw),
  }
}

/** The parts of a shape that can be bent: outer rings, lines, points; holes stay as they are. */
function partsOf(geometry: Geometry): { kind: Kind; coordinates: unknown; holes: Position[][] }[] {
  switch (geometry.type) {
    case 'Polygon':
      return [{ kind: 'polygon', coordinates: [geometry.coordinates[0]], holes: geometry.coordinates.slice(1) }]
    case 'MultiPolygon':
      return geometry.coordinates.map((rings) => ({ kind: 'polygon', coordinates: [rings[0]], holes: rings.slice(1) }))
    case 'LineString':
      return [{ kind: 'line', coordinates: geometry.coordinates, holes: [] }]
    case 'MultiLineString':
      return geometry.coordinates.map((line) => ({ kind: 'line', coordinates: line, holes: [] }))
    case 'Point':
      return [{ kind: 'point', coordinates: geometry.coordinates, holes: [] }]
    default:
      return []
  }
}

type Deep = number | Deep[]
const deep = (value: Deep, act: (place: Position) => Position): Deep =>
  Array.isArray(value) && typeof value[0] === 'number' ? (act(value as Position) as Deep) : (value as Deep[]).map((each) => deep(each, act))

/** Bend a shape that is there: drag its corners, add some in the middle of edges, take some away. */
export function startBending(map: MapLibreMap, theme: Theme, shape: Geometry, around: readonly Geometry[], changed: (told: Shaped) => void): Shaping | null {
  const parts = partsOf(shape)
  if (parts.length === 0) return null
  const { draw, exact } = start(map, theme, around)
  exact.learn(gridOf([shape]).places)
  const added = draw.addFeatures(
    parts.map(({ kind, coordinates }) => ({
      type: 'Feature' as const,
      properties: { mode: MODES[kind] },
      geometry: { type: TYPES[kind], coordinates: deep(coordinates as Deep, round) } as GeoJSONStoreFeatures['geometry'],
    })),
  )
  const ids = added.flatMap(({ id, valid }) => (valid && id !== undefined ? [id] : []))
  if (ids.length < parts.length) {
    stopped(map, draw)
    return null
  }
  draw.setMode('select')
  if (ids[0] !== undefined) draw.selectFeature(ids[0])

  function now(): Geometry {
    const known = new Map(draw.getSnapshot().map((feature) => [feature.id, feature.geometry]))
    const made = ids.map((id, i) => {
      const coordinates = deep((known.get(id)?.coordinates ?? []) as Deep, (place) => exact.of(place))
      return [...(parts[i]?.kind === 'polygon' ? [(coordinates as Deep[])[0] as Deep, ...(parts[i]?.holes as Deep[])] : (coordinates as Deep[]))]
    })
    const many = shape.type.startsWith('Multi')
    return { type: shape.type, coordinates: many ? made : made[0] } as Geometry
  }
  const tell = (): void => changed(toldOf(now(), true))
  const said = JSON.stringify(now())
  draw.on('change', (_, what) => what !== 'styling' && JSON.stringify(now()) !== said && tell())
  return {
    addCentre: () => {
      const [id] = ids
      if (shape.type !== 'Point' || id === undefined) return
      const { lng, lat } = map.getCenter()
      draw.updateFeatureGeometry(id, { type: 'Point', coordinates: round([lng, lat]) })
      tell()
    },
    undo: () => undefined,
    finish: tell,
    stop: () => stopped(map, draw),
  }
}
