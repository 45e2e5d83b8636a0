/** The icons of the rail. */
import type { IconName } from '@/components/Icon.vue'

const ICONS: Record<string, IconName> = {
  assets: 'box',
  space: 'building',
  fleet: 'car',
  energy: 'bolt',
  network: 'nodes',
  cockpit: 'gauge',
  layers: 'layers',
  administration: 'people',
}

export const iconOf = (space: string | null): IconName => (space === null ? 'house' : (ICONS[space] ?? 'table'))
