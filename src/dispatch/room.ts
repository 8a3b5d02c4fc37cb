// Who waits for room in the queue of a dispatcher. The event of each has been taken already: to wait is a brake and no bound,
// so to let somebody go never loses anything. What it keeps: nobody waits who is at work on an event, and nobody waits while
// events stand still: what holds them up may be that very wait, by ways that nobody here can see.
import { clearTimeout, setTimeout } from '../base/real-time.js'

/** After so long without an end of an event, events stand still. */
const STILL_MS = 1_000

/** Those who wait. */
export class Room {
  readonly #stillMs: number
  /** By agent; those that are none under ''. */
  readonly #waiting = new Map<string, (() => void)[]>()
  #timer: NodeJS.Timeout | undefined
  /** Whether an event ended since the timer began. */
  #moved = false

  constructor(stillMs = STILL_MS) {
    this.#stillMs = stillMs
  }

  /** Resolves when whoever waits is let go. @param agent who waits, if it is one */
  wait(agent = ''): Promise<void> {
    if (this.#timer === undefined) this.#watch()
    return new Promise(resolve => {
      const others = this.#waiting.get(agent)
      if (others === undefined) this.#waiting.set(agent, [resolve])
      else others.push(resolve)
    })
  }

  /** An event has ended. */
  moved(): void {
    this.#moved = true
  }

  /** An agent is at work on an event from now on. */
  release(agent: string): void {
    const waiting = this.#waiting.get(agent)
    if (waiting === undefined) return
    this.#waiting.delete(agent)
    if (this.#waiting.size === 0) this.#end()
    for (const go of waiting) go()
  }

  /** There is room. */
  releaseAll(): void {
    if (this.#waiting.size === 0) return
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    this.#end()
    for (const waiting of all) for (const go of waiting) go()
  }

  #watch(): void {
    this.#moved = false
    this.#timer = setTimeout(() => {
      if (this.#moved) this.#watch()
      else this.releaseAll()
    }, this.#stillMs)
  }

  #end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
