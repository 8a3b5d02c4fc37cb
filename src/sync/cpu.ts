// How long a thread was ready to run and did not get a core, so that a machine that is busy with something else is not
// taken for a thread that hangs. Linux says so per thread; elsewhere nothing is known.
import { readFileSync, readlinkSync } from 'node:fs'

/** The number by which the operating system knows the calling thread; 0 where it does not say. */
export function systemThread(): number {
  try {
    return Number(/\/task\/(\d+)$/.exec(readlinkSync('/proc/thread-self'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** Milliseconds that a thread of this process has waited for a core since it began; 0 where nobody says. */
export function waitedForCore(thread: number): number {
  if (thread === 0) return 0
  try {
    const [, waited] = readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')
    return Number(waited) / 1e6
  } catch {
    return 0
  }
}
