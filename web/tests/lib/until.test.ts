import { expect, it, vi } from 'vitest'
import { ref } from 'vue'

import { until } from '@/lib/until'

it('waits for what the state will say, no longer than it may', async () => {
  vi.useFakeTimers()
  const theme = ref<string | null>(null)
  expect(await until(() => theme.value === null, 10)).toBe(true)

  const light = until(() => theme.value === 'light', 1000)
  theme.value = 'dark'
  await vi.advanceTimersByTimeAsync(900)
  theme.value = 'light'
  expect(await light).toBe(true)

  const never = until(() => theme.value === 'dark', 1000)
  await vi.advanceTimersByTimeAsync(1000)
  expect(await never).toBe(false)
  vi.useRealTimers()
})
