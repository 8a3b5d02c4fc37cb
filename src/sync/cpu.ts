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
  /** How much of that it computed: the rest the system worked for it, which may be slow at that. In steps of 10. */
  readonly computed: number
  /** Waited for a core, as far as that is over. */
  readonly waited: number
  /** Whether it runs or waits for a core now, and does not wait for anything else. */
  readonly runnable: boolean
}

/** What the system counts in (USER_HZ, which is 100 everywhere). */
const TICK_MS = 10

/** Undefined where nobody says. */
export function coreTime(thread: number): CoreTime | undefined {
  if (thread === 0) return undefined
  try {
    const [ran, waited] = readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // from the third on: its name may have blanks
    const computed = Number(fields[11]) * TICK_MS
    return { ran: Number(ran) / 1e6, computed, waited: Number(waited) / 1e6, runnable: fields[0] === 'R' }
  } catch {
    return undefined
  }
}

/**
 * How much of the `passed` ms from one look to the next a thread was not kept from working: by a want of cores, or because nothing of
 * its process ran.
 * @param most no more is known to have passed for a thread that did not run
 */
export function countable(
  passed: number,
  most: number,
  before: CoreTime | undefined,
  now: CoreTime | undefined,
): number {
  if (before === undefined || now === undefined) return Math.min(passed, most)
  // a wait for a core is counted only when it is over, so for one that goes on what counts is what it computed
  const own = now.runnable ? now.computed - before.computed : Math.min(passed - (now.waited - before.waited), most)
  return Math.max(0, Math.min(passed, own))
}

let own: number | undefined

/** Milliseconds that the calling thread ran; where nobody says, its process. */
export function ownRanTime(): number {
  own ??= systemThread()
  const known = coreTime(own)
  if (known !== undefined) return known.ran
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
