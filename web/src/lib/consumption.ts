/** A meter's consumption, step by step, as a chart and as a table tell it. */
import type { Language, Text } from '@/api/types'

export type Step = 'day' | 'month'
export type Known = 'measured' | 'unknown' | 'missing'

export interface Bar {
  start: string
  end: string
  value: number | null
  label: Known
}

export interface MeterEvent {
  start: string
  end: string
  kind: string
  title: Text
  consumption: number | null
}

export interface Consumption {
  meter: { id: number; title: string | null }
  kind: string
  unit: string
  step: Step
  steps: Bar[]
  events: MeterEvent[]
  total: number | null
  coverage: number | null
}

const DAY = 86_400_000
const iso = (date: Date): string => date.toISOString().slice(0, 10)

/** The last 12 whole or begun months, as `from/to` in days; `today` is the estate's day. */
export function yearOf(today: string): string {
  const [year, month] = today.split('-').map(Number) as [number, number]
  const from = new Date(Date.UTC(year, month - 12, 1))
  return `${iso(from)}/${iso(new Date(Date.parse(today) + DAY))}`
}

/** The month of a day, as `from/to` in days. */
export function monthOf(date: string): string {
  const [year, month] = date.split('-').map(Number) as [number, number]
  return `${iso(new Date(Date.UTC(year, month - 1, 1)))}/${iso(new Date(Date.UTC(year, month, 1)))}`
}

/** The month before or after that of a window. */
export function monthBeside(window: string, by: number): string {
  const [year, month] = (window.split('/')[0] ?? '').split('-').map(Number) as [number, number]
  return monthOf(iso(new Date(Date.UTC(year, month - 1 + by, 1))))
}

/** What a step is called: its month `2026-09` or its day `09-14`, in the estate's time zone. */
export function nameOf(start: string, step: Step, zone: string): string {
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' })
    .format(new Date(start))
  return step === 'month' ? day.slice(0, 7) : day.slice(5)
}

/** The places of the steps that an event touches. */
export function stepsOf(event: MeterEvent, steps: readonly Bar[]): number[] {
  const [from, to] = [Date.parse(event.start), Date.parse(event.end)]
  const touched = steps.flatMap((step, i) => {
    const [start, end] = [Date.parse(step.start), Date.parse(step.end)]
    return start < to && end > from ? [i] : []
  })
  // An event of a moment has no length.
  if (touched.length > 0) return touched
  const at = steps.findIndex((step) => Date.parse(step.start) <= from && from < Date.parse(step.end))
  return at < 0 ? [] : [at]
}

/** Whether any step of a window has a value. */
export const anyKnown = (steps: readonly Bar[]): boolean => steps.some((step) => step.value !== null)

export type Say = (key: string, named?: Record<string, unknown>) => string
export type Numbers = (value: number, lang: Language) => string
