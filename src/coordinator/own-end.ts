// How a run ends by itself: it failed, or the error of an agent was to end it. What it keeps: the first reason is the one that counts;
// everything that is dropped by it has it as its cause; and whoever runs the runtime is told, also when that is later.
import { lineOf, StoppedError } from '../agent/errors.js'
import type { Loop } from '../loop/loop.js'

/** Why a run ended by itself. */
export interface OwnEnd {
  readonly error: unknown
  /** In words. */
  readonly why: string
  /** Whether somebody who runs the runtime knows. */
  told: boolean
}

/** Ends one run, if that is to be. */
export class OwnEnding {
  /** Told when it is. @param failed nothing can be promised any more */
  onEnds: ((end: OwnEnd, failed: boolean) => void) | undefined
  readonly #host: Pick<Loop, 'admission' | 'reports'>
  #end: OwnEnd | undefined

  constructor(host: Pick<Loop, 'admission' | 'reports'>) {
    this.#host = host
  }

  /** Nothing can be promised any more: everything that is open gets an error, and whoever owns the run is to stop it. */
  fail(why: string): void {
    this.#host.reports.observer.givenUp('runtime', `the runtime fails: ${why}`)
    const text = `the runtime failed: ${why}`
    this.#for(new StoppedError(text), text, `it failed: ${why}`, true)
  }

  /** An agent's own loop or timer failed and that is to end the runtime. */
  by(agent: string, error: unknown): void {
    const { admission, reports } = this.#host
    const why = `${agent} failed, and its onError is 'stop-runtime': ${lineOf(error)}`
    const text = `the runtime ends by itself: ${why}`
    if (this.#end === undefined && !admission.closed) reports.observer.ends(text)
    this.#for(error, text, why, false)
  }

  /** Who has run it is told, and from then on it has been. @throws what it ended by, if it did so by itself */
  tell(): void {
    if (this.#end === undefined) return
    this.#end.told = true
    throw this.#end.error
  }

  #for(error: unknown, text: string, why: string, failed: boolean): void {
    if (this.#end === undefined) {
      this.#end = { error, why, told: false }
      this.#host.admission.failWith(new StoppedError(text, { cause: error }))
    }
    this.onEnds?.(this.#end, failed)
  }
}
