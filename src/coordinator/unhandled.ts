// Errors that nobody waited for, until somebody asks. What it keeps: a service may never ask, so the first are kept, as what came
// first is what the rest follows from, as many as there is room for; the others are only counted.
import { isError, lineOf, textOf } from '../agent/errors.js'
import { bytesOf } from '../base/bytes.js'
import { cut } from '../base/cut.js'

const MOST = 1_000
/** Of all that are kept, about. */
const MOST_BYTES = 16 * 2 ** 20
/** Of a bigger one only what it says is kept. */
const BIG = 2 ** 20
/** Reasons in the text of the error that tells of them, and characters of each. */
const REASONS = 20
const REASON = 1_000

/** The errors that nobody waited for. */
export class Unhandled {
  #errors: unknown[] = []
  #bytes = 0
  #more = 0

  add(error: unknown): void {
    if (this.#errors.length >= MOST || this.#bytes >= MOST_BYTES) {
      this.#more++
      return
    }
    const bytes = bytesOf(error, BIG)
    this.#errors.push(bytes > BIG ? new Error(`${cut(lineOf(error), REASON)} (too big to be kept)`) : error)
    this.#bytes += Math.min(bytes, BIG)
  }

  /** Forgets what is kept. @returns one error that tells of all, and of `others`; undefined if there is none */
  take(others: readonly unknown[]): AggregateError | undefined {
    const errors = [...this.#errors, ...others]
    const kept = this.#errors.length
    const more = this.#more
    this.#errors = []
    this.#bytes = 0
    this.#more = 0
    if (errors.length === 0) return undefined
    const reasons = errors.slice(0, REASONS).map(error => cut(isError(error) ? textOf(error) : lineOf(error), REASON))
    if (errors.length + more > REASONS) reasons.push('…')
    const left = more === 0 ? '' : ` (the first ${kept} of them are kept)`
    const text = `${errors.length + more} errors that nobody waited for${left}: ${reasons.join('; ')}`
    return new AggregateError(errors, text)
  }
}
