/** Who, when and what of a recorded change, in the reader's words. */
import { useI18n } from 'vue-i18n'

import type { ChangeMark, Kind, Side } from '@/api/past'
import { exact, moment, number, tr, unitOf } from '@/lib/format'
import { isCode } from '@/lib/facts'
import { importOf } from '@/lib/past'
import { catalogue, layers } from '@/state/service'
import { view } from '@/state/view'

/** Signs of what became of a thing: never told by colour alone. */
export const SIGNS: Record<Kind, string> = { added: '+', altered: '≠', gone: '−' }

/* eslint-disable-next-line @typescript-eslint/explicit-function-return-type -- the words say what they are */
export function useTold() {
  const { t } = useI18n()
  const zone = (): string => catalogue.value?.timezone ?? 'Asia/Shanghai'
  const when = (at: string | number): string => moment(at, zone(), view.lang, true)
  const who = (actor: string | null): string => actor ?? t('past.nobody')

  function why(reason: string | null): string {
    const found = importOf(reason)
    return found ? t('past.import', { source: found.source }) : (reason ?? '')
  }

  /** A value with its unit; what was not filled in is said so. */
  function value(side: Side | null, field: string, unit: string | null): string {
    if (!side || side.value === null || side.value === '') return t('past.blank')
    if (side.reference) return side.reference.title ?? String(side.reference.id)
    if (side.label) return side.label
    const found = side.value
    if (typeof found === 'boolean') return found ? t('facts.yes') : t('facts.no')
    if (typeof found === 'number') return isCode(field) ? String(found) : `${exact(found, view.lang)} ${unitOf(unit, view.lang, found)}`.trim()
    if (typeof found === 'string') return /^\d{4}-\d\d-\d\dT/.test(found) ? moment(found, zone(), view.lang) : found
    return JSON.stringify(found)
  }

  /** How many of which layers a change set touched: “房间 3、建筑 1”. */
  function what(set: ChangeMark): string {
    return Object.entries(set.counts)
      .map(([layer, count]) => `${tr(layers.value.get(layer)?.title, view.lang) || layer} ${number(count, view.lang)}`)
      .join(view.lang === 'zh' ? '、' : ', ')
  }

  return { when, who, why, value, what }
}
