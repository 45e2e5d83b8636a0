/** As much of a browser as the page's state asks for when it is loaded. */
import { vi } from 'vitest'

export function openAt(hash: string): void {
  const listening = { addEventListener: vi.fn(), removeEventListener: vi.fn() }
  vi.resetModules()
  vi.stubGlobal('location', { hash, href: `http://page.test/${hash}`, origin: 'http://page.test' })
  vi.stubGlobal('document', { baseURI: 'http://page.test/', createElement: () => ({}) })
  vi.stubGlobal('history', { state: null, pushState: vi.fn(), replaceState: vi.fn() })
  vi.stubGlobal('matchMedia', () => ({ matches: false, ...listening }))
  vi.stubGlobal('addEventListener', listening.addEventListener)
  // Nothing answers: what the state asks of the service is put in place by the test.
  vi.stubGlobal('fetch', () => new Promise(() => undefined))
}
