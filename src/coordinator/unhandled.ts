// Errors that nobody waited for, until somebody asks. What it keeps: a service may never ask, so the first thousand are kept, as
// what came first is what the rest follows from, and the others are only counted.
const MOST = 1_000
/** Reasons in the text of the error that tells of them. */
const REASONS = 20

/** The errors that nobody waited for. */
export class Unhandled {
  #errors: unknown[] = []
  #more = 0

  add(error: unknown): void {
    if (this.#errors.length < MOST) this.#errors.push(error)
    else this.#more++
  }

  /** Forgets what is kept. @returns one error that tells of all, and of `others`; undefined if there is none */
  take(others: readonly unknown[]): AggregateError | undefined {
    const errors = [...this.#errors, ...others]
    const more = this.#more
    this.#errors = []
    this.#more = 0
    if (errors.length === 0) return undefined
    const reasons = errors.slice(0, REASONS).map(error => (error instanceof Error ? error.message : String(error)))
    if (errors.length + more > REASONS) reasons.push('…')
    const left = more === 0 ? '' : ` (the first ${MOST} of them are kept)`
    const text = `${errors.length + more} errors that nobody waited for${left}: ${reasons.join('; ')}`
    return new AggregateError(errors, text)
  }
}
