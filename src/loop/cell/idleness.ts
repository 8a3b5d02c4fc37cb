// How long nothing has come to an agent, for the unloading of idle ones. What it keeps: messages keep an agent loaded, and one-shot
// timers; ticks and loops do not.
import type { Alarm, Clock } from '../base/clock.js'

/** Tells when an agent has been idle for long. */
export class Idleness {
  readonly #clock: Clock
  readonly #after: number
  readonly #busy: () => boolean
  readonly #idle: () => void
  #lastTurn: number
  #alarm: Alarm | undefined

  /**
   * @param after milliseconds
   * @param busy whether anything but ticks is at work or waits
   * @param idle told once
   */
  constructor(clock: Clock, after: number, busy: () => boolean, idle: () => void) {
    this.#clock = clock
    this.#after = after
    this.#busy = busy
    this.#idle = idle
    this.#lastTurn = clock.now()
    this.#lookIn(after)
  }

  /** A turn that was no tick has ended. */
  noteTurn(): void {
    this.#lastTurn = this.#clock.now()
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
    else this.#idle()
  }
}
