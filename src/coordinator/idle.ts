// Idle detection by counting (after Mattern's four-counter method): everything that is begun or shown only ever
// counts up, and so does everything ended or consumed. Read all that ended first and all that began afterwards; if the
// sums are equal, there was a moment in between when nothing was under way. Sums are taken mod 2^32, which is enough
// for their equality. Nobody polls: a loop that has ended all it began, while `idleWanted` is set, rings the host.
import type { House, Status } from '../sync/status.js'
import type { RingGauge } from '../transport/ring.js'

/** What has to be counted now. */
export interface Counted {
  readonly statuses: Iterable<Status>
  readonly rings: Iterable<RingGauge>
  /** False while a loop is being replaced or moved: its part of the sums is in motion. */
  readonly steady: boolean
}

/** Tells who waits when all is idle. */
export class IdleWatch {
  readonly #house: House
  readonly #counted: () => Counted
  #waiting: (() => void)[] = []
  #over = false

  constructor(house: House, counted: () => Counted) {
    this.#house = house
    this.#counted = counted
  }

  /** Resolves when nothing is queued, running or on its way on any loop. */
  wait(): Promise<void> {
    if (this.#over) return Promise.resolve()
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      this.#house.idleWanted = true
      this.look()
    })
  }

  /** The run is over: nothing is under way any more that anybody could wait for. */
  end(): void {
    this.#over = true
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Looks, and tells who waits. */
  look(): void {
    if (this.#waiting.length === 0 || !this.#idle()) return
    this.#house.idleWanted = false
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** At least how many messages no loop counts as queued, because they are on their way: for each ring with any, one. */
  get onTheWay(): number {
    const { statuses, rings, steady } = this.#counted()
    let count = steady ? 0 : 1 // what is for a loop that is being replaced waits where nobody counts it
    for (const ring of [...rings]) if (ring.head !== ring.tail) count++
    // after the rings: what was taken out of one meanwhile was shown as accepted before
    for (const status of statuses) count += status.unshown
    return count
  }

  #idle(): boolean {
    return this.accepted !== undefined
  }

  /** If nothing is under way: what all loops together have accepted, mod 2^32. */
  get accepted(): number | undefined {
    const { statuses, rings, steady } = this.#counted()
    if (!steady) return undefined
    const all = [...statuses]
    const gauges = [...rings]
    let ended = 0
    for (const status of all) ended = (ended + status.done) | 0
    for (const ring of gauges) ended = (ended + ring.head) | 0
    let accepted = 0
    for (const status of all) accepted = (accepted + status.accepted) | 0
    let begun = accepted
    for (const ring of gauges) begun = (begun + ring.tail) | 0
    return ended === begun ? accepted : undefined
  }
}
