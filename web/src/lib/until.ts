/** Waiting for what the page's state will say. */
import { watch } from 'vue'

/** Whether `is` held within `ms` milliseconds; answered as soon as it does. */
export function until(is: () => boolean, ms: number): Promise<boolean> {
  return new Promise((settle) => {
    const end = (held: boolean): void => {
      clearTimeout(late)
      stop()
      settle(held)
    }
    const late = setTimeout(() => end(false), ms)
    // Asked again in its own time: what is waited for may hold from the start.
    const stop = watch(is, (held) => held && end(true), { flush: 'sync' })
    if (is()) end(true)
  })
}
