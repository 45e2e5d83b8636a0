/** MapLibre as this page uses it: its worker, its requests, its texts. */
import {
  Map as MapLibreMap,
  prewarm,
  ScaleControl,
  setWorkerUrl,
  type StyleSpecification,
} from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'

import { address, asked } from '@/api/client'
import type { Bounds } from '@/api/types'
import type { Camera } from '@/lib/permalink'

setWorkerUrl(new URL(workerUrl, import.meta.url).href)
// The worker is on its way while the page asks what there is to draw.
prewarm()

/** Whether this browser can draw the map. */
export function canDraw(): boolean {
  try {
    return document.createElement('canvas').getContext('webgl2') !== null
  } catch {
    return false
  }
}

/** A tile as the chosen body sees it, and as it was recorded at the chosen moment. */
function asAsked(url: string): string {
  if (!url.includes('/tiles/')) return url
  return Object.entries(asked).reduce<string>(
    (whole, [name, value]) =>
      value === null || new RegExp(`[?&]${name}=`).test(whole)
        ? whole
        : `${whole}${whole.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(value)}`,
    url,
  )
}

export interface Start {
  container: HTMLElement
  style: StyleSpecification
  camera: Camera | null
  bounds: Bounds | null
  padding: { top: number; right: number; bottom: number; left: number }
  title: string
  still: boolean
  /** How much larger than on a desk what is written is. */
  scale: number
}

export function createMap(start: Start): MapLibreMap {
  const place = start.camera
    ? {
        center: [start.camera.lon, start.camera.lat] as [number, number],
        zoom: start.camera.zoom,
        bearing: start.camera.bearing,
        pitch: start.camera.pitch,
      }
    : start.bounds
      ? { bounds: start.bounds, fitBoundsOptions: { padding: start.padding } }
      : { center: [116.4, 39.9] as [number, number], zoom: 3 }
  const map = new MapLibreMap({
    container: start.container,
    style: start.style,
    ...place,
    maxZoom: 22,
    maxPitch: 60,
    attributionControl: { compact: true },
    fadeDuration: start.still ? 0 : 150,
    // Paths of the style are the service's own; MapLibre wants whole addresses.
    transformRequest: (url) => ({ url: asAsked(url.startsWith('/') ? address(url) : url) }),
    locale: { 'Map.Title': start.title },
  })
  map.addControl(new ScaleControl({ maxWidth: 96 * start.scale }), 'bottom-right')
  map.touchZoomRotate.disableRotation()
  return map
}
