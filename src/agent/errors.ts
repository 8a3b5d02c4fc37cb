// The catalogue of errors. One base class, a stable `code`, a word on whether a retry may help, and a brand that
// holds across copies of this module and across threads (`instanceof` goes by the brand, not by the prototype). What was thrown
// may be anything, also what throws when it is looked at: the functions at the end read it, and never throw.
import { types } from 'node:util'

/** Carried by every error of the runtime: the name of its class. */
export const errorBrand: unique symbol = Symbol.for('ringreeve.error') as never

/** Facts that an error carries beside its text; all optional, all plain data, all kept across threads. */
export interface ErrorDetails extends ErrorOptions {
  /** The agent concerned, as `type/key`. */
  readonly agent?: string | undefined
  /** The message type concerned. */
  readonly message?: string | undefined
  /** The thread concerned, by loop index (0 is the host). */
  readonly thread?: number | undefined
}

/**
 * Base of every error that the runtime itself raises. Handlers' own errors are passed on as they are.
 * `error.code` is stable; `error.retryable` says whether the same call may succeed later.
 * @example
 * const { error } = await runtime.trySend(Digest, { text: 'hi', rounds: 1 }, 'hasher/alice')
 * if (error instanceof RingreeveError && error.retryable) console.warn(error.code, 'at', error.agent, '- trying again')
 */
export class RingreeveError extends Error {
  /** `ERR_RINGREEVE_…`, the same in all versions. */
  readonly code: string
  /** Whether the same call may succeed later. */
  readonly retryable: boolean
  /** The agent concerned, as `type/key`. */
  declare readonly agent?: string
  /** Name of the message type concerned. */
  declare readonly messageType?: string
  /** The thread concerned, by loop index (0 is the host). */
  declare readonly thread?: number

  constructor(code: string, text: string, retryable = false, details: ErrorDetails = {}) {
    super(text, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    this.retryable = retryable
    if (details.agent !== undefined) this.agent = details.agent
    if (details.message !== undefined) this.messageType = details.message
    if (details.thread !== undefined) this.thread = details.thread
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true, enumerable: false })
    Object.defineProperty(this, errorBrand, { value: new.target.name, enumerable: false })
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false
    try {
      return errorBrand in value && (this === RingreeveError || value[errorBrand] === this.name)
    } catch {
      return false // a Proxy that does not let itself be asked
    }
  }
}

type Details = ErrorDetails

/**
 * A name (agent type, topic type, key) has a character it may not have.
 * @example
 * try {
 *   agentId('my agent')
 * } catch (error) {
 *   if (error instanceof InvalidNameError) console.error(error.message) // agent type "my agent" has " " at position 2 …
 * }
 */
export class InvalidNameError extends RingreeveError {
  constructor(text: string) {
    super('ERR_RINGREEVE_INVALID_NAME', text)
  }
}

/**
 * An option or argument is not what the call takes.
 * @example
 * try {
 *   await createRuntime({ threads: -1 })
 * } catch (error) {
 *   if (error instanceof InvalidArgumentError) console.error(error.message) // threads must be a whole number …
 * }
 */
export class InvalidArgumentError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_INVALID_ARGUMENT', text, false, details)
  }
}

/**
 * A payload or an answer does not fit the schema of its message type; `issues` names each field.
 * @example
 * const { error } = await runtime.trySend(Digest, { text: 'hi', rounds: 1 }, 'hasher/alice')
 * if (error instanceof ValidationError) for (const { path, message } of error.issues) console.error(path, message)
 */
export class ValidationError extends RingreeveError {
  /** What is wrong, by field: `path` as in `rows[2].name`, empty for the whole. */
  readonly issues: readonly { readonly path: string; readonly message: string }[]
  constructor(text: string, issues: readonly { readonly path: string; readonly message: string }[], details?: Details) {
    super('ERR_RINGREEVE_VALIDATION', text, false, details)
    this.issues = issues
  }
}

/**
 * No agent type of that name is registered, or its `keys` do not list that key.
 * @example
 * const { error } = await runtime.trySend(Digest, { text: 'hi', rounds: 1 }, 'hasher/alice')
 * if (error instanceof UnknownAgentError) await runtime.register(hasher)
 */
export class UnknownAgentError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_UNKNOWN_AGENT', text, false, details)
  }
}

/**
 * The agent exists but handles no request of that type.
 * @example
 * const { error } = await runtime.trySend(Digest, { text: 'hi', rounds: 1 }, 'hasher/alice')
 * if (error instanceof NoHandlerError) console.error(error.agent, 'does not handle', error.messageType)
 */
export class NoHandlerError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_NO_HANDLER', text, false, details)
  }
}

/**
 * The agent's `state` factory or `onStart` failed; `cause` is what it threw. The next message tries again.
 * @example
 * const { error } = await runtime.trySend(Digest, { text: 'hi', rounds: 1 }, 'hasher/alice')
 * if (error instanceof AgentCreationError) console.error(error.agent, 'could not begin:', error.cause)
 */
export class AgentCreationError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_AGENT_CREATION', text, true, details)
  }
}

/**
 * The request would wait for itself: its agent's turns (as many as it may have at a time), or its `onStart` or `onStop`, wait for it, or
 * for agents whose turns do; and a second later they were still at work. One that ends sooner does not wait for the answer, so the request
 * has its turn. `cycle` lists the agents. Of a cycle one request is refused, and the others go on.
 * @example
 * const { error } = await runtime.trySend(Digest, { text: 'hi', rounds: 1 }, 'hasher/alice')
 * if (error instanceof CallCycleError) console.error(error.cycle.join(' → ')) // hasher/alice → judge/x → hasher/alice
 */
export class CallCycleError extends RingreeveError {
  /** The agents that wait for each other, as `type/key`, outermost first. */
  readonly cycle: readonly string[]
  constructor(text: string, cycle: readonly string[], details?: Details) {
    super('ERR_RINGREEVE_CALL_CYCLE', text, false, details)
    this.cycle = cycle
  }
}

/**
 * The caller's signal was aborted; `cause` is the signal's reason.
 * @example
 * const signal = AbortSignal.timeout(500)
 * const { error } = await runtime.trySend(Digest, { text: 'hi', rounds: 1e9 }, 'hasher/alice', { signal })
 * if (error instanceof CancelledError) console.warn('given up:', error.cause)
 */
export class CancelledError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_CANCELLED', text, false, details)
  }
}

/**
 * A turn ran past its agent type's `deadline`.
 * @example
 * agent('hasher', { deadline: 1_000 }).on(Digest, ({ text }) => text)
 * const { error } = await runtime.trySend(Digest, { text: 'hi', rounds: 1e9 }, 'hasher/alice')
 * if (error instanceof DeadlineError) console.warn(error.agent, 'took more than a second')
 */
export class DeadlineError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_DEADLINE', text, true, details)
  }
}

/**
 * A bounded queue was full and its policy is not to wait.
 * @example
 * const { error } = await runtime.trySend(Digest, { text: 'hi', rounds: 1 }, 'hasher/alice')
 * if (error instanceof OverloadedError) await ctx.sleep(100) // then send again
 */
export class OverloadedError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_OVERLOADED', text, true, details)
  }
}

/**
 * An interceptor dropped the message.
 * @example
 * const { error } = await runtime.trySend(Digest, { text: 'hi', rounds: 1 }, 'hasher/alice')
 * if (error instanceof MessageDroppedError) console.warn('an interceptor did not let it pass')
 */
export class MessageDroppedError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_DROPPED', text, false, details)
  }
}

/**
 * The thread that hosted the agent ended. `maybeExecuted` says whether its handler may have run; `retryable`, whether it
 * did not and there is a thread again.
 * @example
 * const { error } = await runtime.trySend(Digest, { text: 'hi', rounds: 1 }, 'hasher/alice')
 * if (error instanceof ThreadLostError && error.retryable) console.warn('safe to send again')
 */
export class ThreadLostError extends RingreeveError {
  /** False: the handler did not run. True: it may have run. */
  readonly maybeExecuted: boolean
  /** @param forGood whether the thread is not started again */
  constructor(text: string, maybeExecuted: boolean, details?: Details, forGood = false) {
    super('ERR_RINGREEVE_THREAD_LOST', text, !maybeExecuted && !forGood, details)
    this.maybeExecuted = maybeExecuted
  }
}

/**
 * The agent type was the end of a thread too often (see `restarts`) and is not hosted any more; `cause` says what happened
 * last.
 * @example
 * const { error } = await runtime.trySend(Digest, { text: 'hi', rounds: 1 }, 'hasher/alice')
 * if (error instanceof AgentFailedError) console.error(error.message, error.cause)
 */
export class AgentFailedError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_AGENT_FAILED', text, false, details)
  }
}

/**
 * An idempotent request was in flight in two ends of its thread; it is in the dead letters and is not sent a third time.
 * @example
 * const sent = await runtime.trySend(Digest, { text: 'hi', rounds: 1 }, 'hasher/alice', { idempotent: true })
 * if (sent.error instanceof PoisonedError) console.error('it ends threads:', runtime.deadLetters.list().at(-1)?.payload)
 */
export class PoisonedError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_POISONED', text, false, details)
  }
}

/**
 * The runtime is stopping, stopped or closed.
 * @example
 * await runtime.close()
 * const { error } = await runtime.trySend(Digest, { text: 'hi', rounds: 1 }, 'hasher/alice')
 * console.log(error instanceof StoppedError) // true
 */
export class StoppedError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_STOPPED', text, false, details)
  }
}

/**
 * A payload holds something that cannot cross threads; the text names it.
 * @example
 * const Work = request<() => void>('work')
 * const { error } = await runtime.trySend(Work, () => {}, 'worker/x')
 * if (error instanceof NotSerializableError) console.error(error.message)
 */
export class NotSerializableError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_NOT_SERIALIZABLE', text, false, details)
  }
}

/**
 * An agent type or a subscription of that name is there already.
 * @example
 * await runtime.register(hasher).catch(error => {
 *   if (!(error instanceof AlreadyExistsError)) throw error
 * })
 */
export class AlreadyExistsError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_ALREADY_EXISTS', text, false, details)
  }
}

/**
 * No subscription has that id.
 * @example
 * await runtime.unsubscribe('old').catch(error => {
 *   if (!(error instanceof UnknownSubscriptionError)) throw error
 * })
 */
export class UnknownSubscriptionError extends RingreeveError {
  constructor(text: string) {
    super('ERR_RINGREEVE_UNKNOWN_SUBSCRIPTION', text)
  }
}

/**
 * A snapshot has a version, a type or a shape that this runtime does not know.
 * @example
 * await runtime.loadState({ version: 1, types: {}, 'nobody/x': 1 }).catch(error => {
 *   if (error instanceof StateError) console.error(error.message) // the snapshot has nobody/x, and no agent type …
 * })
 */
export class StateError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_STATE', text, false, details)
  }
}

/**
 * An agent module could not be loaded, or exports no agent; `cause` says why.
 * @example
 * await runtime.register(new URL('./missing.js', import.meta.url)).catch(error => {
 *   if (error instanceof ModuleError) console.error(error.message, error.cause)
 * })
 */
export class ModuleError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_MODULE', text, false, details)
  }
}

/**
 * A call with a time limit of its own (a send with `timeout`, or `saveState`) ran out of it.
 * @example
 * const sent = await runtime.trySend(Digest, { text: 'hi', rounds: 1e9 }, 'hasher/alice', { timeout: 500 })
 * if (sent.error instanceof TimeoutError) console.warn('no answer within half a second')
 */
export class TimeoutError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_TIMEOUT', text, true, details)
  }
}

/** Whether what was thrown is an error, of this realm or another; what does not let itself be asked is none. */
export function isError(thrown: unknown): thrown is Error {
  try {
    return thrown instanceof Error || types.isNativeError(thrown)
  } catch {
    return false
  }
}

/** What was thrown, as text; anything can be thrown, also what has no text. */
export function textOf(thrown: unknown): string {
  try {
    return isError(thrown) ? String(thrown.message) : String(thrown)
  } catch {
    return isError(thrown) ? 'its message cannot be read' : unreadable(thrown)
  }
}

/** What was thrown, as text with the name of the error. */
export function lineOf(thrown: unknown): string {
  return isError(thrown) ? `${nameOf(thrown) || 'Error'}: ${textOf(thrown)}` : textOf(thrown)
}

/** The stack of what was thrown; empty if it has none that is text. */
export function stackOf(thrown: unknown): string {
  try {
    return isError(thrown) && typeof thrown.stack === 'string' ? thrown.stack : ''
  } catch {
    return ''
  }
}

/** The name of an error; empty if it has none that can be read. */
export function nameOf(thrown: unknown): string {
  try {
    return isError(thrown) ? String(thrown.name ?? '') : ''
  } catch {
    return ''
  }
}

function unreadable(thrown: unknown): string {
  try {
    return Object.prototype.toString.call(thrown)
  } catch {
    return 'what was thrown cannot be read'
  }
}
