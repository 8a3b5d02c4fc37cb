// What may wait for itself: calls that come back to who waits for them, and turns that wait for room. Whether it does cannot be known
// when it begins to wait. What this keeps: what has waited for a second is looked at, and again each second as long as it waits;
// nothing is paid for before but a place in a list.
import type { Alarm, Clock } from './clock.js'
import type { Message } from './message.js'

/** How long something may wait before it is looked at. */
const LOOK_MS = 1_000

/** What was found out in one round of looks: by mailbox, the messages in it if there is nothing wrong with it. */
export type Round = Map<object, ReadonlySet<Message>>

/** Looks at what waits. @param round all that is due at the same moment is looked at in one @returns whether it goes on waiting */
export type Look = (round: Round) => boolean

/** The long waits of one loop. */
export class Waits {
  readonly #clock: Clock
  /** In the order in which they are due. */
  readonly #waiting = new Set<{ readonly look: Look; at: number }>()
  #alarm: Alarm | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something waits. @returns to be called when it does no longer, if that is known */
  watch(look: Look): () => void {
    const one = { look, at: this.#clock.now() + LOOK_MS }
    this.#waiting.add(one)
    if (this.#alarm === undefined) this.#lookIn(LOOK_MS)
    return () => void this.#waiting.delete(one)
  }

  /** The loop has stopped. */
  end(): void {
    this.#waiting.clear()
    this.#alarm?.cancel()
    this.#alarm = undefined
  }

  #lookIn(ms: number): void {
    this.#alarm = this.#clock.after(ms, this.#look)
  }

  readonly #look = (): void => {
    this.#alarm = undefined
    const now = this.#clock.now()
    const round: Round = new Map()
    for (const one of this.#waiting) {
      if (one.at > now) break
      // out of the list while it is looked at: whoever ends the loop meanwhile ends all
      this.#waiting.delete(one)
      if (!one.look(round)) continue
      one.at = now + LOOK_MS
      this.#waiting.add(one)
    }
    const [next] = this.#waiting
    if (next !== undefined && this.#alarm === undefined) this.#lookIn(next.at - now)
  }
}
