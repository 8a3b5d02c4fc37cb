// What the terminal shows at the end: the report in tables, and the two engines side by side.
import type { Comparison } from './compare.js'
import type { CopyGroup } from './duplicates.js'
import { bestPass, type Census } from './engine.js'
import { type CensusReport, type FunctionLine, reportHash } from './report.js'
import { count, engineName, percent, seconds, size, table } from './text.js'

const ROWS = 8
const REFUSED = 12

function functionTable(title: string, lines: readonly FunctionLine[]): string {
  const rows = lines
    .slice(0, ROWS)
    .map(item => [count(item.lines), count(item.complexity), item.name, `${item.path}:${item.line}`])
  return `${title}\n${table(
    [
      { title: 'lines', right: true },
      { title: 'complexity', right: true },
      { title: 'function', width: 30 },
      { title: 'where', width: 70 },
    ],
    rows,
  )}`
}

function copyTable(title: string, groups: readonly CopyGroup[]): string {
  const rows = groups.slice(0, ROWS).map(({ members, packages, spare, exact }) => {
    const [first] = members
    return [count(spare), count(members.length), exact ? 'same' : 'alike', first?.name ?? '', packages.join(', ')]
  })
  if (groups.length === 0) return title
  return `${title}\n${table(
    [
      { title: 'spare nodes', right: true },
      { title: 'copies', right: true },
      { title: '' },
      { title: 'function', width: 30 },
      { title: 'packages', width: 60 },
    ],
    rows,
  )}`
}

/** The report as text. */
export function reportText(report: CensusReport): string {
  const { totals, copies } = report
  const files = [
    { title: 'size', right: true },
    { title: 'functions', right: true },
    { title: 'complexity', right: true },
    { title: 'file', width: 80 },
  ]
  const fileRows = (lines: CensusReport['largest']): string[][] =>
    lines.slice(0, ROWS).map(file => [size(file.bytes), count(file.functions), count(file.complexity), file.path])
  const parts = [
    `${report.root}\n  ${count(totals.parsed)} of ${count(totals.found)} files parsed, ${count(totals.refused)} not; ${count(totals.packages)} packages, ` +
      `${size(totals.bytes)}, ${count(totals.lines)} lines,\n  ${count(totals.functions)} functions, complexity ${count(totals.complexity)}, ${count(totals.identifiers)} identifiers`,
    `Largest files\n${table(files, fileRows(report.largest))}`,
    `Most complex files\n${table(files, fileRows(report.mostComplex))}`,
    functionTable('Most complex functions', report.complexFunctions),
    functionTable('Longest functions', report.longestFunctions),
    copyTable(
      `Copied code: ${count(copies.functions)} of ${count(copies.compared)} functions have a near twin, ${percent(copies.spare, copies.comparedNodes)} of the code could go; ` +
        `${count(copies.across.groups)} groups are shared between packages`,
      copies.top,
    ),
  ]
  if (copies.pairs.length > 0) {
    const rows = copies.pairs.slice(0, ROWS).map(({ a, b, nodes }) => [count(nodes), `${a} and ${b}`])
    parts.push(
      `Packages that share most\n${table(
        [
          { title: 'nodes', right: true },
          { title: 'packages', width: 90 },
        ],
        rows,
      )}`,
    )
  }
  if (report.refused.length > 0) {
    const kinds = report.refusedByKind.map(({ label, count: files }) => `${count(files)} ${label}`).join(', ')
    const rows = report.refused.slice(0, REFUSED).map(({ path, kind, reason }) => [path, kind, reason])
    const more = report.refused.length - rows.length
    parts.push(
      `Not parsed: ${kinds}\n${table([{ title: 'file', width: 60 }, { title: 'why' }, { title: '', width: 70 }], rows)}` +
        (more > 0 ? `\n  … and ${count(more)} more, all in the HTML report` : ''),
    )
  }
  return parts.join('\n\n')
}

/** The engines side by side. */
export function comparisonText(runs: readonly Census[], { words }: Comparison): string {
  const rows = runs.map(({ threads, passes, timer }) => {
    const { report, complete } = bestPass(passes)
    return [
      engineName(threads),
      passes.map(pass => seconds(pass.ms)).join(', then '),
      `${timer.worst.toFixed(1)} ms`,
      `${timer.p99.toFixed(1)} ms`,
      `${reportHash(report)}${complete ? '' : ' (partial)'}`,
    ]
  })
  const columns = [
    { title: 'engine' },
    { title: 'time of each pass' },
    { title: 'worst timer delay', right: true },
    { title: 'p99', right: true },
    { title: 'report' },
  ]
  return [table(columns, rows), ...(words.length > 0 ? [''] : []), ...words.map(sentence => `  ${sentence}`)].join('\n')
}
