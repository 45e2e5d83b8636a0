/** Numbers, dates and texts as people read them. */
import type { Language, Text } from '@/api/types'

export const tr = (text: Text | string | null | undefined, lang: Language): string =>
  typeof text === 'string' ? text : (text?.[lang] ?? text?.zh ?? '')

const tags: Record<Language, string> = { zh: 'zh-CN', en: 'en-GB' }

/** A number with the digits that its size asks for: 1,234 · 12.3 · 0.0456. */
export function number(value: number, lang: Language): string {
  const size = Math.abs(value)
  const options: Intl.NumberFormatOptions =
    Number.isInteger(value) || size >= 1000
      ? { maximumFractionDigits: 0 }
      : size >= 1
        ? { maximumFractionDigits: 1 }
        : { maximumSignificantDigits: 3 }
  return new Intl.NumberFormat(tags[lang], options).format(value)
}

/**
 * Numbers that bound classes, with as many decimals as it takes to tell all of them apart, and
 * at least as many as `number` gives the smallest step between them.
 */
export function bounds(values: readonly number[], lang: Language): (value: number) => string {
  const rising = [...new Set(values)].sort((a, b) => a - b)
  const written = (value: number, digits: number): string =>
    new Intl.NumberFormat(tags[lang], {
      minimumFractionDigits: value === 0 ? 0 : digits,
      maximumFractionDigits: digits,
    }).format(value)
  for (let digits = 0; digits < 6; digits += 1) {
    const step = 10 ** -digits
    const apart = rising.every((value, i) => i === 0 || value - (rising[i - 1] ?? 0) >= step)
    // Half a step off the true bound would put features into the wrong class on paper.
    const close = rising.every((value) => Math.abs(Number(value.toFixed(digits)) - value) <= Math.abs(value) * 0.02)
    if (apart && close) return (value) => written(value, digits)
  }
  return (value) => written(value, 6)
}

/** All the digits that were stored (to a thousandth), for a fact that may be checked. */
export function exact(value: number, lang: Language): string {
  return new Intl.NumberFormat(tags[lang], { maximumFractionDigits: 3 }).format(value)
}

export function moment(value: string | number | Date, zone: string, lang: Language, seconds = false): string {
  // Swedish writes dates as ISO does, which is how tables and files here write them.
  return new Intl.DateTimeFormat(lang === 'zh' ? 'sv-SE' : tags.en, {
    timeZone: zone,
    year: 'numeric',
    month: lang === 'zh' ? '2-digit' : 'short',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    ...(seconds ? { second: '2-digit' } : {}),
    hourCycle: 'h23',
  }).format(new Date(value))
}

/** The age of a moment, in the largest unit that fits: “3 天前”, “2 hours ago”. */
export function age(value: string, now: number, lang: Language): string {
  const seconds = (new Date(value).getTime() - now) / 1000
  const format = new Intl.RelativeTimeFormat(tags[lang], { numeric: 'always' })
  const units: [Intl.RelativeTimeFormatUnit, number][] = [
    ['year', 31_557_600],
    ['month', 2_629_800],
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ]
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit)
  }
  return format.format(Math.trunc(seconds), 'second')
}

/** The calendar day of a moment in a time zone, `YYYY-MM-DD`. */
export function day(value: string | number | Date, zone: string): string {
  return new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).format(new Date(value))
}

/** The size of a file: “12.3 MB”. */
export function bytes(value: number, lang: Language): string {
  const [size, unit] = value >= 1e6 ? [value / 1e6, 'MB'] : [value / 1e3, 'kB']
  return `${new Intl.NumberFormat(tags[lang], { maximumFractionDigits: 1 }).format(size)} ${unit}`
}
