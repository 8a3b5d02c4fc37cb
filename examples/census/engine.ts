// The census on one engine: the same agents and the same messages, with threads or without. The only difference
// between the engines is the number in `createRuntime({ threads })`.
import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { createRuntime, type Runtime } from 'ringreeve'
import { Close, type ProgressState, Take } from './messages.js'
import { reader } from './reader.js'
import type { CensusReport } from './report.js'
import { reporter } from './reporter.js'
import { type TimerDelay, timerDelay, watchTimer } from './timer.js'
import type { Plan } from './tree.js'

/** One pass over all files. */
export interface Pass {
  readonly report: CensusReport
  readonly ms: number
  /** Whether every file of the plan was dealt with. */
  readonly complete: boolean
}

export interface Census {
  readonly threads: number
  /**
   * The first begins before the threads are started, and in it every thread compiles the parser's code for itself; in
   * the others that is done.
   */
  readonly passes: readonly Pass[]
  /** Of all passes together. */
  readonly timer: TimerDelay
}

export interface CensusSettings {
  readonly plan: Plan
  /** 0 is the single loop. */
  readonly threads: number
  /** Ends it early; the last report is then of what has been parsed. */
  readonly signal: AbortSignal
  readonly show: (state: ProgressState, pass: number) => void
}

/** Lanes of the reader for each thread: enough that none runs dry while others of its lanes wait for the disk. */
const LANES = 32

/**
 * Room for what one thread publishes while the other is deep in a large file: with the default of 256 KiB the ring
 * fills up in a second, and a publisher that waits for room parses nothing.
 */
const RING_BYTES = 2 * 1024 * 1024

const modules = ['./parser.js', './bands.js', './aggregator.js'].map(file => new URL(file, import.meta.url))

/** Sends the files through the agents, under a correlation id of their own, and asks for what they come to. */
async function takePass(runtime: Runtime, plan: Plan, signal: AbortSignal): Promise<CensusReport> {
  const run = randomUUID()
  try {
    await runtime.send(Take, { run, plan }, 'reader/default', { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
  // What the parsers published has been accepted, not yet handled: the report waits until every queue is empty.
  await runtime.idle()
  const subject = { root: plan.root, found: plan.files.length + plan.refused.length, links: plan.links }
  return runtime.send(Close, { run, subject }, `aggregator/${run}`)
}

/** An engine that takes the census as often as it is told to; between its passes others have the machine. */
export class Engine implements AsyncDisposable {
  readonly #settings: CensusSettings
  readonly #done: Pass[] = []
  readonly #late: number[] = []
  #runtime: Runtime | undefined

  constructor(settings: CensusSettings) {
    this.#settings = settings
  }

  get census(): Census {
    return { threads: this.#settings.threads, passes: this.#done, timer: timerDelay(this.#late) }
  }

  async pass(): Promise<Pass> {
    const { plan, signal } = this.#settings
    const stopTimer = watchTimer(this.#late)
    const began = performance.now()
    this.#runtime ??= await this.#open()
    const report = await takePass(this.#runtime, plan, signal)
    const pass = { report, ms: performance.now() - began, complete: report.totals.missing === 0 }
    stopTimer()
    this.#done.push(pass)
    return pass
  }

  #open(): Promise<Runtime> {
    const { threads, show } = this.#settings
    const lanes = LANES * Math.max(1, threads)
    const onLoop = [reader(lanes), reporter(state => show(state, this.#done.length + 1))]
    return createRuntime({ threads, ringBytes: RING_BYTES, agents: [...onLoop, ...modules] })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runtime?.close()
  }
}

/** The pass to show: the last that is complete, else what there is. */
export function bestPass(passes: readonly Pass[]): Pass {
  return passes.findLast(pass => pass.complete) ?? passes[0]!
}
