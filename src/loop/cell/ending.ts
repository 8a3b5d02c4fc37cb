// The ending of an agent, from the first wish for it. What it keeps: what goes wrong on the way is told at the end, all together,
// to everybody who waits for it.
import { textOf } from '../../agent/errors.js'
import { within } from '../base/event-loop.js'
import type { Housing } from './housing.js'
import { HookTurn } from './turn.js'
import { Waiting } from './waiting.js'

/** Milliseconds that loops get to end where nobody has set a time limit. */
const PATIENCE_MS = 5_000

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
  /** Whether somebody waits who ends the wait: loops get as long as that. Else they get a while. */
  timed = false
  /** Whether the runtime is to end with it. */
  fatal = false
  /** The turn of `onStop`, while it is at work. */
  hook: HookTurn | undefined
  /** Who waits for the agent behind it; told however it ends. */
  readonly over = new Waiting()
  /** Told when the last turn and loop have ended, or are not waited for any longer. */
  #still: (() => void) | undefined
  readonly #errors: unknown[] = []
  #resolve!: () => void
  #reject!: (error: unknown) => void

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.done.catch(() => {}) // whoever asked for it has a promise of it; nobody may have
  }

  add(error: unknown): void {
    this.#errors.push(error)
  }

  /** @param still whether no turn and no loop of the agent is at work */
  look(still: boolean): void {
    if (this.hurried || still) this.#still?.()
  }

  /**
   * Waits for the turns at work, and for the loops; then `onStop` runs.
   * @throws what that throws
   */
  async run(cell: Housing, isStill: () => boolean): Promise<void> {
    const still = new Promise<void>(resolve => {
      this.#still = resolve
      this.look(isStill())
    })
    const patient = (): boolean => cell.running > 0 || this.timed
    while (!isStill() && !(await within(cell.lifeHost.eventLoop, PATIENCE_MS, still)) && patient());
    if (!isStill() && cell.running === 0) tellOfLoops(cell)
    const turn = new HookTurn(cell, 'onStop')
    this.hook = turn
    try {
      await cell.turnHost.aside(() => cell.type.spec.onStop?.(turn))
    } finally {
      turn.open = false
      this.hook = undefined
    }
  }

  /**
   * It has stopped, or is not waited for any longer.
   * @param agent whose end it is
   * @returns the error that the runtime is to end with, if it is to
   */
  finish(agent: string): { readonly error: unknown } | undefined {
    this.over.resolve()
    const errors = this.#errors
    if (errors.length === 0) {
      this.#resolve()
      return undefined
    }
    const text = `agent ${agent} stopped with errors: ${errors.map(textOf).join('; ')}`
    const error = errors.length === 1 ? errors[0] : new AggregateError(errors, text)
    this.#reject(error)
    return this.fatal ? { error } : undefined
  }
}

/** Its loops go on beside the next agent of that name. */
function tellOfLoops({ text, turnHost }: Housing): void {
  if (turnHost.admission.closed) return // who stops the runtime is told who holds that up
  turnHost.reports.warn({
    code: 'RINGREEVE_STOP',
    kind: text,
    text: `a background loop of ${text} was told to end and has not: onStop runs beside it`,
  })
}
