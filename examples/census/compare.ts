// The engines beside each other: whether they agree, and what the threads are worth, as numbers and in words.
import type { Census } from './engine.js'
import type { MachineLimit } from './limit.js'
import { reportHash } from './report.js'
import { seconds } from './text.js'

export interface Comparison {
  /** Whether all complete passes of all engines gave the same report. */
  readonly identical: boolean
  /** Sentences for people. */
  readonly words: readonly string[]
}

const passName = (pass: number): string => (pass === 0 ? 'in the first pass' : 'once warm')

export function compare(runs: readonly Census[], limit?: MachineLimit): Comparison {
  const complete = runs.flatMap(run => run.passes).filter(pass => pass.complete)
  const identical = new Set(complete.map(pass => reportHash(pass.report))).size <= 1
  const words: string[] = []
  if (complete.length > 1) words.push(`The ${complete.length} reports are ${identical ? 'identical' : 'DIFFERENT'}.`)
  const [single, threads] = runs
  // The first and the last pass: what is between is as warm as the last.
  for (const pass of new Set([0, (single?.passes.length ?? 1) - 1])) {
    const [one, many] = [single?.passes[pass], threads?.passes[pass]]
    if (!one?.complete || !many?.complete) continue
    const speedUp = one.ms / many.ms
    words.push(`The threads are ${speedUp.toFixed(2)} times as fast ${passName(pass)}.`)
    const ratio = limit?.ratios[pass]
    if (limit === undefined || ratio === undefined) continue
    words.push(
      `The machine itself allows ${ratio.toFixed(2)} (${seconds(limit.one[pass]!)} in one plain process, ` +
        `${seconds(limit.shared[pass]!)} in ${limit.processes}): the threads reach ${(speedUp / ratio).toFixed(2)} of that.`,
    )
  }
  return { identical, words }
}
