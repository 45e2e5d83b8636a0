/** A meter's consumption, step by step, as a chart and as a table tell it. */
import type { Language, Text } from '@/api/types'

import { day, moment } from './format'

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
  /** Of a single reading that does not count: its moment. */
  at: string | null
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
  const on = day(start, zone)
  return step === 'month' ? on.slice(0, 7) : on.slice(5)
}

/** When an event was: the moment of its one reading, else from when to when. */
export function whenOf(event: MeterEvent, zone: string, lang: Language): string {
  if (event.at) return moment(event.at, zone, lang)
  const [from, to] = [day(event.start, zone), day(event.end, zone)]
  if (from !== to) return `${from} – ${to}`
  const [begun, ended] = [moment(event.start, zone, lang), moment(event.end, zone, lang)]
  return begun === ended ? begun : `${begun} – ${ended.slice(-5)}`
}

/** The places of the steps that an event touches; a reading stands for the time that it ends. */
export function stepsOf(event: MeterEvent, steps: readonly Bar[]): number[] {
  const [from, to] = [event.at ? Date.parse(event.at) - 1 : Date.parse(event.start), Date.parse(event.end)]
  const touched = steps.flatMap((step, i) => {
    const [start, end] = [Date.parse(step.start), Date.parse(step.end)]
    return start < to && end > from ? [i] : []
  })
  // An event of a moment has no length.
  if (touched.length > 0) return touched
  const at = steps.findIndex((step) => Date.parse(step.start) <= from && from < Date.parse(step.end))
  return at < 0 ? [] : [at]
}

/** A day of the month to look at closer: of the last event, else of the last bar, else none. */
export function dayShown(answer: Consumption | null, zone: string): string | null {
  const event = answer?.events.at(-1)
  const at = event ? (event.at ?? event.start) : answer?.steps.findLast((step) => step.value !== null)?.start
  return at ? day(at, zone) : null
}

/** Whether any step of a window has a value. */
export const anyKnown = (steps: readonly Bar[]): boolean => steps.some((step) => step.value !== null)

export type Say = (key: string, named?: Record<string, unknown>) => string
export type Numbers = (value: number, lang: Language) => string
