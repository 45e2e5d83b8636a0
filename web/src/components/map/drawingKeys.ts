/** Drawing without a pointer: the keys of a tool, seen before the map's own. */
import { onBeforeUnmount, onMounted, ref, type Ref } from 'vue'

import { map } from '@/state/map'

const inDialog = (target: EventTarget | null): boolean => target instanceof HTMLElement && target.closest('dialog') !== null

/**
 * Listen while the component is there, which begins with the map in focus.
 *
 * `leave` ends the tool with Escape, wherever the focus is; `acts` are the keys on the map itself.
 * Returned is whether the reader draws with keys: then the middle of the map is to be marked.
 */
export function useDrawingKeys(leave: () => void, acts: Readonly<Record<string, () => void>>): Ref<boolean> {
  const keys = ref(false)

  function key(event: KeyboardEvent): void {
    if (inDialog(event.target) || event.ctrlKey || event.metaKey) return
    const onMap = event.target === map.value?.getCanvas()
    const act = event.key === 'Escape' ? leave : onMap ? acts[event.key] : undefined
    if (onMap && (event.key === ' ' || event.key.startsWith('Arrow'))) keys.value = true
    if (!act) return
    // Else the map would turn and move.
    event.preventDefault()
    event.stopPropagation()
    act()
  }

  const pointed = (): void => void (keys.value = false)

  onMounted(() => {
    addEventListener('keydown', key, { capture: true })
    addEventListener('pointerdown', pointed, { capture: true })
    map.value?.getCanvas().focus()
  })
  onBeforeUnmount(() => {
    removeEventListener('keydown', key, { capture: true })
    removeEventListener('pointerdown', pointed, { capture: true })
  })
  return keys
}
