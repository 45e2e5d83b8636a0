/** A style for a wall: its texts and marks as much larger as the panels beside them. */
import type { LayerSpecification } from 'maplibre-gl'

/** What is read or met by the eye; widths of lines and shapes stay true to the ground. */
const SIZES = { symbol: ['layout', 'text-size'], circle: ['paint', 'circle-radius'] } as const

/**
 * A size times a factor. What depends on the zoom has to stay outermost, so that of an
 * interpolation its outputs are multiplied.
 */
export function times(value: unknown, by: number): unknown {
  if (typeof value === 'number') return value * by
  if (!Array.isArray(value)) return value
  const [operator, ...rest] = value as [string, ...unknown[]]
  if (operator === 'interpolate') {
    const [curve, input, ...stops] = rest
    return [operator, curve, input, ...stops.map((each, i) => (i % 2 ? times(each, by) : each))]
  }
  if (operator === 'step') {
    const [input, ...outputs] = rest
    return [operator, input, ...outputs.map((each, i) => (i % 2 ? each : times(each, by)))]
  }
  return ['*', by, value]
}

export function enlarged(layer: LayerSpecification, by: number): LayerSpecification {
  if (by === 1 || (layer.type !== 'symbol' && layer.type !== 'circle')) return layer
  const [part, name] = SIZES[layer.type]
  const given = layer[part] as Record<string, unknown> | undefined
  if (given?.[name] === undefined) return layer
  return { ...layer, [part]: { ...given, [name]: times(given[name], by) } } as LayerSpecification
}
