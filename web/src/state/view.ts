/** What the reader chose; kept in the address. */
import { reactive, watch } from 'vue'

import { formatView, parseView, type View } from '@/lib/permalink'

function defaults(): View {
  return {
    camera: null,
    off: null,
    measure: null,
    window: null,
    floor: null,
    selection: null,
    lang: navigator.language.toLowerCase().startsWith('en') ? 'en' : 'zh',
    theme: matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light',
  }
}

export const view = reactive<View>(parseView(location.hash, defaults()))

/** Whether motion is to be avoided. */
export const still = matchMedia('(prefers-reduced-motion: reduce)').matches

let timer: ReturnType<typeof setTimeout> | undefined
watch(
  () => formatView(view),
  (hash) => {
    clearTimeout(timer)
    timer = setTimeout(() => history.replaceState(history.state, '', hash), 120)
  },
  { immediate: true },
)

/** Called with the new view after the reader has changed the address by hand. */
export function onAddress(moved: () => void): void {
  addEventListener('hashchange', () => {
    Object.assign(view, parseView(location.hash, { ...defaults(), lang: view.lang, theme: view.theme }))
    moved()
  })
}

