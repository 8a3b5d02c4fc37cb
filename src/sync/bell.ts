// The bell: one word that says whether a loop is awake. The invariant: whoever turns the word from asleep to AWAKE
// does what that kind of sleep needs, so each sleep is ended once; and a loop that is on its way out of sleep counts as
// awake from the moment its waker decided. How many loops are awake is counted anew each time, bell by bell, and no counter is
// kept: it would be wrong for ever after a thread was killed between two steps.
//
//      sleeper                                   waker
//      bell = PARKED or WAITING                  show frames (store tail)
//      look at the rings once more               load bell
//      work there? CAS(bell, mine, AWAKE)        asleep? CAS(bell, seen, AWAKE)
//         won or lost: it is awake, go on           won: wake it (doorbell or notify)
//      nothing: sleep; then CAS again               lost: another waker has done it
//
// test/model/bell.pml is this protocol for a model checker. A loop that dozes needs none of it: it looks again soon.
import { Status } from './status.js'

/** What the bell of a loop says. */
export const AWAKE = 0
/** Asleep until a doorbell message comes. */
export const PARKED = 1
/** Asleep in `Atomics.wait` on the bell itself. */
export const WAITING = 2
/** Asleep until a doorbell message comes, or for a millisecond: then it looks by itself, whether rung or not. */
export const DOZING = 3
export type Asleep = typeof PARKED | typeof WAITING | typeof DOZING

/** The bell of one life of one loop, seen from any thread. */
export class Bell {
  readonly #words: Int32Array

  constructor(status: Status) {
    this.#words = status.words
  }

  /** For the loop itself: says that it is about to sleep. It must look for work once more after this. */
  arm(kind: Asleep): void {
    Atomics.store(this.#words, Status.bell, kind) // before the last look at the rings: who shows work later sees it
  }

  /** For the loop itself: wakes without having been rung. Harmless when a waker was quicker or it never slept. */
  disarm(): void {
    const seen = Atomics.load(this.#words, Status.bell) // only this loop arms, so a sleep seen here is its own
    if (seen === AWAKE) return
    Atomics.compareExchange(this.#words, Status.bell, seen, AWAKE) // one winner: this loop or a waker
  }

  /** For the loop itself: sleeps until rung, at most `ms`. Returns at once when a waker was quicker. */
  wait(ms: number): void {
    Atomics.wait(this.#words, Status.bell, WAITING, ms) // compares and sleeps in one step: no ring falls between
    this.disarm()
  }

  /**
   * For others: wakes the loop if it sleeps, after the work was shown.
   * @param patient whether a loop that dozes may find the work by itself
   * @returns true when the caller must now send one doorbell message
   */
  ring(patient = false): boolean {
    const seen = Atomics.load(this.#words, Status.bell) // after the tail was stored: sleeper or waker sees the other
    if (seen === AWAKE || (patient && seen === DOZING)) return false
    const found = Atomics.compareExchange(this.#words, Status.bell, seen, AWAKE) // one winner per sleep
    if (found !== seen) return false
    if (seen !== WAITING) return true
    Atomics.notify(this.#words, Status.bell) // the sleeper compares AWAKE when it is not yet asleep
    return false
  }

  /** For others: ends an `Atomics.wait` sleep only, so that the loop's event loop takes the message it was sent. */
  interrupt(): void {
    Atomics.store(this.#words, Status.called, 1) // before the bell is looked at: a loop that arms now sees one or the other
    Atomics.compareExchange(this.#words, Status.bell, WAITING, AWAKE) // one winner per sleep
    Atomics.notify(this.#words, Status.bell) // also when the winner died before it could
  }

  /** For the loop itself, after arming: whether a message came that only its event loop can take. */
  called(): boolean {
    return Atomics.exchange(this.#words, Status.called, 0) === 1 // taken once: the event loop gets its turn now
  }

  /** Whether the loop is awake, or about to be. */
  get awake(): boolean {
    return Atomics.load(this.#words, Status.bell) === AWAKE // a hint: how many may poll
  }
}
