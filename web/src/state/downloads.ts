/** Files that are on their way to the reader's disk. */
import { ref } from 'vue'

import { Refused, request, Unreachable } from '@/api/client'

export interface Download {
  name: string
  /** Bytes that came so far. */
  got: number
}

export const downloading = ref<Download | null>(null)
/** What became of the last one; `message` is the service's, where it refused. */
export const downloaded = ref<{ name: string; message: string | null } | null>(null)

/** The name that the service gives the file, else `fallback`. */
export function nameOf(disposition: string | null, fallback: string): string {
  const star = /filename\*=UTF-8''([^;]+)/i.exec(disposition ?? '')?.[1]
  if (star) return decodeURIComponent(star)
  return /filename="?([^";]+)"?/i.exec(disposition ?? '')?.[1] ?? fallback
}

function save(parts: BlobPart[], type: string, name: string): void {
  const url = URL.createObjectURL(new Blob(parts, { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser reads the blob after this turn.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

/** Fetch a file, tell how far it is, and hand it to the browser. */
export async function download(url: URL, fallback: string): Promise<void> {
  downloaded.value = null
  downloading.value = { name: fallback, got: 0 }
  try {
    const response = await request(url)
    const name = nameOf(response.headers.get('Content-Disposition'), fallback)
    const parts: BlobPart[] = []
    let got = 0
    const reader = response.body?.getReader()
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      parts.push(part.value)
      got += part.value.length
      downloading.value = { name, got }
    }
    save(parts, response.headers.get('Content-Type') ?? 'application/octet-stream', name)
    downloaded.value = { name, message: null }
  } catch (error) {
    if (error instanceof Refused) downloaded.value = { name: fallback, message: error.message }
    // A stream that breaks off is a network that was lost: the browser says so by a TypeError.
    else if (error instanceof Unreachable || error instanceof TypeError) downloaded.value = { name: fallback, message: '' }
    else throw error
  } finally {
    downloading.value = null
  }
}
