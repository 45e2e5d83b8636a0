/** The print of the view: the map's picture as it was when asked for, and what stands beside it. */
import type { Map as MapLibreMap } from 'maplibre-gl'
import { nextTick, ref, shallowRef } from 'vue'

import { scaleBar, type Bar } from '@/lib/measuring'
import { uncovered } from '@/lib/printing'
import { until } from '@/lib/until'

import { covered, drawnTheme, map, onPaper } from './map'
import { now } from './service'
import { view } from './view'

export interface Printed {
  /** Address of the picture. */
  picture: string
  width: number
  height: number
  /** How long the bar is, as a share of the picture's width. */
  bar: Bar & { share: number }
  bearing: number
  pitch: number
  /** The service's clock, milliseconds since 1970. */
  moment: number
}

export const printed = shallowRef<Printed | null>(null)
export const printing = ref(false)

/** Dots of the picture to one CSS pixel: what a printer can show of a map of this size. */
const RATIO = 2
const PATIENCE_MS = 8000
/** How long the light style may take to come. */
const STYLE_MS = 20_000

/** Draw the map finer than a screen needs and call `take` in the frame in which it is complete. */
async function drawn<T>(target: MapLibreMap, take: () => T): Promise<T> {
  const before = target.getPixelRatio()
  const ratio = Math.max(before, RATIO)
  const settled = new Promise<void>((done) => {
    const late = setTimeout(done, PATIENCE_MS)
    void target.once('idle', () => {
      clearTimeout(late)
      done()
    })
  })
  if (ratio !== before) target.setPixelRatio(ratio)
  target.triggerRepaint()
  await settled
  // A picture can be taken of a frame only while it is being drawn.
  const taken = new Promise<T>((done) => void target.once('render', () => done(take())))
  target.triggerRepaint()
  const found = await taken
  if (ratio !== before) target.setPixelRatio(before)
  return found
}

/** The part of the map that no panel covers, copied out of the frame. */
function copied(target: MapLibreMap): { paper: HTMLCanvasElement; width: number; height: number } {
  const canvas = target.getCanvas()
  const ratio = canvas.width / canvas.clientWidth
  const box = uncovered(canvas.width, canvas.height, { ...covered(), top: 0, bottom: 0 }, ratio)
  const paper = document.createElement('canvas')
  paper.width = box.width
  paper.height = box.height
  paper.getContext('2d')?.drawImage(canvas, box.left, box.top, box.width, box.height, 0, 0, box.width, box.height)
  return { paper, width: box.width / ratio, height: box.height / ratio }
}

/** Metres to a CSS pixel in the middle of the map. */
function metresPerPixel(target: MapLibreMap): number {
  const { lat } = target.getCenter()
  return (Math.cos((lat * Math.PI) / 180) * 40_075_016.686) / (512 * 2 ** target.getZoom())
}

/** The picture of the map in its light style; the page's own comes back once it is taken. */
async function onLight<T>(target: MapLibreMap, take: () => T): Promise<T> {
  onPaper.value = true
  try {
    // A dark picture is none for paper: rather no print than that one.
    if (!(await until(() => drawnTheme.value === 'light', STYLE_MS))) throw new Error('the light style did not come')
    return await drawn(target, take)
  } finally {
    onPaper.value = false
  }
}

async function prepare(target: MapLibreMap): Promise<Printed> {
  const { paper, width, height } = await onLight(target, () => copied(target))
  const picture = await new Promise<Blob | null>((done) => paper.toBlob(done, 'image/png'))
  if (!picture) throw new Error('the map gave no picture')
  const bar = scaleBar(metresPerPixel(target), width / 5)
  if (printed.value) URL.revokeObjectURL(printed.value.picture)
  return {
    picture: URL.createObjectURL(picture),
    width,
    height,
    bar: { ...bar, share: bar.pixels / width },
    bearing: target.getBearing(),
    pitch: target.getPitch(),
    moment: view.at === null ? now.value : Date.parse(view.at),
  }
}

/** Called before the sheet is made, to fetch what else stands on it. */
const preparations: (() => Promise<void>)[] = []
export function beforePrinting(action: () => Promise<void>): void {
  preparations.push(action)
}

export async function print(): Promise<void> {
  const target = map.value
  if (!target || printing.value) return
  printing.value = true
  try {
    const [sheet] = await Promise.all([prepare(target), ...preparations.map((action) => action())])
    printed.value = sheet
    await nextTick()
    await Promise.all([...document.querySelectorAll<HTMLImageElement>('.print-sheet img')].map((image) => image.decode()))
    window.print()
  } finally {
    printing.value = false
  }
}
