// The bell: one word that says whether a loop is awake. The invariant: whoever turns the word from asleep to AWAKE
// counts the loop as awake, and does what its kind of sleep needs; so each sleep is ended once and the count of
// awake loops is right the moment a waker decides, not when the sleeper gets to run.
//
//      sleeper                                   waker
//      awake -= 1                                publish frames (store tail)
//      bell = PARKED or WAITING                  load bell
//      look at the rings once more               asleep? CAS(bell, seen, AWAKE)
//      work there? CAS(bell, mine, AWAKE)           won: awake += 1, wake it (doorbell or notify)
//         won: awake += 1, go on                    lost: another waker has done it
//         lost: a waker was quicker, go on
//      nothing: sleep
//
// test/model/bell.pml is this protocol for a model checker.
import { type House, Status } from './status.js'

/** What the bell of a loop says. */
export const AWAKE = 0
/** Asleep until a doorbell message comes. */
export const PARKED = 1
/** Asleep in `Atomics.wait` on the bell itself. */
export const WAITING = 2
export type Asleep = typeof PARKED | typeof WAITING

/** The bell of one life of one loop, seen from any thread. */
export class Bell {
  readonly #words: Int32Array
  readonly #house: House

  constructor(status: Status, house: House) {
    this.#words = status.words
    this.#house = house
  }

  /** For the loop itself: says that it is about to sleep. It must look for work once more after this. */
  arm(kind: Asleep): void {
    this.#house.addAwake(-1)
    Atomics.store(this.#words, Status.bell, kind) // before the last look at the rings: a later publisher sees it
  }

  /** For the loop itself: wakes without having been rung. Harmless when a waker was quicker or it never slept. */
  disarm(): void {
    const seen = Atomics.load(this.#words, Status.bell) // only this loop arms, so a sleep seen here is its own
    if (seen === AWAKE) return
    const found = Atomics.compareExchange(this.#words, Status.bell, seen, AWAKE) // one winner: this loop or a waker
    if (found === seen) this.#house.addAwake(1)
  }

  /** For the loop itself: sleeps until rung, at most `ms`. Returns at once when a waker was quicker. */
  wait(ms: number): void {
    Atomics.wait(this.#words, Status.bell, WAITING, ms) // compares and sleeps in one step: no ring falls between
    this.disarm()
  }

  /**
   * For others: wakes the loop if it sleeps, after the work was published.
   * @returns true when the caller must now send one doorbell message
   */
  ring(): boolean {
    const seen = Atomics.load(this.#words, Status.bell) // after the tail was stored: sleeper or waker sees the other
    if (seen === AWAKE) return false
    const found = Atomics.compareExchange(this.#words, Status.bell, seen, AWAKE) // one winner per sleep
    if (found !== seen) return false
    this.#house.addAwake(1)
    if (seen === PARKED) return true
    Atomics.notify(this.#words, Status.bell) // the sleeper compares AWAKE when it is not yet asleep
    return false
  }

  /** For others: ends an `Atomics.wait` sleep only, so that the loop's event loop takes the message it was sent. */
  interrupt(): void {
    const found = Atomics.compareExchange(this.#words, Status.bell, WAITING, AWAKE) // one winner per sleep
    if (found !== WAITING) return
    this.#house.addAwake(1)
    Atomics.notify(this.#words, Status.bell) // as in ring()
  }

  /** Whether the loop is counted as awake. */
  get awake(): boolean {
    return Atomics.load(this.#words, Status.bell) === AWAKE // for the count of a loop that died
  }
}
