// A lull: what agents do of themselves (ticks, background loops) waits, so that the loop comes to rest and stays there until
// somebody has looked at all of it. What it keeps: what waits goes on when the lull is over, in the order in which it came.

/** The lulls of one loop, one at a time. */
export class Lull {
  #on = false
  #waiting: (() => void)[] = []

  /** Whether what agents do of themselves waits. */
  get on(): boolean {
    return this.#on
  }

  begin(): void {
    this.#on = true
  }

  end(): void {
    this.#on = false
    for (const go of this.#waiting.splice(0)) go()
  }

  /** Does `work`, which never throws, now, or when the lull is over. */
  pass(work: () => void): void {
    if (this.#on) this.#waiting.push(work)
    else work()
  }
}
