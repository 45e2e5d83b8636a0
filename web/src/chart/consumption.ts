/** The chart of a meter's consumption as ECharts is told to draw it. */
import type { EChartsCoreOption } from 'echarts/core'

import type { Language } from '@/api/types'
import { nameOf, stepsOf, type Consumption, type Known, type Numbers, type Say } from '@/lib/consumption'
import { tr, unitOf } from '@/lib/format'

export interface Palette {
  ink: string
  quiet: string
  line: string
  bar: string
  surface: string
  unknown: string
  mark: string
  font: string
}

/** Colours as the page has them now; a canvas knows no variables of a style sheet. */
export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element)
  const token = (name: string): string => style.getPropertyValue(name).trim()
  return {
    ink: token('--ink'),
    quiet: token('--ink-2'),
    line: token('--line'),
    bar: token('--accent'),
    surface: token('--surface'),
    unknown: token('--ink-3'),
    mark: token('--bad'),
    font: style.fontFamily,
  }
}

interface Context {
  zone: string
  lang: Language
  say: Say
  number: Numbers
  palette: Palette
  still: boolean
}

const HATCH: Record<Exclude<Known, 'measured'>, object> = {
  unknown: { symbol: 'rect', dashArrayX: [1, 0], dashArrayY: [2, 4], rotation: -Math.PI / 4 },
  missing: { symbol: 'circle', dashArrayX: [[2, 4], [0, 3]], dashArrayY: [2, 3], symbolSize: 0.6 },
}

/** What is said of one step: its name, its value or why there is none, and what happened in it. */
export function tellStep(answer: Consumption, at: number, { zone, lang, say, number }: Pick<Context, 'zone' | 'lang' | 'say' | 'number'>): string[] {
  const step = answer.steps[at]
  if (!step) return []
  const value = step.value === null ? say(`meter.label.${step.label}`) : `${number(step.value, lang)} ${unitOf(answer.unit, lang)}`
  const happened = answer.events.filter((event) => stepsOf(event, answer.steps).includes(at))
  return [
    nameOf(step.start, answer.step, zone),
    step.value !== null && step.label !== 'measured' ? `${value} · ${say(`meter.label.${step.label}`)}` : value,
    ...happened.map(
      (event) =>
        tr(event.title, lang) +
        (event.consumption === null ? '' : ` ${number(event.consumption, lang)} ${unitOf(answer.unit, lang)}`),
    ),
  ]
}

export function optionOf(answer: Consumption, context: Context): EChartsCoreOption {
  const { palette, zone, lang, number } = context
  const names = answer.steps.map((step) => nameOf(step.start, answer.step, zone))
  const marked = new Set(answer.events.flatMap((event) => stepsOf(event, answer.steps)))
  const text = { color: palette.quiet, fontFamily: palette.font, fontSize: 12 }
  return {
    animation: !context.still,
    animationDuration: 200,
    textStyle: { fontFamily: palette.font },
    grid: { left: 4, right: 8, top: 28, bottom: 4, containLabel: true },
    tooltip: {
      trigger: 'axis',
      renderMode: 'richText',
      axisPointer: { type: 'shadow' },
      backgroundColor: palette.surface,
      borderColor: palette.line,
      textStyle: { color: palette.ink, fontFamily: palette.font, fontSize: 13 },
      formatter: (found: { dataIndex: number }[]) => tellStep(answer, found[0]?.dataIndex ?? -1, context).join('\n'),
    },
    xAxis: {
      type: 'category',
      data: names,
      axisLabel: { ...text, hideOverlap: true, formatter: (name: string) => name.slice(-5) },
      axisTick: { show: false },
      axisLine: { lineStyle: { color: palette.line } },
    },
    yAxis: [
      {
        type: 'value',
        name: unitOf(answer.unit, lang),
        nameTextStyle: { ...text, align: 'left', padding: [0, 0, 0, -24] },
        splitNumber: 3,
        axisLabel: { ...text, formatter: (value: number) => number(value, lang) },
        splitLine: { lineStyle: { color: palette.line } },
      },
      { type: 'value', min: 0, max: 1, show: false },
    ],
    series: [
      { type: 'bar', name: 'value', data: answer.steps.map((step) => step.value), itemStyle: { color: palette.bar, borderRadius: [2, 2, 0, 0] }, barCategoryGap: '30%' },
      {
        // A step without a value has no height of its own: it is hatched over the whole chart.
        type: 'bar',
        name: 'unknown',
        yAxisIndex: 1,
        barGap: '-100%',
        barCategoryGap: '8%',
        silent: true,
        data: answer.steps.map((step) =>
          step.value !== null || step.label === 'measured'
            ? null
            : { value: 1, itemStyle: { color: 'transparent', decal: { ...HATCH[step.label], color: palette.unknown } } },
        ),
      },
      {
        type: 'scatter',
        name: 'events',
        yAxisIndex: 1,
        symbol: 'diamond',
        symbolSize: 10,
        symbolOffset: [0, -8],
        silent: true,
        itemStyle: { color: palette.mark },
        data: [...marked].map((at) => [at, 1]),
      },
    ],
  }
}
