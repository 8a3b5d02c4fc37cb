// Checks of what the application gives, and how its mistakes are shown to it.
import { InvalidArgumentError } from './errors.js'

/** A value as it may stand in a message. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Promise) return 'a promise'
  if (typeof value !== 'object' || value === null) return String(value)
  return `an object with ${Object.keys(value).slice(0, 5).join(', ') || 'no fields'}`
}

/** @throws InvalidArgumentError for an option that there is not: a slip of the pen, which would silently do nothing */
export function checkKnown(what: string, options: object, known: Readonly<Record<string, true>>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError(
      `${what} takes its options as an object, { ${Object.keys(known)[0]}: … }, got ${shown(options)}`,
    )
  }
  for (const option of Object.keys(options)) {
    if (Object.hasOwn(known, option)) continue
    throw new InvalidArgumentError(`${what} has no option '${option}'; there are: ${Object.keys(known).join(', ')}`)
  }
}

/** @throws InvalidArgumentError for what is no time that a timer takes */
export function checkMs(what: string, ms: number, least: number): void {
  if (typeof ms === 'number' && ms >= least && ms < 2 ** 31) return // what is longer, Node would fire at once
  throw new InvalidArgumentError(`${what} takes milliseconds from ${least} to 2^31 - 1, got ${shown(ms)}`)
}

/** @throws InvalidArgumentError */
export function checkFunction(what: string, given: unknown): void {
  if (typeof given !== 'function') throw new InvalidArgumentError(`${what} takes a function, got ${shown(given)}`)
}
