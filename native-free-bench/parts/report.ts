// Writing results down: as text in columns, as Markdown with charts, and as JSON with the measurement of every round.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, type Machine } from './machine.js'
import { cell, type Settings, type Suite, type Table } from './suite.js'
import { svg } from './svg.js'

export interface Finished {
  readonly suite: Suite
  readonly tables: readonly Table[]
  /** Share of the cores that other processes took meanwhile, from 0 to 1. */
  readonly others: number
}

/** What is to be said of the company that the measurement was in. */
export function disturbed({ suite, others }: Finished): string {
  if (suite.elsewhere === true) return 'Measured in processes of their own.'
  const share = `Other processes took ${(others * 100).toFixed(0)} % of the cores meanwhile`
  return others < 0.05 ? `${share}.` : `${share}: these numbers are not what a quiet machine would show.`
}

const rounds = ({ rounds, ms }: Settings): string =>
  `Medians of ${rounds} rounds of ${ms} ms, contenders in random order in every round; in brackets the least and the most.`

function cells(table: Table): string[][] {
  return table.rows.map(row => table.columns.map(({ key, unit }) => cell(row[key], unit)))
}

/** A table in columns; numbers to the right. */
export function text(table: Table): string {
  const heads = table.columns.map(({ head }) => head)
  const body = cells(table)
  const widths = heads.map((head, i) => Math.max(head.length, ...body.map(row => row[i]!.length)))
  const line = (row: readonly string[]) =>
    row
      .map((one, i) => (table.columns[i]?.unit === 'text' ? one.padEnd(widths[i]!) : one.padStart(widths[i]!)))
      .join('  ')
      .trimEnd()
  const rule = widths.map(width => '─'.repeat(width))
  return [table.title, line(heads), line(rule), ...body.map(line), ...table.notes.map(note => `· ${note}`)].join('\n')
}

function markdown(on: Machine, settings: Settings, finished: readonly Finished[]): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`
  const list = (notes: readonly string[]) => notes.map(note => `- ${note}`).join('\n')
  const grid = (table: Table) => {
    const align = table.columns.map(({ unit }) => (unit === 'text' ? '---' : '---:'))
    const rows = [table.columns.map(({ head }) => head), align, ...cells(table)]
    const picture = table.chart === undefined ? '' : `![${table.chart.title}](${table.chart.name}.svg)`
    return [`### ${table.title}`, rows.map(line).join('\n'), list(table.notes), picture].filter(part => part !== '')
  }
  const parts = finished.map(one => {
    const { suite, tables } = one
    return [`## ${suite.name}`, suite.shows, ...tables.flatMap(grid), disturbed(one)].join('\n\n')
  })
  const head = ['# Bench', list(describe(on)), rounds(settings), 'Made by `npm run bench`.']
  return `${[...head, ...parts].join('\n\n')}\n`
}

export function header(on: Machine, settings: Settings): string {
  return ['Ringreeve bench', ...describe(on), rounds(settings)].join('\n')
}

/** Writes latest.json, latest.md and its charts. */
export async function write(
  folder: string,
  on: Machine,
  settings: Settings,
  finished: readonly Finished[],
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const suites = finished.map(({ suite, tables, others }) => ({ name: suite.name, shows: suite.shows, others, tables }))
  await writeFile(join(folder, 'latest.json'), `${JSON.stringify({ machine: on, settings, suites }, null, 2)}\n`)
  await writeFile(join(folder, 'latest.md'), markdown(on, settings, finished))
  for (const { chart } of finished.flatMap(one => one.tables))
    if (chart !== undefined) await writeFile(join(folder, `${chart.name}.svg`), svg(chart))
}
