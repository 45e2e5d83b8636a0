/** What administration shows: all accounts, the tree of bodies, sessions, tokens. */
import { computed, ref, shallowRef } from 'vue'

import type { Account, HeldGrant, Session, Token, TreeBody } from '@/api/account'
import { api } from '@/api/client'
import { tr } from '@/lib/format'
import type { Text } from '@/api/types'

import { me } from './account'
import { view } from './view'

export type Tab = 'audit' | 'accounts' | 'bodies' | 'sessions' | 'tokens'
const OF_ALL: Tab[] = ['accounts', 'bodies', 'sessions', 'tokens']
/** What was done is for the auditor alone, and comes first there. */
export const tabs = computed<Tab[]>(() => (me.value?.may.audit ? ['audit', ...OF_ALL] : OF_ALL))
const chosen = ref<Tab | null>(null)
export const tab = computed<Tab>({
  get: () => (chosen.value && tabs.value.includes(chosen.value) ? chosen.value : tabs.value[0]!),
  set: (wanted) => (chosen.value = wanted),
})

export const accounts = shallowRef<Account[] | null>(null)
export const roles = shallowRef<Record<string, Text>>({})
export const mayChange = ref(false)
export const bodies = shallowRef<TreeBody[] | null>(null)
export const sessions = shallowRef<Session[] | null>(null)
export const tokens = shallowRef<Token[] | null>(null)

export const bodyById = computed(() => new Map((bodies.value ?? []).map((body) => [body.id, body])))
/** The bodies directly below one; `null` has the roots. */
export const below = computed(() => {
  const found = new Map<number | null, TreeBody[]>()
  for (const body of bodies.value ?? []) {
    const parent = body.parent !== null && bodyById.value.has(body.parent) ? body.parent : null
    found.set(parent, [...(found.get(parent) ?? []), body])
  }
  return found
})

export const roleName = (role: string): string => tr(roles.value[role], view.lang) || role

/** A body and those above it, from itself up. */
export function upFrom(id: number): TreeBody[] {
  const found: TreeBody[] = []
  for (let body = bodyById.value.get(id); body && !found.includes(body); body = body.parent === null ? undefined : bodyById.value.get(body.parent)) found.push(body)
  return found
}

/** Who holds a grant that reaches a body without being over the whole estate. */
export function heldOver(id: number): { account: Account; grant: HeldGrant; from: TreeBody }[] {
  const reach = new Map(upFrom(id).map((body) => [body.id, body]))
  return (accounts.value ?? []).flatMap((account) =>
    account.disabled_at
      ? []
      : account.grants.flatMap((grant) => {
          const from = grant.body && !grant.over ? reach.get(grant.body.id) : undefined
          return from ? [{ account, grant, from }] : []
        }),
  )
}

export async function loadAccounts(): Promise<void> {
  const found = await api.accounts(view.lang)
  accounts.value = found.accounts
  roles.value = found.roles
  mayChange.value = found.may_change
}

export async function loadBodies(): Promise<void> {
  bodies.value = (await api.bodies(view.lang)).bodies
}

export async function loadTab(): Promise<void> {
  if (tab.value === 'audit') return // it asks by itself
  if (tab.value === 'sessions') sessions.value = (await api.allSessions(view.lang)).sessions
  else if (tab.value === 'tokens') tokens.value = (await api.allTokens(view.lang)).tokens
  else await Promise.all([loadAccounts(), loadBodies()])
}
