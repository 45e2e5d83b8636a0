/** Lengths and areas as they are told, and bars of scale. */
import type { Language } from '@/api/types'

export type Shape = 'length' | 'area'

const tags: Record<Language, string> = { zh: 'zh-CN', en: 'en-GB' }
const written = (value: number, digits: number, lang: Language): string =>
  new Intl.NumberFormat(tags[lang], { maximumFractionDigits: digits }).format(value)

/** Metres, to a decimetre; from a kilometre on kilometres, to ten metres. */
export function tellLength(metres: number, lang: Language): string {
  return metres < 1000 ? `${written(metres, 1, lang)} m` : `${written(metres / 1000, 2, lang)} km`
}

/** Square metres, to a tenth; from a hectare on hectares, with the square metres behind. */
export function tellArea(squareMetres: number, lang: Language): string {
  if (squareMetres < 10_000) return `${written(squareMetres, squareMetres < 1000 ? 1 : 0, lang)} m²`
  const [open, close] = lang === 'zh' ? ['（', '）'] : [' (', ')']
  return `${written(squareMetres / 10_000, 2, lang)} ha${open}${written(squareMetres, 0, lang)} m²${close}`
}

export interface Bar {
  metres: number
  /** As long as the unit in which `perPixel` counts. */
  pixels: number
}

/** The longest round distance (1, 2 or 5 of a power of ten) that a bar of `most` pixels can show. */
export function scaleBar(perPixel: number, most: number): Bar {
  const longest = perPixel * most
  const power = 10 ** Math.floor(Math.log10(longest))
  const metres = [5, 2, 1].map((each) => each * power).find((each) => each <= longest) ?? power
  return { metres, pixels: metres / perPixel }
}
