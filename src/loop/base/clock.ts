// Time, as a loop sees it: deadlines, intervals, timers, limits of sends and the unloading of idle agents all go through
// one clock, so that a test can drive them all. How long work took is measured beside it, on the real clock.
import type { House } from '../../sync/status.js'
import type { EventLoop } from './event-loop.js'

/**
 * Something that is going to happen, as {@link Clock.after} returns it.
 * @example
 * const alarm: Alarm = new TestClock().after(1_000, () => console.log('ring'))
 * alarm.cancel()
 */
export interface Alarm {
  /** It will not happen, or has happened already. */
  cancel(): void
}

/**
 * Options of {@link Clock.after}.
 * @example
 * const ring = (clock: Clock) => clock.after(1_000, () => console.log('ring'), { weak: true })
 */
export interface AlarmOptions {
  /** Does not keep the process alive. Default false. */
  readonly weak?: boolean
}

/**
 * A clock for a single loop; `ringreeve/testing` has one that tests drive.
 * @example
 * const tenTimesFaster: Clock = {
 *   now: () => performance.now() * 10,
 *   after(ms, work, { weak = false } = {}) {
 *     const timeout = setTimeout(work, ms / 10)
 *     if (weak) timeout.unref()
 *     return { cancel: () => clearTimeout(timeout) }
 *   },
 * }
 * await createRuntime({ threads: 0, agents: [hasher], clock: tenTimesFaster })
 */
export interface Clock {
  /** Milliseconds that have passed; only differences mean anything. */
  now(): number
  /** Runs `work` once, `ms` from now. */
  after(ms: number, work: () => void, options?: AlarmOptions): Alarm
  /** Told by a loop that goes by this clock, which says whether it has something to do now. Not called for threads. */
  join?(loop: { hasWork(): boolean }): void
}

/** The real clock: the machine's steady time, which all threads share. */
export class SteadyClock implements Clock {
  readonly #house: House
  readonly #eventLoop: EventLoop

  constructor(house: House, eventLoop: EventLoop) {
    this.#house = house
    this.#eventLoop = eventLoop
  }

  now(): number {
    return this.#house.now()
  }

  after(ms: number, work: () => void, { weak = false }: AlarmOptions = {}): Alarm {
    const timeout = this.#eventLoop.after(ms, work)
    if (weak) timeout.unref()
    return { cancel: () => timeout.close() }
  }
}
