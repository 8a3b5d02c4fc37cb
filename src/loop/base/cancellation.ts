// Whether work is still wanted. A cancellation is asked for by an event (a signal aborts, a CANCEL frame comes, a
// deadline passes) or read from a shared flag by a handler that never yields; both are the same fact.
import { setMaxListeners } from 'node:events'
import { CancelledError, InvalidArgumentError, type RingreeveError, textOf } from '../../agent/errors.js'

/** A flag in shared memory that belongs to the call that began it all. */
export interface SharedFlag {
  readonly loop: number
  readonly life: number
  readonly slot: number
  readonly generation: number
  raised(): boolean
}

interface Followers {
  readonly all: Set<() => void>
  readonly abort: () => void
}
/** One listener for all that follow a signal: of more than ten Node says that they are a leak, and a fan-out has more. */
const followers = new WeakMap<AbortSignal, Followers>()

/** Runs `work` when the signal aborts. @returns takes it back */
export function follow(signal: AbortSignal, work: () => void): () => void {
  const known = followers.get(signal)
  const all = known?.all ?? new Set()
  all.add(work)
  if (known === undefined) {
    const abort = (): void => {
      followers.delete(signal)
      for (const one of all) one()
    }
    signal.addEventListener('abort', abort, { once: true })
    followers.set(signal, { all, abort })
  }
  return () => {
    const now = followers.get(signal)
    if (!all.delete(work) || all.size > 0 || now?.all !== all) return
    followers.delete(signal)
    try {
      signal.removeEventListener('abort', now.abort)
    } catch {} // it need not be Node's own: that one cannot be let go of is no matter of what was sent
  }
}

/** The wish to cancel one call, and all that was begun on its behalf. */
export class Cancellation {
  readonly flag: SharedFlag | undefined
  readonly #parent: Cancellation | undefined
  #requested = false
  #reason: unknown
  #controller: AbortController | undefined
  #listeners: Set<(reason: unknown) => void> | undefined
  #detach: (() => void) | undefined

  /** @param flag the shared flag that says the same; usually the parent's */
  constructor(parent: Cancellation | undefined, flag: SharedFlag | undefined) {
    this.#parent = parent
    this.flag = flag
    if (parent !== undefined) this.#detach = parent.onCancel(reason => this.cancel(reason))
  }

  /** The wish of an AbortSignal, and of what the caller itself runs under. */
  static of(signal: AbortSignal, parent: Cancellation | undefined): Cancellation {
    const own = new Cancellation(parent, undefined)
    if (signal.aborted) own.cancel(signal.reason)
    else {
      const unfollow = follow(signal, () => own.cancel(signal.reason))
      const parentDetach = own.#detach
      own.#detach = () => {
        parentDetach?.()
        unfollow()
      }
    }
    return own
  }

  /** Whether cancelling was asked for, by an event or by the shared flag. */
  get cancelled(): boolean {
    return this.#requested || this.flag?.raised() === true || this.#parent?.cancelled === true
  }

  get reason(): unknown {
    return this.#requested ? this.#reason : this.#parent?.reason
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      setMaxListeners(0, this.#controller.signal) // a turn waits for as much at a time as it likes: that is no leak
    }
    if (this.cancelled && !this.#controller.signal.aborted) this.#controller.abort(this.reason)
    return this.#controller.signal
  }

  cancel(reason: unknown): void {
    if (this.#requested) return
    this.#requested = true
    this.#reason = reason
    this.letGo()
    this.#controller?.abort(reason)
    const listeners = this.#listeners
    this.#listeners = undefined
    for (const listener of listeners ?? []) listener(reason)
  }

  /** Runs `listener` when cancelling is asked for by an event; at once if it was. @returns takes it back */
  onCancel(listener: (reason: unknown) => void): () => void {
    if (this.#requested) {
      listener(this.#reason)
      return () => {}
    }
    this.#listeners ??= new Set()
    this.#listeners.add(listener)
    return () => this.#listeners?.delete(listener)
  }

  /** Lets go of the parent and of the signal: what they do no longer matters here. */
  letGo(): void {
    this.#detach?.()
    this.#detach = undefined
  }
}

/** Who may have given up what it has begun: a turn. */
export interface GivesUp {
  readonly givenUp: boolean
}

/**
 * A promise as a turn has it. What rejects once the turn is given up is no unhandled rejection: the turn may not have come to the place
 * where it waits for it, and must not end its thread by that.
 */
export function promised<T>(turn: GivesUp | undefined, done: Promise<T>): Promise<T> {
  if (turn === undefined) return done
  const held = new Promise<T>((resolve, reject) => {
    done.then(resolve, error => {
      if (turn.givenUp) held.catch(() => {})
      reject(error)
    })
  })
  return held
}

/** The same, for what is refused at once. */
export function refused(turn: GivesUp | undefined, error: unknown): Promise<never> {
  const held = Promise.reject(error)
  if (turn?.givenUp === true) held.catch(() => {})
  return held
}

/** @throws InvalidArgumentError */
export function checkSignal(what: string, signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  const { aborted, addEventListener, removeEventListener } = (signal ?? {}) as Partial<AbortSignal>
  if (
    typeof aborted === 'boolean' &&
    typeof addEventListener === 'function' &&
    typeof removeEventListener === 'function'
  )
    return
  throw new InvalidArgumentError(`${what}: signal must be an AbortSignal, as the signal of an AbortController is`)
}

/** The error of what was asked for and is not wanted any more. */
export function cancelled(agent: string, message: string, reason: unknown): RingreeveError {
  const why = textOf(reason)
  return new CancelledError(`'${message}' for ${agent} was cancelled: ${why}`, { agent, message, cause: reason })
}
