// Pictures as SVG text, coloured by the classes of the page around them. Everything that comes from a file's name is
// escaped here; nothing is drawn that the reader cannot also find as a number (titles on every mark).
import type { SharedCode } from './duplicates.js'
import type { Bin } from './report.js'
import { count, shorten } from './text.js'

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Makes text safe in an element or an attribute; what no markup can hold is shown as a replacement character. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, char => entities[char]!).replace(/\p{Cc}|\p{Cs}/gu, '\uFFFD')
}

function svg(width: number, height: number, label: string, body: string): string {
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(label)}">${body}</svg>`
}

const round = (value: number): string => value.toFixed(1)

/** Upright bars, one for each bin. */
export function histogram(bins: readonly Bin[], label: string): string {
  const [width, height, foot, head] = [520, 220, 30, 18]
  const most = Math.max(1, ...bins.map(bin => bin.count))
  const step = width / Math.max(1, bins.length)
  const bars = bins.map((bin, i) => {
    const tall = ((height - foot - head) * bin.count) / most
    const [x, y] = [i * step, height - foot - tall]
    const middle = round(x + step / 2)
    return (
      `<g><title>up to ${escaped(bin.label)}: ${count(bin.count)} files</title>` +
      `<rect class="bar" x="${round(x + step * 0.1)}" y="${round(y)}" width="${round(step * 0.8)}" height="${round(tall)}" rx="2"/>` +
      `<text class="value" x="${middle}" y="${round(y - 4)}">${bin.count > 0 ? bin.count : ''}</text>` +
      `<text x="${middle}" y="${height - 12}">${escaped(bin.label)}</text></g>`
    )
  })
  const ground = `<line class="axis" x1="0" x2="${width}" y1="${height - foot}" y2="${height - foot}"/>`
  return svg(width, height, label, bars.join('') + ground)
}

export interface Bar {
  readonly label: string
  readonly value: number
  readonly text: string
  /** Which colour. */
  readonly tone: number
}

/** Lying bars, one under the other, from a common zero. */
export function bars(rows: readonly Bar[], label: string): string {
  const [width, line, left, right] = [520, 34, 140, 90]
  const most = Math.max(1e-9, ...rows.map(row => row.value))
  const body = rows.map((row, i) => {
    const long = Math.max(1, ((width - left - right) * row.value) / most)
    const y = i * line
    return (
      `<text class="name" x="${left - 10}" y="${y + 21}">${escaped(row.label)}</text>` +
      `<rect class="bar b${row.tone}" x="${left}" y="${y + 6}" width="${round(long)}" height="${line - 12}" rx="3"/>` +
      `<text class="number" x="${round(left + long + 8)}" y="${y + 21}">${escaped(row.text)}</text>`
    )
  })
  return svg(width, rows.length * line, label, body.join(''))
}

/** Neighbours on the circle are packages that share much, so that the thick lines are short. */
function order(pairs: readonly SharedCode[]): string[] {
  const placed: string[] = []
  const put = (name: string, beside: string): void => {
    if (!placed.includes(name)) placed.splice(placed.indexOf(beside) + 1, 0, name)
  }
  for (const { a, b } of pairs) {
    if (placed.includes(b)) put(a, b)
    else {
      if (!placed.includes(a)) placed.push(a)
      put(b, a)
    }
  }
  return placed
}

/** Packages on a circle, and between each two a line as thick as the code that both have. */
export function sharedCodeGraph(pairs: readonly SharedCode[]): string {
  const names = order(pairs)
  const [width, height, radius] = [900, 720, 200]
  const place = new Map(names.map((name, i) => [name, (2 * Math.PI * i) / names.length - Math.PI / 2]))
  const at = (name: string, r: number): readonly [number, number] => {
    const angle = place.get(name) ?? 0
    return [width / 2 + r * Math.cos(angle), height / 2 + r * Math.sin(angle)]
  }
  const most = Math.max(1, ...pairs.map(pair => pair.nodes))
  const lines = pairs.map(({ a, b, nodes }) => {
    const [[ax, ay], [bx, by]] = [at(a, radius), at(b, radius)]
    const thick = 1 + 13 * Math.sqrt(nodes / most)
    return (
      `<path class="share" d="M${round(ax)} ${round(ay)} Q${width / 2} ${height / 2} ${round(bx)} ${round(by)}" stroke-width="${round(thick)}">` +
      `<title>${escaped(a)} and ${escaped(b)}: ${count(nodes)} nodes</title></path>`
    )
  })
  const dots = names.map(name => {
    const total = pairs.reduce((sum, pair) => sum + (pair.a === name || pair.b === name ? pair.nodes : 0), 0)
    const angle = place.get(name) ?? 0
    const [[x, y], [tx, ty]] = [at(name, radius), at(name, radius + 18)]
    const leftSide = Math.cos(angle) < -1e-9
    const turn = (angle * 180) / Math.PI + (leftSide ? 180 : 0)
    return (
      `<circle class="dot" cx="${round(x)}" cy="${round(y)}" r="${round(3 + 9 * Math.sqrt(total / most))}"><title>${escaped(name)}: ${count(total)} nodes shared</title></circle>` +
      `<text class="${leftSide ? 'left' : 'right'}" transform="translate(${round(tx)} ${round(ty)}) rotate(${round(turn)})" dy="4">${escaped(shorten(name, 28))}</text>`
    )
  })
  return svg(width, height, 'which packages share code', lines.join('') + dots.join(''))
}
