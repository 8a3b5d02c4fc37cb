// A census of a source tree, as a program of agents: what CPU-bound work looks like on Ringreeve, on real input.
//
//   npm start                      the project's own node_modules
//   npm start -- PATH --threads 4  any other tree; --help shows all options
//
//   main ── Take ──> reader ── Parse ──> parser/0 … parser/15 ── Banded ──> bands/0 … bands/7
//     │      (host: I/O)   (threads: acorn, MinHash) └─ Counted ──> aggregator/<run>   │
//     └──────────────────────── Close ──────────────────────────────────┴── Agreeing ──┘
//
// It runs once on the single loop and once on threads, checks that both reports are the same, and says how long each
// took and how late a 10 ms timer of the host loop was meanwhile. Ctrl+C ends it with what it has.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Census, takeCensus } from './engine.js'
import { reportPage } from './html.js'
import { type MachineLimit, machineLimit } from './limit.js'
import { type CensusOptions, readOptions, UsageError, usage } from './options.js'
import { reportHash } from './report.js'
import { progressBar } from './reporter.js'
import { comparison, engineName, reportText } from './summary.js'
import { count, seconds } from './text.js'
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
  const runs: Census[] = []
  for (const engine of options.engines) {
    const threads = engine === 'single' ? 0 : options.threads
    const bar = progressBar(engineName(threads), process.stderr)
    try {
      runs.push(await takeCensus(plan, threads, signal, state => bar.show(state)))
    } finally {
      bar.clear()
    }
    const last = runs.at(-1)!
    const { parsed, refused, found } = last.report.totals
    console.error(`${engineName(threads)}: ${count(parsed + refused)} of ${count(found)} files in ${seconds(last.ms)}`)
    if (signal.aborted) break
  }
  return runs
}

async function write(runs: readonly Census[], options: CensusOptions, limit?: MachineLimit): Promise<string> {
  const shown = runs.find(run => run.complete) ?? runs[0]!
  await mkdir(options.out, { recursive: true })
  await writeFile(join(options.out, 'report.json'), JSON.stringify(shown.report, undefined, 1))
  const path = join(options.out, 'report.html')
  await writeFile(path, reportPage(shown, runs, limit))
  return path
}

/** Ctrl+C reaches the processes that are measured as well: then there is no limit to show, which is no error. */
function limitUnless(signal: AbortSignal, plan: Plan, processes: number): Promise<MachineLimit | undefined> {
  return machineLimit(plan, processes).catch(error => {
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
  console.error(`${count(plan.files.length)} files in ${plan.root}`)
  if (options.engines.length > 1) await warm(plan, signal)
  const runs = await runEngines(plan, options, signal)
  const limit = options.machineLimit && !signal.aborted ? await limitUnless(signal, plan, options.threads) : undefined
  const shown = runs.find(run => run.complete) ?? runs[0]!
  console.log(reportText(shown.report))
  if (!shown.complete) console.log(`\nThis is partial: ${count(shown.report.totals.missing)} files were not looked at.`)
  console.log(`\n${comparison(runs, limit)}\n\n${await write(runs, options, limit)}`)
  if (signal.aborted) return INTERRUPTED
  return new Set(runs.map(run => reportHash(run.report))).size === 1 ? 0 : DIFFERENT
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
