/** The parts of a print that are reckoned. */

export interface Box {
  left: number
  top: number
  width: number
  height: number
}

/** The part of a picture of `width` by `height` that no panel covers, in its pixels (`ratio` to one of CSS). */
export function uncovered(
  width: number,
  height: number,
  covered: { top: number; right: number; bottom: number; left: number },
  ratio: number,
): Box {
  const left = Math.round(covered.left * ratio)
  const top = Math.round(covered.top * ratio)
  return {
    left,
    top,
    width: Math.max(1, Math.round(width - left - covered.right * ratio)),
    height: Math.max(1, Math.round(height - top - covered.bottom * ratio)),
  }
}
