// Timers of one agent: intervals and one-shots. A timer that is due becomes a message in its agent's own mailbox, so a
// tick is a turn like any other: counted, in order, within the agent's concurrency and deadline. An interval has at
// most one tick waiting or at work; what comes due meanwhile is skipped, and the beat is kept.

import { later } from '../../agent/edge.js'
import { TIMER } from '../../agent/message.js'
import type { Alarm, Clock } from '../base/clock.js'
import type { Lull } from '../base/lull.js'
import type { Message, Reply } from '../base/message.js'
import type { Turn } from './turn.js'

/** What a timer needs of the agent's life. */
export interface TimerOwner {
  readonly clock: Clock
  readonly lull: Lull
  /** Puts the tick into the mailbox. */
  due(timer: Timer): void
  /** It was cancelled: there is nothing to come of it. */
  forget(timer: Timer): void
  /** The handler of the tick failed. */
  timerFailed(timer: Timer, error: unknown): void
}

/** One interval, or one one-shot timer (`period` undefined). */
export class Timer implements Reply {
  readonly period: number | undefined
  readonly #owner: TimerOwner
  readonly #work: (turn: Turn) => unknown
  #alarm: Alarm | undefined
  #next = 0
  /** Whether a tick waits or is at work. */
  #open = false
  #ran = false
  #cancelled = false

  constructor(owner: TimerOwner, work: (turn: Turn) => unknown, period: number | undefined) {
    this.#owner = owner
    this.#work = work
    this.period = period
  }

  /** The first tick comes in `ms`; 0 is at once, without waiting for the clock. */
  start(ms: number): void {
    this.#next = this.#owner.clock.now() + ms
    if (ms === 0) this.#fire()
    else this.#wait()
  }

  /** No further tick begins; one at work goes on. */
  cancel(): void {
    this.#cancelled = true
    this.#alarm?.cancel()
    this.#owner.forget(this)
  }

  run(turn: Turn): unknown {
    if (this.#cancelled) return undefined
    this.#ran = true
    let late: Promise<unknown> | undefined
    try {
      late = later(this.#work(turn))
    } finally {
      if (late === undefined) this.#open = false
    }
    return late?.finally(this.#ended)
  }

  readonly #ended = (): void => {
    this.#open = false
  }

  answer(): void {}

  fail(_message: Message, error: unknown): void {
    if (this.#ran) this.#owner.timerFailed(this, error)
    else this.#open = false // it was refused: the next tick has its chance
  }

  readonly #fire = (): void => {
    if (this.#cancelled) return
    if (this.period !== undefined) {
      this.#next += this.period
      const late = this.#owner.clock.now() - this.#next
      if (late >= 0) this.#next += (Math.floor(late / this.period) + 1) * this.period // ticks that were missed are not made up for
      this.#wait()
      if (this.#open) return
    }
    this.#open = true
    this.#ran = false
    this.#owner.lull.pass(this.#due)
  }

  readonly #due = (): void => {
    if (!this.#cancelled) this.#owner.due(this)
  }

  #wait(): void {
    this.#alarm = this.#owner.clock.after(Math.max(0, this.#next - this.#owner.clock.now()), this.#fire)
  }
}

/** Whether a message is a tick of an interval, which keeps nothing from its end. */
export function isTick(message: Message | undefined): boolean {
  return message?.name === TIMER && (message.payload as Timer).period !== undefined
}
