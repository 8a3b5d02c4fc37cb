// How long nothing has come to an agent, for the unloading of idle ones. What it keeps: messages keep an agent loaded, and one-shot
// timers; ticks and loops do not.
import type { Alarm, Clock } from '../base/clock.js'

/** Tells when an agent has been idle for long. */
export class Idleness {
  readonly #clock: Clock
  readonly #after: number
  readonly #busy: () => boolean
  readonly #working: () => boolean
  readonly #idle: () => void
  #lastTurn: number
  /** Whether it is idle but for a tick that is at work: that ends first. */
  #due = false
  #alarm: Alarm | undefined

  /**
   * @param after milliseconds
   * @param busy whether anything but ticks is at work or waits
   * @param working whether anything is at work
   * @param idle told once
   */
  constructor(clock: Clock, after: number, busy: () => boolean, working: () => boolean, idle: () => void) {
    this.#clock = clock
    this.#after = after
    this.#busy = busy
    this.#working = working
    this.#idle = idle
    this.#lastTurn = clock.now()
    this.#lookIn(after)
  }

  /** A turn that was no tick has ended. */
  noteTurn(): void {
    this.#lastTurn = this.#clock.now()
  }

  /** A tick has ended; its outcome is told after this. */
  noteTick(): void {
    if (!this.#due) return
    this.#due = false
    this.#lookIn(0)
  }

  end(): void {
    this.#alarm?.cancel()
  }

  #lookIn(ms: number): void {
    this.#alarm = this.#clock.after(ms, this.#look, { weak: true })
  }

  readonly #look = (): void => {
    const left = this.#busy() ? this.#after : this.#after - (this.#clock.now() - this.#lastTurn)
    if (left > 0) this.#lookIn(left)
    else if (this.#working()) this.#due = true
    else this.#idle()
  }
}
