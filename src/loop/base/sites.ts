// The places in the application's code that send, for the stacks of errors that come back from elsewhere. Capturing one takes
// longer than many a send, so what it keeps is a bound on that: a busy loop is told of the first few in a while.

/** Places that are remembered in so many milliseconds. */
const SITES = 8
const SITES_MS = 10

/** A site in the application's code: its stack is under the first line. */
export interface Site {
  readonly stack?: string
}

/** The caller of `entry`. */
export function siteOf(entry: (...args: never) => unknown): Site {
  const site: Site = {}
  Error.captureStackTrace(site, entry)
  return site
}

/** The places of one loop. */
export class Sites {
  #left = SITES
  #since = 0

  /** The caller of `entry`, as long as there is one to be had. @param now ms */
  here(now: number, entry: (...args: never) => unknown): Site | undefined {
    if (now - this.#since >= SITES_MS) {
      this.#since = now
      this.#left = SITES
    }
    if (this.#left === 0) return undefined
    this.#left--
    return siteOf(entry)
  }
}

/**
 * Puts the site that asked for something under the stack of the error that came of it, once; not of one that is told to
 * many, which cannot be extended.
 * @param what what it asked for
 */
export function joinSite(error: unknown, what: string, site: Site | undefined): unknown {
  if (!(error instanceof Error) || !Object.isExtensible(error)) return error
  const remote = error.stack ?? String(error)
  const line = `    at ringreeve: ${what}`
  if (remote.includes(line)) return error
  const local = site?.stack
    ?.split('\n')
    .slice(1)
    .filter(frame => !frame.includes('/ringreeve/dist/'))
    .join('\n')
  const stack = `${remote}\n${line}${local ? `\n${local}` : ''}`
  Object.defineProperty(error, 'stack', { value: stack, writable: true, configurable: true, enumerable: false })
  return error
}
