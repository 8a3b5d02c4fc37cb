// The places in the application's code that send, for the stacks of errors that come back from elsewhere. Capturing one takes
// longer than many a send, so what it keeps is a bound on that: a busy loop is told of the first few in a while.
import { isError } from '../../agent/errors.js'

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
  try {
    Error.captureStackTrace(site, entry)
  } catch {
    // an Error.prepareStackTrace of the application threw: there is no place to be had
  }
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

/** Places under one stack: an error that is thrown again and again would grow for ever. */
const MOST_JOINED = 8
const MARK = '\n    at ringreeve: '

/**
 * Puts the place that asked for something under the stack of the error that came of it, once; not of one that is told to
 * many, which cannot be extended, nor of one that has many places already. It reads and changes what the application threw, so
 * it is for whoever has settled before; it never throws.
 * @param what what it asked for
 */
export function joinSite(error: unknown, what: string, site: Site | undefined): void {
  try {
    if (!isError(error) || !Object.isExtensible(error)) return
    const remote: unknown = error.stack ?? String(error)
    if (typeof remote !== 'string') return
    const line = `${MARK}${what}`
    if (remote.includes(line) || remote.split(MARK, MOST_JOINED + 1).length > MOST_JOINED) return
    const local = linesOf(site)
    const stack = `${remote}${line}${local === '' ? '' : `\n${local}`}`
    Object.defineProperty(error, 'stack', { value: stack, writable: true, configurable: true, enumerable: false })
  } catch {
    // its stack is locked, or no text, or throws: then it stays what it is
  }
}

/** The lines of a place, but for our own. */
function linesOf(site: Site | undefined): string {
  const stack: unknown = site?.stack // not of our making where the application has an Error.prepareStackTrace
  if (typeof stack !== 'string') return ''
  const lines = stack.split('\n').slice(1)
  return lines.filter(frame => !frame.includes('/ringreeve/dist/')).join('\n')
}
