// A clock that stands still until a test moves it. What it keeps: alarms go off in the order of their times (of equal
// times: in the order in which they were set), each at its own time, and the loop has done all it can before the next.

import { shown } from '../agent/check.js'
import { InvalidArgumentError } from '../agent/errors.js'
import { setImmediate } from '../base/real-time.js'
import type { Alarm, Clock } from '../loop/base/clock.js'

interface Pending {
  readonly at: number
  readonly work: () => void
}

/**
 * A clock for tests: give it to a single loop, then move it. `Date.now()`, `setTimeout` and I/O stay what they are;
 * agents that are to be driven wait with `ctx.sleep`, `ctx.after` and `every`.
 * @example
 * const pulse = agent('pulse').every(1_000, ctx => ctx.publish(Hashed, { total: 1 }))
 * const clock = new TestClock()
 * await using runtime = await createRuntime({ threads: 0, agents: [pulse], clock })
 * await runtime.get('pulse/x', { lazy: false })
 * await clock.advance(60_000) // 61 ticks: one at once, then one each second
 */
export class TestClock implements Clock {
  #now = 0
  readonly #pending: Pending[] = []
  readonly #loops = new Set<{ hasWork(): boolean }>()

  /** Milliseconds since this clock was made. */
  now(): number {
    return this.#now
  }

  /** How many alarms are set: 0 when everything has stopped. */
  get pending(): number {
    return this.#pending.length
  }

  /** Runs `work` once, when the clock has been moved on by `ms`. */
  after(ms: number, work: () => void): Alarm {
    const alarm = { at: this.#now + ms, work }
    const later = this.#pending.findIndex(({ at }) => at > alarm.at)
    this.#pending.splice(later < 0 ? this.#pending.length : later, 0, alarm)
    return { cancel: () => this.#remove(alarm) }
  }

  /** For the loop that goes by this clock: `settle()` waits for it. */
  join(loop: { hasWork(): boolean }): void {
    this.#loops.add(loop)
  }

  /**
   * Moves on by `ms`: everything due goes off, at its time, and what it leads to is done before the next.
   * @throws InvalidArgumentError when `ms` is negative or no number
   * @example
   * const clock = new TestClock()
   * clock.after(1_000, () => console.log('ring'))
   * await clock.advance(1_000)
   */
  async advance(ms: number): Promise<void> {
    if (typeof ms !== 'number' || !(ms >= 0))
      throw new InvalidArgumentError(`advance() takes milliseconds from 0, got ${shown(ms)}`)
    const end = this.#now + ms
    await this.settle()
    for (let next = this.#pending[0]; next !== undefined && next.at <= end; next = this.#pending[0]) {
      this.#now = next.at
      this.#remove(next)
      next.work()
      await this.settle()
    }
    this.#now = Math.max(this.#now, end) // somebody else may have moved it further meanwhile
  }

  /** Waits until the loops have nothing to do but wait for this clock or for the world outside. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 2; quiet++) {
      await new Promise(resolve => setImmediate(resolve))
      for (const loop of this.#loops) if (loop.hasWork()) quiet = -1
    }
  }

  #remove(alarm: Pending): void {
    const at = this.#pending.indexOf(alarm)
    if (at >= 0) this.#pending.splice(at, 1)
  }
}
