/** A short word after something was done, with the way back. */
import { shallowRef } from 'vue'

export interface Toast {
  text: string
  tone: 'ok' | 'bad'
  act: { label: string; run: () => void } | null
}

export const STAYS_MS = 8000
export const toast = shallowRef<Toast | null>(null)

let timer: ReturnType<typeof setTimeout> | undefined

export function hide(): void {
  clearTimeout(timer)
  toast.value = null
}

/** Let it stay as long as a pointer or the focus is on it. */
export const hold = (): void => clearTimeout(timer)
export function release(): void {
  clearTimeout(timer)
  timer = setTimeout(hide, STAYS_MS)
}

export function say(text: string, tone: Toast['tone'] = 'ok', act: Toast['act'] = null): void {
  toast.value = { text, tone, act }
  release()
}
