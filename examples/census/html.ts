// The report as one HTML file that needs nothing else: no script, no request, light and dark. All text is escaped.
import { bars, escaped, histogram, sharedCodeGraph } from './charts.js'
import type { Comparison } from './compare.js'
import type { Census, Pass } from './engine.js'
import { type CensusReport, reportHash } from './report.js'
import { count, engineName, percent, seconds, size } from './text.js'

const style = `
:root { color-scheme: light dark; --ink: #1c2530; --soft: #5d6b7a; --line: #dde3ea; --paper: #fbfcfd; --card: #fff; --accent: #2f6fb3; --second: #d9822b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4eaf0; --soft: #98a6b5; --line: #2c3743; --paper: #12171d; --card: #192029; --accent: #6aa9e9; --second: #f0a35a; } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.55 system-ui, sans-serif }
main { max-width: 1120px; margin: 0 auto; padding: 48px 24px 80px }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; overflow-wrap: anywhere }
h2 { font-size: 18px; margin: 44px 0 12px }
p { margin: 0 0 12px; max-width: 76ch } .soft { color: var(--soft) }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px; margin: 24px 0 }
.cards div, figure, .scroll { background: var(--card); border: 1px solid var(--line); border-radius: 10px }
.cards div { padding: 14px 16px } .cards b { display: block; font-size: 22px; font-variant-numeric: tabular-nums }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 16px }
figure { margin: 0; padding: 16px } figcaption { color: var(--soft); margin-bottom: 10px }
svg { display: block; width: 100%; height: auto; font: 11px system-ui, sans-serif }
svg text { fill: var(--soft); text-anchor: middle } svg .value, svg .number { fill: var(--ink) }
svg .name, svg .left { text-anchor: end; fill: var(--ink) } svg .number, svg .right { text-anchor: start; fill: var(--ink) }
svg .name, svg .number { font-size: 13px }
.bar, .dot { fill: var(--accent) } .b1 { fill: var(--second) } .axis { stroke: var(--line) }
.share { fill: none; stroke: var(--accent); stroke-opacity: .35; stroke-linecap: round } .share:hover { stroke: var(--second); stroke-opacity: 1 }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: 7px 14px; border-bottom: 1px solid var(--line); vertical-align: top } tr:last-child td { border-bottom: 0 }
th { color: var(--soft); font-weight: 500; white-space: nowrap } .n { text-align: right; white-space: nowrap }
code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere } .partial { color: var(--second); font-weight: 600 }`

interface Column<T> {
  readonly title: string
  readonly cell: (row: T) => string
  readonly as?: 'number' | 'code'
}

function table<T>(rows: readonly T[], columns: readonly Column<T>[]): string {
  const kind = (column: Column<T>): string => (column.as === 'number' ? ' class="n"' : '')
  const cell = (column: Column<T>, row: T): string => {
    const text = escaped(column.cell(row))
    return `<td${kind(column)}>${column.as === 'code' ? `<code>${text}</code>` : text}</td>`
  }
  const head = columns.map(column => `<th${kind(column)}>${escaped(column.title)}</th>`).join('')
  const body = rows.map(row => `<tr>${columns.map(column => cell(column, row)).join('')}</tr>`).join('\n')
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`
}

function cards(report: CensusReport): string {
  const { totals, copies } = report
  const items = [
    [count(totals.parsed), 'files parsed'],
    [count(totals.refused), 'files not parsed'],
    [count(totals.packages), 'packages'],
    [size(totals.bytes), 'of JavaScript'],
    [count(totals.lines), 'lines'],
    [count(totals.functions), 'functions'],
    [percent(copies.spare, copies.comparedNodes), 'of the code is a spare copy'],
  ]
  return `<div class="cards">${items.map(([value, label]) => `<div><b>${value}</b>${label}</div>`).join('')}</div>`
}

function engines({ runs, comparison }: ReportPage): string {
  const time = runs.flatMap(({ threads, passes }, tone) =>
    passes.map(({ ms }, pass) => ({
      label: `${engineName(threads)}${passes.length > 1 ? `, pass ${pass + 1}` : ''}`,
      value: ms,
      text: seconds(ms),
      tone,
    })),
  )
  const delay = runs.map(({ threads, timer }, tone) => ({
    label: engineName(threads),
    value: timer.worst,
    text: `${timer.worst.toFixed(1)} ms`,
    tone,
  }))
  const p99 = runs.map(({ threads, timer }) => `${timer.p99.toFixed(1)} ms (${engineName(threads)})`).join(', ')
  const words = [...comparison.words, `99 of 100 ticks of a 10 ms timer on the host loop were less late than ${p99}.`]
  return `<p>${escaped(words.join(' '))}</p><div class="grid">
<figure><figcaption>Time of each pass over all files</figcaption>${bars(time, 'time of each engine')}</figure>
<figure><figcaption>Worst delay of a 10 ms timer on the host loop</figcaption>${bars(delay, 'worst timer delay of each engine')}</figure></div>`
}

function copies(report: CensusReport): string {
  const { copies: found } = report
  const words =
    `${count(found.compared)} functions are long enough to be compared. ${count(found.functions)} of them have a near twin (${count(found.groups)} groups); ` +
    `${count(found.across.groups)} groups are shared between packages. A node is one element of the syntax tree; spare nodes are those of all copies but one.`
  const graph =
    found.pairs.length === 0
      ? ''
      : `<figure><figcaption>Packages that hold the same code; the thicker the line, the more of it</figcaption>${sharedCodeGraph(found.pairs)}</figure><br>`
  return `<h2>Copied code</h2><p>${words}</p>${graph}${table(found.top, [
    { title: 'spare nodes', as: 'number', cell: group => count(group.spare) },
    { title: 'copies', as: 'number', cell: group => count(group.members.length) },
    { title: '', cell: group => (group.exact ? 'same' : 'alike') },
    { title: 'function', as: 'code', cell: group => group.members[0]?.name ?? '' },
    { title: 'packages', cell: group => group.packages.join(', ') },
    {
      title: 'where',
      as: 'code',
      cell: group =>
        group.members
          .slice(0, 4)
          .map(member => `${member.path}:${member.line}`)
          .join('  '),
    },
  ])}`
}

function fileTable(title: string, files: CensusReport['largest']): string {
  return `<h2>${title}</h2>${table(files, [
    { title: 'size', as: 'number', cell: file => size(file.bytes) },
    { title: 'lines', as: 'number', cell: file => count(file.lines) },
    { title: 'functions', as: 'number', cell: file => count(file.functions) },
    { title: 'complexity', as: 'number', cell: file => count(file.complexity) },
    { title: 'names', as: 'number', cell: file => count(file.distinct) },
    { title: 'file', as: 'code', cell: file => file.path },
  ])}`
}

function functionTable(title: string, functions: CensusReport['longestFunctions']): string {
  return `<h2>${title}</h2>${table(functions, [
    { title: 'lines', as: 'number', cell: item => count(item.lines) },
    { title: 'complexity', as: 'number', cell: item => count(item.complexity) },
    { title: 'function', as: 'code', cell: item => item.name },
    { title: 'where', as: 'code', cell: item => `${item.path}:${item.line}` },
  ])}`
}

function packages(report: CensusReport): string {
  return `<h2>Largest packages</h2>${table(report.packages.slice(0, 30), [
    { title: 'package', as: 'code', cell: item => item.name },
    { title: 'files', as: 'number', cell: item => count(item.files) },
    { title: 'size', as: 'number', cell: item => size(item.bytes) },
    { title: 'functions', as: 'number', cell: item => count(item.functions) },
    { title: 'also elsewhere', as: 'number', cell: item => percent(item.copied, item.nodes) },
  ])}`
}

function refused(report: CensusReport): string {
  if (report.refused.length === 0) return '<h2>Not parsed</h2><p>Every file could be parsed.</p>'
  return `<h2>Not parsed</h2>${table(report.refused, [
    { title: 'file', as: 'code', cell: item => item.path },
    { title: 'why', cell: item => item.kind },
    { title: '', cell: item => item.reason },
  ])}`
}

export interface ReportPage {
  /** The pass whose report is shown. */
  readonly shown: Pass
  readonly runs: readonly Census[]
  readonly comparison: Comparison
}

/** The whole page. */
export function reportPage(page: ReportPage): string {
  const { report, complete } = page.shown
  const { totals } = report
  const partial = complete ? '' : `<p class="partial">Partial: ${count(totals.missing)} files were not looked at.</p>`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Census of ${escaped(report.root)}</title><style>${style}</style></head>
<body><main>
<h1>Census of ${escaped(report.root)}</h1>
<p class="soft">${count(totals.found)} files found; ${count(totals.links)} links to files that are counted where they are. Report <code>${reportHash(report)}</code></p>
${partial}${cards(report)}
<h2>The engines</h2>${engines(page)}
<h2>Files</h2><div class="grid">
<figure><figcaption>Files by size, each bar up to the size below it</figcaption>${histogram(report.sizes, 'files by size')}</figure>
<figure><figcaption>Files by complexity, each bar up to the number below it</figcaption>${histogram(report.complexities, 'files by complexity')}</figure></div>
${copies(report)}
${fileTable('Largest files', report.largest)}
${fileTable('Most complex files', report.mostComplex)}
${functionTable('Most complex functions', report.complexFunctions)}
${functionTable('Longest functions', report.longestFunctions)}
${packages(report)}
${refused(report)}
</main></body></html>
`
}
