/** Numbers, dates and texts as people read them. */
import { shallowRef } from 'vue'

import type { Language, Text } from '@/api/types'

export const tr = (text: Text | string | null | undefined, lang: Language): string =>
  typeof text === 'string' ? text : (text?.[lang] ?? text?.zh ?? '')

/** The word for what is counted; English has another for one thing: “2 bodies”, “1 body”. */
export function counted(unit: Text | string | null | undefined, count: number | null, lang: Language): string {
  const word = tr(unit, lang)
  if (lang !== 'en' || count !== 1) return word
  if (word === 'people') return 'person'
  return word.replace(/ies$/, 'y').replace(/s$/, '')
}

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
 * Numbers that stand below each other, all with as many decimals as the largest asks for, at most
 * `most`: 1.000 beside 0.679, 19.3 beside 5.2.
 */
export function alike(values: readonly number[], lang: Language, most = 3): (value: number) => string {
  const largest = Math.max(0, ...values.map(Math.abs))
  const wanted = values.every(Number.isInteger) || largest >= 1000 ? 0 : largest >= 10 ? 1 : largest > 1 ? 2 : 3
  const digits = Math.min(wanted, most)
  const format = new Intl.NumberFormat(tags[lang], { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return (value) => format.format(value)
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

/** The units that are words, as the catalogue tells them. */
export const unitWords = shallowRef<Record<string, Text>>({})

/** A unit in the reader's language, after a count in its number; a sign is the same in all. */
export function unitOf(unit: string | null | undefined, lang: Language, count: number | null = null): string {
  const words = unitWords.value[unit ?? '']
  return words ? counted(words, count, lang) : (unit ?? '')
}

/** A number with its unit, all digits told. */
export const withUnitOf = (value: number, unit: string | null | undefined, lang: Language): string =>
  `${exact(value, lang)} ${unitOf(unit, lang, value)}`.trim()

/** A span of time in its two largest units: “2 分 10 秒”, “90 h 25 min”. */
export function span(seconds: number, lang: Language): string {
  const [h, m, s] = lang === 'zh' ? ['小时', '分', '秒'] : ['h', 'min', 's']
  const whole = Math.round(seconds)
  if (whole >= 3600) {
    const minutes = Math.round(whole / 60)
    const hours = exact(Math.floor(minutes / 60), lang)
    return minutes % 60 ? `${hours} ${h} ${minutes % 60} ${m}` : `${hours} ${h}`
  }
  if (whole >= 60) return whole % 60 ? `${Math.floor(whole / 60)} ${m} ${whole % 60} ${s}` : `${whole / 60} ${m}`
  return `${whole} ${s}`
}

/** An amount as a list tells it: what was measured to a hundredth, or a tenth where it is large. */
export function amount(value: number, unit: string | null | undefined, lang: Language): string {
  if (unit !== 'm²' && unit !== 'km') return exact(value, lang)
  const digits = Math.abs(value) >= 100 ? 1 : 2
  return new Intl.NumberFormat(tags[lang], { maximumFractionDigits: digits }).format(value)
}

/** The same with its unit; seconds are told as a span of time. */
export function quantity(value: number, unit: string | null | undefined, lang: Language): string {
  if (unit === 's') return span(value, lang)
  return `${amount(value, unit, lang)} ${unitOf(unit, lang, value)}`.trim()
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
  const relative = new Intl.RelativeTimeFormat(tags[lang], { numeric: 'always' })
  // A number stands apart from the Chinese word after it here, as it does on the whole page.
  const format = {
    format: (count: number, unit: Intl.RelativeTimeFormatUnit) =>
      relative.format(count, unit).replace(/(\d)(?=[\u4e00-\u9fff])/, '$1 '),
  }
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
