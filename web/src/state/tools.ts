/** What the map is used for beyond looking: one tool at a time has the clicks. */
import { ref } from 'vue'

import type { Shape } from '@/lib/measuring'

/** The shape that is being measured, or null. */
export const measuring = ref<Shape | null>(null)
/** Whether the map is tilted. */
export const tilted = ref(false)
