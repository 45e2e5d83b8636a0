/** Searches of late, kept in this browser alone. */
import { ref } from 'vue'

import { remembered } from '@/lib/finding'

const KEY = 'onemap.searches'

function kept(): string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(found) ? found.filter((each) => typeof each === 'string') : []
  } catch {
    // Nothing is kept where the browser forbids it, or what is there is not ours.
    return []
  }
}

export const recent = ref<string[]>(kept())

function keep(): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(recent.value))
  } catch {
    // They last as long as the page is open.
  }
}

export function remember(query: string): void {
  recent.value = remembered(recent.value, query)
  keep()
}

export function forget(): void {
  recent.value = []
  keep()
}
