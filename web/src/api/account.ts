/** What the service tells of accounts, and takes to change them. */
import type { Text } from './types'

export interface Body {
  id: number
  name: string | null
}

export interface Grant {
  role: string
  body: Body | null
  layers: string[] | null
  valid_until: string | null
}

export interface Me {
  account: { id: number; login: string; name: string; kind: 'person' | 'service'; password: boolean; second_factor: boolean } | null
  roles: { name: string; title: Text }[]
  grants: Grant[]
  /** What must be done before anything else is answered. */
  wanting: 'password' | 'second_factor' | null
  csrf: string | null
  session: { id: number; since: string; ends_at: string; over_s: number; idle_s: number } | null
  may: { administer: boolean; audit: boolean }
  /** Why the session of this browser has ended. */
  ended: { why: string; text: string } | null
  anonymous: 'public' | 'estate' | 'refuse'
  sign_in: {
    password: boolean
    single_sign_on: string | null
    demo: string[]
    rules: { length: number; classes: number; passphrase: number; remembered: number }
  }
}

export interface SignIn {
  login: string
  password: string
  code?: string
}

export interface Session {
  id: number
  method: string
  created_at: string
  seen_at: string
  address: string | null
  agent: string | null
  current: boolean
  login?: string
  name?: string
}

export interface Sessions {
  sessions: Session[]
}

export interface Token {
  id: number
  name: string
  scope: 'read' | 'edit'
  layers: string[] | null
  created_at: string
  expires_at: string | null
  revoked_at: string | null
  used_at: string | null
  login?: string
  account?: string
}

export interface Tokens {
  tokens: Token[]
}

export interface NewToken {
  name: string
  scope: 'read' | 'edit'
  layers: string[] | null
  expires_at: string
}

export interface HeldGrant extends Grant {
  id: number
  origin: 'hand' | 'group'
  granted_by: string | null
  granted_at: string
  /** Whether its time is over. */
  over: boolean
}

export interface Account {
  id: number
  login: string
  name: string
  kind: 'person' | 'service'
  password: boolean
  must_change: boolean
  second_factor: boolean
  external: boolean
  locked_until: string | null
  disabled_at: string | null
  created_at: string
  created_by: string | null
  seen_at: string | null
  grants: HeldGrant[]
}

export interface AccountsOfAll {
  accounts: Account[]
  roles: Record<string, Text>
  may_change: boolean
}

export interface TreeBody {
  id: number
  name: string
  code: string | null
  parent: number | null
  grants: number
}

export interface Bodies {
  bodies: TreeBody[]
}

export interface NewAccount {
  login: string
  name: string
  kind: 'person' | 'service'
}

export interface NewGrant {
  role: string
  body_id: number | null
  layers: string[] | null
  valid_until: string | null
}
