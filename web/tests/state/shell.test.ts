import { afterEach, describe, expect, it, vi } from 'vitest'

import type { Catalogue } from '@/api/types'

import { openAt } from './browser'

const spaces = [
  { name: 'network', layers: ['nodes', 'ducts', 'sites'] },
  { name: 'energy', layers: ['meters', 'sites'] },
]
const drawn = [['sites', true], ['roads', true], ['nodes', false], ['ducts', false], ['meters', false]] as const

async function page(hash: string) {
  openAt(hash)
  const { catalogue } = await import('@/state/service')
  const { workspaces } = await import('@/state/workspaces')
  workspaces.value = spaces as never
  catalogue.value = { layers: drawn.map(([name, shown]) => ({ name, shown })) } as unknown as Catalogue
  const { off, toggleLayer } = await import('@/state/choice')
  const { openSpace } = await import('@/state/shell')
  const { view } = await import('@/state/view')
  return { off: () => [...off.value].sort(), toggleLayer, openSpace, view }
}

afterEach(() => vi.unstubAllGlobals())

describe('the layers that are drawn', () => {
  it('are those of the catalogue where nothing is said', async () => {
    const { off } = await page('#lang=zh')
    expect(off()).toEqual(['ducts', 'meters', 'nodes'])
  })

  it('are those of the workspace too that a link names', async () => {
    const { off, view } = await page('#space=network')
    expect(off()).toEqual(['meters'])
    expect(view.off).toBeNull()
  })

  it('are what a link says where it says it', async () => {
    const { off } = await page('#space=network&off=roads')
    expect(off()).toEqual(['roads'])
    expect((await page('#space=network&off=nodes')).off()).toEqual(['nodes'])
  })

  it('follow from one workspace to the next', async () => {
    const { off, openSpace, view } = await page('#space=network')
    openSpace('energy')
    expect(off()).toEqual(['ducts', 'nodes'])
    openSpace(null)
    expect(off()).toEqual(['ducts', 'meters', 'nodes'])
    expect(view.off).toBeNull()
  })

  it('leave with their workspace though the reader switched another', async () => {
    const { off, openSpace, toggleLayer } = await page('#space=network')
    toggleLayer('roads')
    expect(off()).toEqual(['meters', 'roads'])
    openSpace('energy')
    expect(off()).toEqual(['ducts', 'nodes', 'roads'])
    openSpace(null)
    expect(off()).toEqual(['ducts', 'meters', 'nodes', 'roads'])
  })

  it('stay where the reader switched them on', async () => {
    const { off, openSpace, toggleLayer } = await page('#lang=zh')
    toggleLayer('ducts')
    openSpace('network')
    openSpace(null)
    expect(off()).toEqual(['meters', 'nodes'])
  })
})
