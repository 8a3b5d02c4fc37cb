// An event loop that a test turns by hand: time passes when the test says so, and nothing runs but what it asks for.
import type { EventLoop, Timeout } from '#ringreeve/loop/base/event-loop.js'

interface HandTimer extends Timeout {
  at: number
  set: boolean
  readonly work: () => void
}

/** One event loop, turned by hand. */
export class HandLoop implements EventLoop {
  cores = 2
  time = 1_000
  readonly microtasks: (() => void)[] = []
  readonly immediates: (() => void)[] = []
  readonly timers: HandTimer[] = []

  now(): number {
    return this.time
  }

  readonly soon = (work: () => void): void => void this.microtasks.push(work)
  readonly later = (work: () => void): void => void this.immediates.push(work)

  after(ms: number, work: () => void): Timeout {
    const timer: HandTimer = {
      at: this.time + ms,
      set: true,
      work,
      refresh: () => {
        timer.at = this.time + ms
        timer.set = true
      },
      unref: () => {},
      close: () => {
        timer.set = false
      },
    }
    this.timers.push(timer)
    return timer
  }

  receive(): undefined {
    return undefined
  }

  /** Runs one microtask. @returns false when there was none */
  hop(): boolean {
    const work = this.microtasks.shift()
    work?.()
    return work !== undefined
  }

  /** Microtasks until there are none, but no more than `most`. @returns how many */
  drain(most = 1_000): number {
    let ran = 0
    while (ran < most && this.hop()) ran++
    return ran
  }

  /** A turn: what is to come later by now, with the microtasks of each. */
  turn(): void {
    for (const work of this.immediates.splice(0)) {
      work()
      this.drain()
    }
  }

  /** Time passes, and timers go off, each when it is due. */
  pass(ms: number): void {
    const end = this.time + ms
    for (;;) {
      let next: HandTimer | undefined
      for (const timer of this.timers)
        if (timer.set && timer.at <= end && (next === undefined || timer.at < next.at)) next = timer
      if (next === undefined) break
      this.time = Math.max(this.time, next.at)
      next.set = false
      next.work()
      this.drain()
    }
    this.time = end
  }
}
