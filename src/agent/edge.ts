// Where what the application returns is taken over. What it keeps: a `then` is looked at once and called once, and what it does
// more than once, or too late, or by throwing, is nobody's matter: what is handed on is a promise of our own.
import { InvalidArgumentError } from './errors.js'

const { then: ownThen } = Promise.prototype

/**
 * A promise of a value that is to be waited for: a promise or any other thenable; undefined for all else.
 * @throws what the value throws when it is looked at
 */
export function later(value: unknown): Promise<unknown> | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
  const { then } = value as { readonly then?: unknown }
  if (typeof then !== 'function') return undefined
  if (then === ownThen && value instanceof Promise) return value
  return new Promise((resolve, reject) => Reflect.apply(then, value, [resolve, reject]))
}

/** A value of the application that is not there yet, told from one that is by its class alone: nobody looks at a value for that. */
export class Late {
  readonly promise: Promise<unknown>
  constructor(promise: Promise<unknown>) {
    this.promise = promise
  }
}

/**
 * What a predicate said.
 * @param what whose answer it is
 * @throws InvalidArgumentError for a promise, which would always mean yes
 */
export function saidAtOnce(what: string, said: unknown): boolean {
  if (typeof said === 'boolean') return said
  const late = later(said)
  if (late === undefined) return Boolean(said)
  late.catch(() => {}) // what it rejects with comes too late
  throw new InvalidArgumentError(`${what} returned a promise; it must say at once, with true or false`)
}

/** What a serializer made. @throws TypeError for a promise: nobody would wait for it, nor hear what it rejects with */
export function atOnce(made: unknown): unknown {
  if (!(made instanceof Promise)) return made
  made.catch(() => {})
  throw new TypeError('its serializer made a promise; it must be done at once')
}

/** Tells a function of the application something. What it throws, or rejects with if it is asynchronous, goes to `failed`. */
export function tell<T>(listener: (what: T) => unknown, what: T, failed: (error: unknown) => void): void {
  try {
    later(listener(what))?.catch(failed)
  } catch (error) {
    failed(error)
  }
}
