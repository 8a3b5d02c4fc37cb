// The places in the application's code that send, for the stacks of errors that may come back. Capturing one takes longer
// than many a send, so what it keeps is a bound on that: a busy loop is told of the first few in a while.

/** Places that are remembered in so many milliseconds. */
const SITES = 8
const SITES_MS = 10

/** The places of one loop. */
export class Sites {
  #left = SITES
  #since = 0

  /** The caller of `entry`, as long as there is one to be had. @param now ms */
  here(now: number, entry: (...args: never) => unknown): { readonly stack?: string } | undefined {
    if (now - this.#since >= SITES_MS) {
      this.#since = now
      this.#left = SITES
    }
    if (this.#left === 0) return undefined
    this.#left--
    const site: { readonly stack?: string } = {}
    Error.captureStackTrace(site, entry)
    return site
  }
}
