// Charts as SVG, drawn from a description: lines over numbers, or bars over names. Each value may be a spread; then its
// least and most are drawn as a thin line. A chart stands for itself: white ground, its legend beside it.
import type { Spread } from './suite.js'

/** How an axis is marked. */
export interface Axis {
  readonly label: string
  readonly log?: boolean
}

export type Point = Spread | number | undefined

/** Lines: one for each series, through its points. */
export interface LineChart {
  readonly kind: 'lines'
  /** Of the file that it is written to, without ending. */
  readonly name: string
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly { readonly name: string; readonly points: readonly (readonly [x: number, y: Point])[] }[]
}

/** Bars: for each category one of every series, lying, so that names can be read. */
export interface BarChart {
  readonly kind: 'bars'
  readonly name: string
  readonly title: string
  readonly y: Axis
  readonly categories: readonly string[]
  readonly series: readonly { readonly name: string; readonly values: readonly Point[] }[]
}

export type Chart = LineChart | BarChart

const WIDTH = 840
const LEGEND = 210
const COLOURS = [
  '#0b6e99',
  '#d9730d',
  '#0f7b6c',
  '#ad1a72',
  '#6940a5',
  '#dfab01',
  '#e03e3e',
  '#64473a',
  '#5b8c2a',
  '#37352f',
  '#2a9df4',
  '#9b9a97',
]

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
const colour = (n: number): string => COLOURS[n % COLOURS.length]!
const middle = (point: Point): number | undefined => (typeof point === 'object' ? point.median : point)
const ends = (point: Point): readonly number[] =>
  typeof point === 'object' ? [point.min, point.max] : point === undefined ? [] : [point]

/** Short: 1.5k, 20M. */
export function short(n: number): string {
  for (const [size, letter] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const)
    if (Math.abs(n) >= size) return `${Number((n / size).toPrecision(3))}${letter}`
  return String(Number(n.toPrecision(3)))
}

interface Scale {
  at(value: number): number
  readonly ticks: readonly number[]
}

function scale(values: readonly number[], { log = false }: Axis, from: number, to: number, zero: boolean): Scale {
  const known = values.filter(n => Number.isFinite(n) && (!log || n > 0))
  if (known.length === 0) return { at: () => from, ticks: [] }
  if (log) {
    const low = Math.floor(Math.log10(Math.min(...known)) + 1e-9)
    const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...known)) - 1e-9))
    const at = (n: number) => from + ((Math.log10(Math.max(n, 10 ** low)) - low) / (high - low)) * (to - from)
    const steps = high - low <= 2 ? [1, 2, 5] : [1]
    const ticks: number[] = []
    for (let e = low; e <= high; e++)
      for (const step of steps) if (e < high || step === 1) ticks.push(Number((step * 10 ** e).toPrecision(1)))
    return { at, ticks }
  }
  const low = zero ? Math.min(0, ...known) : Math.min(...known)
  const most = Math.max(...known)
  const step = niceStep((most - low) / 5 || 1)
  const high = Math.ceil(most / step) * step || 1
  const ticks = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, i) => low + i * step)
  return { at: n => from + ((n - low) / (high - low)) * (to - from), ticks }
}

function niceStep(rough: number): number {
  const ten = 10 ** Math.floor(Math.log10(rough))
  const rest = rough / ten
  return ten * (rest <= 1 ? 1 : rest <= 2 ? 2 : rest <= 5 ? 5 : 10)
}

const text = (x: number, y: number, anchor: string, content: string, more = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" ${more}>${escaped(content)}</text>`
const line = (x1: number, y1: number, x2: number, y2: number, stroke: string, width = 1): string =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${stroke}" stroke-width="${width}"/>`

function legend(names: readonly string[], top: number): string[] {
  const x = WIDTH - LEGEND + 16
  return names.flatMap((name, i) => [
    `<rect x="${x}" y="${top + i * 20 - 9}" width="12" height="12" fill="${colour(i)}"/>`,
    text(x + 18, top + i * 20 + 1, 'start', name),
  ])
}

function page(height: number, title: string, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#37352f" role="img" aria-label="${escaped(title)}">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(16, 24, 'start', title, 'font-size="15" font-weight="600"'),
    ...parts,
    '</svg>\n',
  ].join('\n')
}

function lines(chart: LineChart): string {
  const [left, right, top, bottom] = [70, WIDTH - LEGEND, 64, 356]
  const all = chart.series.flatMap(({ points }) => points)
  const x = scale(
    all.map(([at]) => at),
    chart.x,
    left,
    right,
    false,
  )
  const y = scale(
    all.flatMap(([, point]) => ends(point)),
    chart.y,
    bottom,
    top,
    true,
  )
  const parts: string[] = []
  for (const tick of y.ticks) {
    parts.push(line(left, y.at(tick), right, y.at(tick), '#e9e9e7'), text(left - 8, y.at(tick) + 4, 'end', short(tick)))
  }
  for (const tick of x.ticks) {
    parts.push(line(x.at(tick), bottom, x.at(tick), bottom + 5, '#9b9a97'))
    parts.push(text(x.at(tick), bottom + 18, 'middle', short(tick)))
  }
  parts.push(line(left, bottom, right, bottom, '#9b9a97'))
  parts.push(text((left + right) / 2, bottom + 38, 'middle', chart.x.label))
  parts.push(text(left, top - 10, 'start', chart.y.label))
  for (const [n, { points }] of chart.series.entries()) {
    const known = points.filter(([, point]) => middle(point) !== undefined)
    const path = known.map(([at, point]) => `${x.at(at).toFixed(1)},${y.at(middle(point)!).toFixed(1)}`).join(' ')
    parts.push(`<polyline points="${path}" fill="none" stroke="${colour(n)}" stroke-width="2"/>`)
    for (const [at, point] of known) {
      const [low, high] = ends(point)
      if (high !== undefined) parts.push(line(x.at(at), y.at(low!), x.at(at), y.at(high), colour(n)))
      parts.push(
        `<circle cx="${x.at(at).toFixed(1)}" cy="${y.at(middle(point)!).toFixed(1)}" r="3" fill="${colour(n)}"/>`,
      )
    }
  }
  parts.push(
    ...legend(
      chart.series.map(({ name }) => name),
      top + 8,
    ),
  )
  return page(Math.max(bottom + 56, top + 20 * chart.series.length + 20), chart.title, parts)
}

function bars(chart: BarChart): string {
  const [left, right, top] = [250, WIDTH - LEGEND - 20, 48]
  const BAR = 13
  const group = chart.series.length * BAR + 10
  const bottom = top + chart.categories.length * group
  const x = scale(
    chart.series.flatMap(({ values }) => values.flatMap(ends)),
    chart.y,
    left,
    right,
    true,
  )
  const parts: string[] = []
  for (const tick of x.ticks) {
    parts.push(line(x.at(tick), top - 4, x.at(tick), bottom, '#e9e9e7'))
    parts.push(text(x.at(tick), bottom + 16, 'middle', short(tick)))
  }
  parts.push(text((left + right) / 2, bottom + 36, 'middle', chart.y.label))
  const origin = chart.y.log ? left : x.at(0)
  for (const [c, name] of chart.categories.entries()) {
    const y = top + c * group
    parts.push(text(left - 8, y + group / 2, 'end', name))
    for (const [n, { values }] of chart.series.entries()) {
      const value = middle(values[c])
      if (value === undefined || !Number.isFinite(value)) continue
      const at = y + n * BAR + 3
      const end = x.at(value)
      parts.push(
        `<rect x="${Math.min(origin, end).toFixed(1)}" y="${at}" width="${Math.max(1, Math.abs(end - origin)).toFixed(1)}" height="${BAR - 2}" fill="${colour(n)}"/>`,
      )
      const [low, high] = ends(values[c])
      if (high !== undefined) parts.push(line(x.at(low!), at + 5.5, x.at(high), at + 5.5, '#37352f'))
      parts.push(text(x.at(high ?? value) + 4, at + 10, 'start', short(value), 'font-size="10"'))
    }
  }
  if (chart.series.length > 1)
    parts.push(
      ...legend(
        chart.series.map(({ name }) => name),
        top + 8,
      ),
    )
  return page(Math.max(bottom + 50, top + 20 * chart.series.length + 20), chart.title, parts)
}

/** Draws a chart. */
export function svg(chart: Chart): string {
  return chart.kind === 'lines' ? lines(chart) : bars(chart)
}
