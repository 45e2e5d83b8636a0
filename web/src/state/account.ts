/** Who is signed in here, until when, and what is asked of that person before anything else. */
import { computed, ref, shallowRef, watch } from 'vue'

import { api, known, Refused, Unreachable } from '@/api/client'
import type { Me } from '@/api/account'
import { ending, type Ending } from '@/lib/session'

import { anew, catalogue, load, onReturn, report, trouble } from './service'
import { view } from './view'

export const me = shallowRef<Me | null>(null)
/** Whether the page may show the estate: who asks is known, and nothing is asked of that person. */
export const entered = ref(false)
/** Why the way in stands open by itself; null while nobody was shown out. */
export const shownOut = shallowRef<string | null>(null)

/** That the session ends soon, and why; null while it does not, or while it was told. */
export const leaving = shallowRef<Ending | null>(null)

export type Desk = 'sign-in' | 'password' | 'second_factor' | 'tokens' | 'sessions' | null
export const desk = ref<Desk>(null)

export const account = computed(() => me.value?.account ?? null)
/** Whether whoever signed in changes nothing: what waits for somebody's decision is not asked for. */
export const looksOnly = computed(() => account.value !== null && catalogue.value?.edits === false)
/** Whether there is any way in at all. */
export const hasWayIn = computed(() => me.value !== null && (me.value.sign_in.password || me.value.sign_in.single_sign_on !== null))
/** Whether nothing is to be seen without signing in. */
export const mustSignIn = computed(() => me.value?.anonymous === 'refuse' && account.value === null)

/** Whether the provider of single sign-on sent somebody back whom the service did not take. */
export const turnedAway = new URLSearchParams(location.search).has('refused')
if (turnedAway) history.replaceState(history.state, '', location.pathname + location.hash)

const USED = 'onemap.used'
const LOOK_MS = 5_000
/** So often a session that somebody uses without asking the service for anything is kept. */
const KEEP_MS = 5 * 60_000

/** Ask who one is; what is wanting opens its own dialogue. */
export async function learn(): Promise<Me | null> {
  try {
    const found = await api.me(view.lang)
    me.value = found
    known.csrf = found.csrf
    if (found.ended) shownOut.value = found.ended.text
    if (turnedAway && !found.account) desk.value = 'sign-in'
    if (found.wanting) desk.value = found.wanting
    else if (found.ended || (found.anonymous === 'refuse' && !found.account)) desk.value = 'sign-in'
    entered.value = entered.value || (!found.wanting && (found.account !== null || found.anonymous !== 'refuse'))
    return found
  } catch (error) {
    if (!(error instanceof Unreachable || error instanceof Refused)) throw error
    report(error)
    return null
  }
}

/** Open the page: first who one is, then the estate. */
export async function enter(): Promise<void> {
  const found = await learn()
  if (found === null) {
    // The service is away: once it answers, the page begins anew.
    entered.value = true
    await load()
  } else if (entered.value) await load()
}

onReturn(() => {
  if (me.value === null) void learn()
})

/** Come in. True when a code of the second factor is wanted beside. */
export async function signIn(login: string, password: string, code: string): Promise<'in' | 'code'> {
  const before = account.value?.login ?? null
  const given = code ? { login, password, code } : { login, password }
  const { step } = await api.signIn(given, view.lang)
  if (step === 'in') await arrived(before)
  return step
}

/** After one came in: the same person goes on, for another everything is another's. */
async function arrived(before: string | null): Promise<void> {
  const found = await learn()
  if (!found?.account) return
  shownOut.value = null
  trouble.value = null
  note()
  if (found.wanting) return
  desk.value = null
  // The address is kept: whoever comes in sees the view that was looked at.
  if (before !== found.account.login) location.reload()
  else anew()
}

/** What was wanting is done. */
export async function settle(): Promise<void> {
  const had = entered.value
  const found = await learn()
  if (!found || found.wanting) return
  desk.value = null
  if (had) anew()
  else location.reload()
}

export async function signOut(): Promise<void> {
  try {
    await api.signOut(view.lang)
  } catch (error) {
    report(error)
    return
  }
  location.reload()
}

/** Look at what anybody may see, after the session has ended. */
export async function goOnWithout(): Promise<void> {
  await signOut()
}

/** Bring the way in back, where the service no longer knows this page. */
let lapsing: Promise<unknown> | null = null
known.lapsed = ({ problem }) => {
  lapsing ??= (async () => {
    const before = account.value
    const found = await api.me(view.lang).catch(() => null)
    if (!found) return
    known.csrf = found.csrf
    if (found.account && found.account.login === before?.login) {
      // Another page of this browser signed in again.
      me.value = found
      if (found.wanting) desk.value = found.wanting
      return
    }
    if (found.account && problem.reason === 'csrf') return location.reload()
    if (found.ended) shownOut.value = found.ended.text
    // Whoever was signed in is remembered, so that the same person goes on where it stopped.
    if (before === null) me.value = found
    desk.value = 'sign-in'
  })().finally(() => (lapsing = null))
}

function note(): void {
  try {
    localStorage.setItem(USED, String(Date.now()))
  } catch {
    // Not kept: other pages of this browser do not know of it.
  }
  used = Date.now()
}

/** When the session ends in any case, by this browser's clock: only what is left is the service's word. */
let over = Infinity
/** The end of which was said that it is known. */
let heard = Infinity
watch(
  me,
  (found) => {
    over = found?.session ? Date.now() + found.session.over_s * 1000 : Infinity
  },
  { flush: 'sync' },
)

/** Stay signed in. */
export async function goOn(): Promise<void> {
  note()
  await keep()
  leaving.value = null
}

/** Say that the end in any case is known. */
export function hear(): void {
  heard = over
  leaving.value = null
}

/** Let the service know that somebody is there; where it does not answer, it is tried again. */
async function keep(): Promise<void> {
  const before = kept
  kept = Date.now()
  if ((await learn()) === null) kept = before
}

let used = Date.now()
let kept = Date.now()

function lastUsed(): number {
  try {
    return Math.max(used, Number(localStorage.getItem(USED)) || 0)
  } catch {
    return used
  }
}

// What the page asks by itself keeps no session alive: only a person does.
let noted = 0
for (const kind of ['pointerdown', 'keydown', 'wheel'] as const) {
  addEventListener(
    kind,
    () => {
      if (Date.now() - noted < 5000) return
      noted = Date.now()
      note()
    },
    { capture: true, passive: true },
  )
}

setInterval(() => {
  const session = me.value?.session
  if (!session || desk.value === 'sign-in') {
    leaving.value = null
    return
  }
  const [now, whole] = [Date.now(), session.idle_s * 1000]
  const idle = now - lastUsed()
  const keeping = Math.min(KEEP_MS, whole / 3)
  const soon = ending({ idle: whole, used: lastUsed(), over }, now)
  // Asked again, the service tells what is left anew, to the second.
  leaving.value = soon?.why === 'over' && Math.abs(over - heard) < 5000 ? null : soon
  if (idle >= whole) void lapse()
  else if (idle < keeping && now - kept >= keeping) void keep()
}, LOOK_MS)

/** End a session that nobody uses. */
async function lapse(): Promise<void> {
  const before = me.value
  if (!before) return
  await api.signOut(view.lang).catch(() => undefined)
  shownOut.value = ''
  desk.value = 'sign-in'
}
