// How late timers are on this event loop: whether a host stays responsive while it works.
const EVERY_MS = 2

/** Measures while it runs; may be started again, and goes on collecting. */
export class LagMeter {
  readonly #late: number[] = []
  #timer: NodeJS.Timeout | undefined

  start(): void {
    let due = performance.now() + EVERY_MS
    const look = () => {
      const now = performance.now()
      this.#late.push(Math.max(0, now - due))
      due = now + EVERY_MS
      this.#timer = setTimeout(look, EVERY_MS)
    }
    this.#timer = setTimeout(look, EVERY_MS)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** Milliseconds; undefined if no timer was ever due. */
  at(share: number): number | undefined {
    if (this.#late.length === 0) return undefined
    return quantile(this.#late, share)
  }
}

/** The value below which `share` of all lie. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
}
