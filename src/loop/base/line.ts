// Who has something to do. What it keeps: whoever is runnable stands in the line once, and those that came first run first;
// one that is no longer runnable when its turn comes is left out, and comes again by `ready`.
import { Queue } from '../../base/queue.js'
import type { Shower } from './ledger.js'

/** Somebody with messages to begin with. */
export interface Runnable {
  /** Whether it may begin with one now. */
  readonly runnable: boolean
  /** Whether it stands in the line. Changed by the line alone. */
  lined: boolean
  /** Begins with the next message. Only when {@link runnable}. */
  runNext(): void
}

/** What has the line run. */
export interface Runner extends Shower {
  /** Whether it does so of itself, or waits to be stepped. */
  readonly running: boolean
}

/** The line of one loop. */
export class Line {
  readonly #waiting = new Queue<Runnable>()
  readonly #runner: Runner
  /** Messages that frames brought beyond one each, and that have not run yet. */
  #ahead = 0

  constructor(runner: Runner) {
    this.#runner = runner
  }

  /** Whether what is ready has its turn of itself. */
  get running(): boolean {
    return this.#runner.running
  }

  get length(): number {
    return this.#waiting.length
  }

  /** Somebody may have something to do. */
  ready(one: Runnable): void {
    if (one.lined || !one.runnable) return
    one.lined = true
    this.#waiting.push(one)
    this.#runner.request()
  }

  /** One frame has brought so many messages. */
  brought(messages: number): void {
    this.#ahead += messages - 1
  }

  /**
   * Whether more work is to be taken in now. What one frame brought runs first: an event may be a thousand messages, and memory
   * full of them is slow.
   */
  wantsMore(): boolean {
    if (this.#ahead > 0 && this.#waiting.length > 0) return false
    this.#ahead = 0
    return true
  }

  /** Runs at most so many messages. @returns how many */
  run(most: number): number {
    let ran = 0
    while (ran < most) {
      const one = this.#waiting.shift()
      if (one === undefined) break
      one.lined = false
      while (one.runnable) {
        if (ran === most) {
          this.ready(one)
          break
        }
        one.runNext()
        ran++
      }
    }
    this.#ahead -= ran
    return ran
  }
}
