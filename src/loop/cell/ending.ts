// The ending of an agent, from the first wish for it. What it keeps: what goes wrong on the way is told at the end, all together,
// to everybody who waits for it.
import { textOf } from '../../agent/errors.js'
import type { HookTurn } from './turn.js'

/** An agent that is to go. */
export class Ending {
  /** Resolves when it has stopped. Rejects with what its loops and `onStop` threw. */
  readonly done: Promise<void>
  /** Whether the state stays in memory when the agent is gone. */
  keep = false
  /** Whether the wish is in its mailbox. */
  asked = false
  /** Whether it waits neither for turns nor for loops. */
  hurried = false
  /** Whether the runtime is to end with it. */
  fatal = false
  /** The turn of `onStop`, while it is at work. */
  hook: HookTurn | undefined
  /** Told when the last turn and loop have ended, or are not waited for any longer. */
  still: (() => void) | undefined
  readonly #errors: unknown[] = []
  readonly #waiters: { over(): void; failed(error: unknown): void }[] = []
  #resolve!: () => void
  #reject!: (error: unknown) => void

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.done.catch(() => {}) // whoever asked for it has a promise of it; nobody may have
  }

  /** Resolves when it is over, however it ended. */
  over(): Promise<void> {
    return new Promise((over, failed) => this.#waiters.push({ over, failed }))
  }

  /** Who waits for the agent behind it gets none. */
  tellFailed(error: unknown): void {
    for (const { failed } of this.#waiters.splice(0)) failed(error)
  }

  add(error: unknown): void {
    this.#errors.push(error)
  }

  /** It has stopped. @param agent whose end it is */
  finish(agent: string): void {
    for (const { over } of this.#waiters.splice(0)) over()
    const errors = this.#errors
    if (errors.length === 0) return this.#resolve()
    if (errors.length === 1) return this.#reject(errors[0])
    const text = `agent ${agent} stopped with errors: ${errors.map(textOf).join('; ')}`
    this.#reject(new AggregateError(errors, text))
  }

  /** It is not waited for any longer. */
  giveUp(error: unknown): void {
    for (const { over } of this.#waiters.splice(0)) over()
    this.#reject(error)
  }
}
