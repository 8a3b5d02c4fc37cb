// The engines beside each other: whether they agree, and what the threads are worth, as numbers and in words.
import type { Census } from './engine.js'
import type { MachineLimit } from './limit.js'
import { reportHash } from './report.js'

export interface Comparison {
  /** Whether all complete passes of all engines gave the same report. */
  readonly identical: boolean
  /** Sentences for people. */
  readonly words: readonly string[]
}

/** One number for each of several passes, as their median and the range they lie in. */
function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [sorted[(sorted.length - 1) >> 1]!, sorted[sorted.length >> 1]!]
  const median = ((low + high) / 2).toFixed(2)
  return sorted.length === 1 ? median : `${median} (${sorted[0]!.toFixed(2)} to ${sorted.at(-1)!.toFixed(2)})`
}

/** What the threads are worth in some of the passes, as sentences; each pass is compared with its own neighbours. */
function worth(when: string, passes: readonly number[], runs: readonly Census[], limit?: MachineLimit): string[] {
  const [single, threads] = runs
  const complete = passes.filter(i => single?.passes[i]?.complete && threads?.passes[i]?.complete)
  if (complete.length === 0) return []
  const speedUp = (i: number): number => single!.passes[i]!.ms / threads!.passes[i]!.ms
  const words = [`The threads are ${spread(complete.map(speedUp))} times as fast ${when}.`]
  const measured = complete.filter(i => limit?.shared[i] !== undefined)
  if (limit === undefined || measured.length === 0) return words
  const allowed = (i: number): number => limit.one[i]! / limit.shared[i]!
  words.push(
    `${limit.processes} plain processes parse ${spread(measured.map(allowed))} times as fast as one: ` +
      `the threads reach ${spread(measured.map(i => speedUp(i) / allowed(i)))} of that.`,
  )
  return words
}

/** @param runs the single loop, then the threads; or only one of them */
export function compare(runs: readonly Census[], limit?: MachineLimit): Comparison {
  const complete = runs.flatMap(run => run.passes).filter(pass => pass.complete)
  const identical = new Set(complete.map(pass => reportHash(pass.report))).size <= 1
  const words: string[] = []
  if (complete.length > 1) words.push(`The ${complete.length} reports are ${identical ? 'identical' : 'DIFFERENT'}.`)
  const warm = Array.from(runs[0]?.passes.keys() ?? []).slice(1)
  words.push(...worth('in the first pass', [0], runs, limit), ...worth('once warm', warm, runs, limit))
  return { identical, words }
}
