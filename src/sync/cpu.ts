// How much a thread has worked, so that a machine that is busy with something else is not taken for a thread that hangs.
// Linux says so per thread; elsewhere nothing is known, and all time counts.
import { readFileSync, readlinkSync } from 'node:fs'

/** The number by which the operating system knows the calling thread; 0 where it does not say. */
export function systemThread(): number {
  try {
    return Number(/\/task\/(\d+)$/.exec(readlinkSync('/proc/thread-self'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** What the operating system says of a thread of this process, in milliseconds since it began. */
export interface CoreTime {
  readonly ran: number
  /** Waited for a core, as far as that is over. */
  readonly waited: number
  /** Whether it runs or waits for a core now, and does not wait for anything else. */
  readonly runnable: boolean
}

/** Undefined where nobody says. */
export function coreTime(thread: number): CoreTime | undefined {
  if (thread === 0) return undefined
  try {
    const [ran, waited] = readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8')
    return { ran: Number(ran) / 1e6, waited: Number(waited) / 1e6, runnable: stat[stat.lastIndexOf(')') + 2] === 'R' }
  } catch {
    return undefined
  }
}

/** How much of `passed` ms, from one look to the next, a thread was not kept from working by a want of cores. */
export function countable(passed: number, before: CoreTime | undefined, now: CoreTime | undefined): number {
  if (before === undefined || now === undefined) return passed
  // a wait for a core is counted only when it is over, so for one that goes on what counts is what it ran
  const own = now.runnable ? now.ran - before.ran : passed - (now.waited - before.waited)
  return Math.max(0, Math.min(passed, own))
}
