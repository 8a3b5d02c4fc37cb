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
// late a 10 ms timer of the host loop was meanwhile. Each engine goes over the tree three times, in turn: in the first
// pass V8 still compiles the parser, once per thread and on cores that the threads want, which hides what threads are
// worth to a program that goes on; the others are warm. Ctrl+C ends it with what it has.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compare } from './compare.js'
import { bestPass, type Census, Engine } from './engine.js'
import { type ReportPage, reportPage } from './html.js'
import { Limit, type MachineLimit } from './limit.js'
import type { ProgressState } from './messages.js'
import { type CensusOptions, readOptions, UsageError, usage } from './options.js'
import { type ProgressBar, progressBar } from './reporter.js'
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

/** What the engines came to, and the machine itself if that was asked for. */
interface Findings {
  readonly runs: readonly Census[]
  readonly limit: MachineLimit | undefined
}

function startEngines(plan: Plan, options: CensusOptions, signal: AbortSignal, bar: ProgressBar): Engine[] {
  return options.engines.map(name => {
    const threads = name === 'single' ? 0 : options.threads
    const show = (state: ProgressState, pass: number): void => bar.show(passName(threads, pass), state)
    return new Engine({ plan, threads, signal, show })
  })
}

const passName = (threads: number, pass: number): string => `${engineName(threads)}, pass ${pass}`

/**
 * Every pass is taken by each engine in turn, and by the plain processes: what is compared are neighbours in time, so a
 * machine that gets slower meanwhile is not taken for an engine that is.
 */
async function takeTurns(plan: Plan, options: CensusOptions, signal: AbortSignal): Promise<Findings> {
  const bar = progressBar(process.stderr)
  const engines = startEngines(plan, options, signal, bar)
  using limit = options.machineLimit ? new Limit(plan, options.threads) : undefined
  // Ctrl+C reaches the plain processes as well: that they end is no error then.
  const unlessStopped = (error: unknown): void => {
    if (!signal.aborted) throw error
  }
  try {
    await limit?.load(plan.root).catch(unlessStopped)
    for (let pass = 1; pass <= options.passes; pass++) {
      for (const engine of engines) {
        // Who stops it at once sees a report all the same, of nothing.
        if (signal.aborted && engines[0]!.census.passes.length > 0) break
        const { report, ms } = await engine.pass()
        bar.clear()
        const { parsed, refused, found } = report.totals
        const name = passName(engine.census.threads, pass)
        console.error(`${name}: ${count(parsed + refused)} of ${count(found)} files in ${seconds(ms)}`)
      }
      if (!signal.aborted) await limit?.pass().catch(unlessStopped)
    }
  } finally {
    bar.clear()
    await Promise.all(engines.map(engine => engine[Symbol.asyncDispose]()))
  }
  return { runs: engines.map(engine => engine.census).filter(run => run.passes.length > 0), limit: limit?.measured }
}

async function write(page: ReportPage, options: CensusOptions): Promise<string> {
  await mkdir(options.out, { recursive: true })
  await writeFile(join(options.out, 'report.json'), JSON.stringify(page.shown.report, undefined, 1))
  const path = join(options.out, 'report.html')
  await writeFile(path, reportPage(page))
  return path
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
  const { runs, limit } = await takeTurns(plan, options, signal)
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
