/** What the map is used for beyond looking: one tool at a time has the clicks. */
import { computed, ref, shallowRef } from 'vue'

import type { Feature } from '@/api/types'
import type { Shape } from '@/lib/measuring'

/** What is done to shapes: a thing's own, a new one, or a choice of many. */
export type Task =
  | { kind: 'reshape' | 'split' | 'merge' | 'place'; feature: Feature }
  | { kind: 'draw'; layer: string }
  | { kind: 'box' }

/** The shape that is being measured, or null. */
export const measuring = ref<Shape | null>(null)
/** What is being done to shapes, or null. */
export const task = shallowRef<Task | null>(null)
/** What the drawn shape is of, while it is neither saved nor given up. */
export const shaped = ref<string | null>(null)
/** Whether a tool has the clicks: then they select nothing. */
export const taken = computed(() => measuring.value !== null || task.value !== null)
/** Whether the map is tilted. */
export const tilted = ref(false)
