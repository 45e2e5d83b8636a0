/** Pictures of the map, drawn from paths: the style names them, and they are made when it does. */
import type { Map as MapLibreMap } from 'maplibre-gl'

interface Drawing {
  /** SVG path data in a square of 24 units. */
  path: string
  fill: string
  edge: string
  /** A sign in the middle, in the colour of the edge. */
  sign?: string
}

const DROP = 'M12 2.5a7.5 7.5 0 0 1 7.5 7.5c0 5-7.5 11.5-7.5 11.5S4.5 15 4.5 10A7.5 7.5 0 0 1 12 2.5Z'
const TRIANGLE = 'M12 2.5 22 20.5H2L12 2.5Z'
const DIAMOND = 'M12 1.5 22.5 12 12 22.5 1.5 12 12 1.5Z'
const ARROW = 'M12 2 20 21 12 17 4 21Z'
const BANG = 'M11 8h2v6h-2zM11 15.5h2v2h-2z'
const BANG_MIDDLE = 'M11 6.5h2v7h-2zM11 15.5h2v2h-2z'
const DOT = 'M12 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z'

/** Tones differ in shape as well as in colour. */
const DRAWINGS: Record<string, Drawing> = {
  'mark-bad': { path: DIAMOND, fill: '#d64545', edge: '#ffffff', sign: BANG_MIDDLE },
  'mark-attention': { path: TRIANGLE, fill: '#e0a100', edge: '#1f2933', sign: BANG },
  'mark-neutral': { path: DROP, fill: '#1f5fbf', edge: '#ffffff', sign: DOT },
  car: { path: ARROW, fill: '#1f5fbf', edge: '#ffffff' },
  'car-dark': { path: ARROW, fill: '#7fb2ff', edge: '#0d1013' },
}

const RATIO = 3

/** The picture of a name, or null where there is none. */
function drawn(name: string): ImageData | null {
  const drawing = DRAWINGS[name]
  const size = 28 * RATIO
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = size
  const paper = canvas.getContext('2d')
  if (!drawing || !paper) return null
  paper.scale(RATIO, RATIO)
  paper.translate(2, 2)
  const shape = new Path2D(drawing.path)
  paper.lineJoin = 'round'
  paper.lineWidth = 3
  paper.strokeStyle = drawing.edge
  paper.stroke(shape)
  paper.fillStyle = drawing.fill
  paper.fill(shape)
  if (drawing.sign) {
    paper.fillStyle = drawing.edge
    paper.fill(new Path2D(drawing.sign))
  }
  return paper.getImageData(0, 0, size, size)
}

/** Make a picture whenever the style asks for one that it does not have. */
export function drawIcons(map: MapLibreMap): void {
  map.setMissingStyleImageResolver((id) => {
    const picture = drawn(id)
    if (picture && !map.hasImage(id)) map.addImage(id, picture, { pixelRatio: RATIO })
  })
}
