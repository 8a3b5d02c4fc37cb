// One census on one engine: the same agents and the same messages, with threads or without. The only difference
// between the engines is the number in `createRuntime({ threads })`.
import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { createRuntime } from 'ringreeve'
import { Close, type ProgressState, Take } from './messages.js'
import { reader } from './reader.js'
import type { CensusReport } from './report.js'
import { reporter } from './reporter.js'
import { type TimerDelay, watchTimer } from './timer.js'
import type { Plan } from './tree.js'

export interface Census {
  readonly report: CensusReport
  readonly threads: number
  /** From before the threads are started to the report in hand. */
  readonly ms: number
  readonly timer: TimerDelay
  /** Whether every file of the plan was dealt with. */
  readonly complete: boolean
}

const modules = ['./parser.js', './bands.js', './aggregator.js'].map(file => new URL(file, import.meta.url))

/**
 * Takes the census.
 * @param threads 0 is the single loop
 * @param signal ends it early; the report is then of what has been parsed
 */
export async function takeCensus(
  plan: Plan,
  threads: number,
  signal: AbortSignal,
  show: (state: ProgressState) => void,
): Promise<Census> {
  const stopTimer = watchTimer()
  const began = performance.now()
  const lanes = Math.max(16, 8 * threads)
  await using runtime = await createRuntime({ threads, agents: [reader(lanes), reporter(show), ...modules] })
  const run = randomUUID()
  try {
    await runtime.send(Take, { run, plan }, 'reader/default', { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
  // What the parsers published has been accepted, not yet handled: the report waits until every queue is empty.
  await runtime.idle()
  const subject = { root: plan.root, found: plan.files.length + plan.refused.length, links: plan.links }
  const report = await runtime.send(Close, { run, subject }, `aggregator/${run}`)
  const ms = performance.now() - began
  return { report, threads, ms, timer: stopTimer(), complete: report.totals.missing === 0 }
}
