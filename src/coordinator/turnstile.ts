// The lock between what is done to agents where they are (orders, registering, snapshots: many at a time) and a move of
// the agents of a thread (alone). What it keeps: whoever comes goes in in the order of coming, so neither kind keeps the
// other out for ever; and nobody who is inside waits for ever for one who waits outside.
//
//   state    | share          | alone          | leave   | last   | give up
//   ---------|----------------|----------------|---------|--------|--------
//   free     | shared         | alone          |         |        |
//   shared   | shared         | closing        | shared  | free   |
//   closing  | closing, waits | closing, waits | closing | free   | shared
//   alone    | alone, waits   | alone, waits   |         | free   |
//
// share, alone: one comes, or is the first of those who wait. leave: one leaves and others are still in; last: the last
// leaves. closing: a move is the first of those who wait, and those inside are to leave. It gives up when they have not
// for some time: an order that is inside may wait for one that waits behind the move (the `onStart` of an agent gives
// orders to others, from whatever thread), and such a circle has no other end.
import type { EventLoop, Timeout } from '../loop/base/event-loop.js'
import { Stages, type Table } from './stages.js'

/** How it can be passed. */
export type Mode = 'share' | 'alone'
export type TurnstileState = 'free' | 'shared' | 'closing' | 'alone'
export type TurnstileEvent = Mode | 'leave' | 'last' | 'give up'

export const turnstileTable: Table<TurnstileState, TurnstileEvent> = {
  free: { share: 'shared', alone: 'alone' },
  shared: { share: 'shared', alone: 'closing', leave: 'shared', last: 'free' },
  closing: { share: 'closing', alone: 'closing', leave: 'closing', last: 'free', 'give up': 'shared' },
  alone: { share: 'alone', alone: 'alone', last: 'free' },
}

interface Waiting {
  readonly mode: Mode
  /** @param inside false: it has given up */
  readonly go: (inside: boolean) => void
}

/** A lock that is shared, or held alone. */
export class Turnstile {
  readonly #stages = new Stages<TurnstileState, TurnstileEvent>('turnstile', turnstileTable, 'free')
  readonly #eventLoop: Pick<EventLoop, 'after'>
  readonly #patience: number
  readonly #waiting: Waiting[] = []
  #inside = 0
  #timeout: Timeout | undefined

  /** @param patience milliseconds that a move waits for those inside before it gives up */
  constructor(eventLoop: Pick<EventLoop, 'after'>, patience: number) {
    this.#eventLoop = eventLoop
    this.#patience = patience
  }

  get state(): TurnstileState {
    return this.#stages.now
  }

  /** Runs work beside others that share. */
  async share<T>(work: () => Promise<T> | T): Promise<T> {
    await this.#come('share')
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  /** Runs work with nobody else inside; at once, if nobody is. @returns false if it gave up and did not run it */
  async alone(work: () => Promise<void> | void): Promise<boolean> {
    const waits = this.#come('alone')
    if (waits !== undefined && !(await waits)) return false
    try {
      await work()
      return true
    } finally {
      this.#leave()
    }
  }

  /** @returns undefined: it is inside; else whether it is, once that is known */
  #come(mode: Mode): Promise<boolean> | undefined {
    if (this.#enters(mode)) return undefined
    return new Promise(go => this.#waiting.push({ mode, go }))
  }

  /** One comes, or is the first of those who wait. @returns whether it goes in */
  #enters(mode: Mode): boolean {
    const before = this.state
    const now = this.#to(mode)
    const inside = now === 'shared' || (now === 'alone' && before === 'free')
    if (inside) this.#inside++
    return inside
  }

  #leave(): void {
    const last = --this.#inside === 0
    this.#to(last ? 'last' : 'leave')
    if (last) this.#admit()
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#enters(next.mode); next = this.#waiting[0]) {
      this.#waiting.shift()
      next.go(true)
    }
  }

  #giveUp(): void {
    this.#to('give up')
    this.#waiting.shift()?.go(false)
    this.#admit()
  }

  #to(event: TurnstileEvent): TurnstileState {
    const before = this.state
    const now = this.#stages.to(event)
    if (now === before) return now
    this.#timeout?.close()
    this.#timeout = now === 'closing' ? this.#eventLoop.after(this.#patience, () => this.#giveUp()) : undefined
    return now
  }
}
