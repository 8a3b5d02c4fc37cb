// Time that was lost to a thread: its process was suspended, it stood at a breakpoint, it got no core, or it was blocked. What it
// keeps: only what a thread did not run is lost, not what one of its handlers computed; as long as nothing is due nothing is paid; and
// each beat shows that the event loop goes round.
import type { Clock } from './clock.js'

const EVERY_MS = 100
/** Timers may be so late without a reason. */
const LATE_MS = 100

/** Counts the time that is lost while something is due. */
export class Pulse {
  readonly #clock: Clock
  readonly #ran: (() => number) | undefined
  readonly #wanted: () => boolean
  readonly #show: () => void
  #beating = false
  #at = 0
  #ranAt = 0
  /** Milliseconds. */
  lost = 0

  /**
   * @param ran milliseconds that the thread ran; undefined: its clock is not real, and no time is lost
   * @param wanted whether anything is due
   * @param show called at each beat
   */
  constructor(clock: Clock, ran: (() => number) | undefined, wanted: () => boolean, show: () => void) {
    this.#clock = clock
    this.#ran = ran
    this.#wanted = wanted
    this.#show = show
  }

  /** Something is due from now on. */
  begin(): void {
    const ran = this.#ran
    if (this.#beating || ran === undefined) return
    this.#beating = true
    this.#sample(this.#clock.now(), ran())
    this.#later()
  }

  /** Looks whether time was lost since the last beat. */
  look(): void {
    if (!this.#beating) return
    const now = this.#clock.now()
    const ran = this.#ran?.() ?? 0
    const idle = now - this.#at - EVERY_MS - (ran - this.#ranAt)
    this.#sample(now, ran)
    if (idle > LATE_MS) this.lost += idle
  }

  #sample(now: number, ran: number): void {
    this.#at = now
    this.#ranAt = ran
  }

  #later(): void {
    const beat = (): void => {
      this.look()
      this.#show()
      this.#beating = this.#wanted()
      if (this.#beating) this.#later()
    }
    this.#clock.after(EVERY_MS, beat, { weak: true })
  }
}
