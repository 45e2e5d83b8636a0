/** What the reader chose; kept in the address. */
import { reactive, watch } from 'vue'

import { asked } from '@/api/client'
import { formatView, parseView, stepOf, type View } from '@/lib/permalink'

const REMEMBERED = 'onemap.unit'

function defaults(): View {
  return {
    camera: null,
    space: null,
    list: null,
    sort: null,
    find: null,
    where: null,
    place: null,
    table: false,
    columns: null,
    unit: null,
    stack: null,
    trip: null,
    at: null,
    since: null,
    off: null,
    measure: null,
    window: null,
    floor: null,
    selection: null,
    lang: navigator.language.toLowerCase().startsWith('en') ? 'en' : 'zh',
    theme: matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light',
  }
}

/** The unit that was chosen here last; a browser may forbid that anything is kept. */
function remembered(): number | null {
  try {
    const kept = Number(localStorage.getItem(REMEMBERED))
    return Number.isInteger(kept) && kept > 0 ? kept : null
  } catch {
    return null
  }
}

// A link shows what it says; only who comes without one finds the unit that was chosen last.
const start = defaults()
/** Whether the address that was opened says in which theme the page is to be shown. */
export const themed = /[#&]theme=(light|dark)/.test(location.hash)
/** Whether the reader came without a link. */
export const fresh = location.hash === ''
export const view = reactive<View>(
  parseView(location.hash, fresh ? { ...start, unit: remembered() } : start),
)

/** Whether motion is to be avoided. */
export const still = matchMedia('(prefers-reduced-motion: reduce)').matches

let timer: ReturnType<typeof setTimeout> | undefined
let step = stepOf(view)
history.replaceState(history.state, '', formatView(view))
watch(
  () => formatView(view),
  (hash) => {
    clearTimeout(timer)
    const now = stepOf(view)
    if (now !== step) {
      step = now
      history.pushState(null, '', hash)
    } else timer = setTimeout(() => history.replaceState(history.state, '', hash), 120)
  },
)

asked.at = view.at
watch(() => view.at, (at) => (asked.at = at), { flush: 'sync' })

asked.unit = view.unit
watch(
  () => view.unit,
  (unit) => {
    asked.unit = unit
    try {
      if (unit === null) localStorage.removeItem(REMEMBERED)
      else localStorage.setItem(REMEMBERED, String(unit))
    } catch {
      // Not kept: the unit stays in the address.
    }
  },
  { flush: 'sync' },
)

const moves: (() => void)[] = []
addEventListener('popstate', () => {
  clearTimeout(timer)
  const { lang, theme } = view
  Object.assign(view, parseView(location.hash, { ...defaults(), lang, theme }))
  step = stepOf(view)
  moves.forEach((moved) => moved())
})

/** Called with the new view after the reader went back or forth, or wrote another address. */
export function onAddress(moved: () => void): void {
  moves.push(moved)
}
