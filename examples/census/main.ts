// A census of a source tree, as a program of agents: what CPU-bound work looks like on Ringreeve, on real input.
//
//   npm start                      the project's own node_modules
//   npm start -- PATH --threads 4  any other tree; --help shows all options
//
//   main ── Take ──> reader ── Parse ──> parser/0 … parser/63 ── Banded ──> bands/0 … bands/7
//     │      (host: I/O)   (threads: acorn, MinHash) └─ Counted ──> aggregator/<run>   │
//     └──────────────────────── Close ──────────────────────────────────┴── Agreeing ──┘
//
// It runs on the single loop and on threads, checks that all reports are the same, and says how long each took and how
// late a 10 ms timer of the host loop was meanwhile. Each engine goes over the tree three times: in the first pass V8
// still compiles the parser, once per thread and on cores that the threads want, which hides what threads are worth to
// a program that goes on; the last is warm. Ctrl+C ends it with what it has.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compare } from './compare.js'
import { bestPass, type Census, takeCensus } from './engine.js'
import { type ReportPage, reportPage } from './html.js'
import { type MachineLimit, machineLimit } from './limit.js'
import type { ProgressState } from './messages.js'
import { type CensusOptions, readOptions, UsageError, usage } from './options.js'
import { progressBar } from './reporter.js'
import { comparisonText, reportText } from './summary.js'
import { count, engineName, seconds } from './text.js'
import { discover, type Plan, reasonOf } from './tree.js'

const INTERRUPTED = 130
const DIFFERENT = 1
const USAGE = 2

/** Reads every file once, so that the first engine does not pay for a cold disk that the second finds warm. */
async function warm(plan: Plan, signal: AbortSignal): Promise<void> {
  for (const file of plan.files) {
    if (signal.aborted) return
    await readFile(join(plan.root, file.path)).catch(() => undefined)
  }
}

async function runEngines(plan: Plan, options: CensusOptions, signal: AbortSignal): Promise<Census[]> {
  const { engines, passes } = options
  const runs: Census[] = []
  for (const engine of engines) {
    if (signal.aborted && runs.length > 0) break
    const threads = engine === 'single' ? 0 : options.threads
    const bar = progressBar(process.stderr)
    const label = (pass: number): string => `${engineName(threads)}${passes > 1 ? `, pass ${pass}` : ''}`
    const show = (state: ProgressState, pass: number): void => bar.show(label(pass), state)
    try {
      runs.push(await takeCensus({ plan, threads, passes, signal, show }))
    } finally {
      bar.clear()
    }
    runs.at(-1)!.passes.forEach(({ report, ms }, i) => {
      const { parsed, refused, found } = report.totals
      console.error(`${label(i + 1)}: ${count(parsed + refused)} of ${count(found)} files in ${seconds(ms)}`)
    })
  }
  return runs
}

async function write(page: ReportPage, options: CensusOptions): Promise<string> {
  await mkdir(options.out, { recursive: true })
  await writeFile(join(options.out, 'report.json'), JSON.stringify(page.shown.report, undefined, 1))
  const path = join(options.out, 'report.html')
  await writeFile(path, reportPage(page))
  return path
}

/** Ctrl+C reaches the processes that are measured as well: then there is no limit to show, which is no error. */
function limitUnless(signal: AbortSignal, plan: Plan, options: CensusOptions): Promise<MachineLimit | undefined> {
  return machineLimit(plan, options.threads, options.passes).catch(error => {
    if (signal.aborted) return undefined
    throw error
  })
}

async function main(options: CensusOptions): Promise<number> {
  const interrupt = new AbortController()
  const { signal } = interrupt
  process.on('SIGINT', () => {
    if (signal.aborted) process.exit(INTERRUPTED)
    console.error('\nstopping with what there is; Ctrl+C again to end at once')
    interrupt.abort()
  })
  const plan = await discover(options.path, options.limit, signal).catch(error => {
    throw new UsageError(`no census of ${options.path}: ${reasonOf(error)}`)
  })
  if (plan.files.length + plan.refused.length === 0 && !signal.aborted) {
    throw new UsageError(`no JavaScript files (.js, .mjs, .cjs) in ${plan.root}`)
  }
  console.error(`${count(plan.files.length)} files in ${plan.root}`)
  if (options.engines.length > 1) await warm(plan, signal)
  const runs = await runEngines(plan, options, signal)
  const limit = options.machineLimit && !signal.aborted ? await limitUnless(signal, plan, options) : undefined
  const shown = bestPass(runs.flatMap(run => run.passes))
  const comparison = compare(runs, limit)
  console.log(reportText(shown.report))
  if (!shown.complete) console.log(`\nThis is partial: ${count(shown.report.totals.missing)} files were not looked at.`)
  console.log(`\n${comparisonText(runs, comparison)}\n\n${await write({ shown, runs, comparison }, options)}`)
  if (signal.aborted) return INTERRUPTED
  return comparison.identical ? 0 : DIFFERENT
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options.help) console.log(usage)
  else process.exitCode = await main(options)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`census: ${error.message}\n\nnpm start -- --help shows what it takes`)
  process.exitCode = USAGE
}
