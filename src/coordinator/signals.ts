// The signals that end a process in which a runtime is run. What it keeps: they are listened to only as long as one runs, once for
// each signal, whoever else listens; and what is counted is how often they come: the first time every run is asked to stop, and
// the next time, if all were asked before, it does what it does by default.
import { clearInterval, setInterval } from '../base/real-time.js'

/** Somebody who waits for a runtime to end. */
interface Run {
  /** Never throws. */
  readonly stop: () => void
  asked: boolean
}

/** By signal: the runs that it asks. */
const heeding = new Map<NodeJS.Signals, Set<Run>>()

function came(signal: NodeJS.Signals): void {
  const runs = [...(heeding.get(signal) ?? [])]
  const first = runs.filter(run => !run.asked)
  for (const run of first) run.asked = true
  for (const run of first) run.stop()
  if (first.length > 0) return
  for (const run of runs) unheed(signal, run)
  process.kill(process.pid, signal) // not ours any more: whatever it does by default
}

function heed(signal: NodeJS.Signals, run: Run): void {
  const runs = heeding.get(signal)
  if (runs !== undefined) return void runs.add(run)
  process.on(signal, came)
  heeding.set(signal, new Set([run]))
}

function unheed(signal: NodeJS.Signals, run: Run): void {
  const runs = heeding.get(signal)
  if (runs?.delete(run) !== true || runs.size > 0) return
  heeding.delete(signal)
  process.off(signal, came)
}

/**
 * Keeps the process, and takes its signals, until `ended` has settled.
 * @param stop stops the runtime, if it is not stopping already; never throws
 */
export async function heedSignals(
  signals: readonly NodeJS.Signals[],
  ended: Promise<void>,
  stop: () => void,
): Promise<void> {
  const run: Run = { stop, asked: false }
  let alive: ReturnType<typeof setInterval> | undefined
  try {
    alive = setInterval(() => {}, 2 ** 30) // signals alone do not keep a process
    for (const signal of signals) heed(signal, run)
    await ended
  } finally {
    clearInterval(alive)
    for (const signal of signals) unheed(signal, run)
  }
}
