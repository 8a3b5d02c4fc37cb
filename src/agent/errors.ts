// The catalogue of errors. One base class, a stable `code`, a word on whether a retry may help, and a brand that
// holds across copies of this module and across threads (`instanceof` goes by the brand, not by the prototype).

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
 */
export class RingreeveError extends Error {
  readonly code: string
  readonly retryable: boolean
  declare readonly agent?: string
  declare readonly messageType?: string
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
    if (typeof value !== 'object' || value === null || !(errorBrand in value)) return false
    return this === RingreeveError || value[errorBrand] === this.name
  }
}

type Details = ErrorDetails

/** A name (agent type, topic type, key) has a character it may not have. */
export class InvalidNameError extends RingreeveError {
  constructor(text: string) {
    super('ERR_RINGREEVE_INVALID_NAME', text)
  }
}

/** An option or argument is not what the call takes. */
export class InvalidArgumentError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_INVALID_ARGUMENT', text, false, details)
  }
}

/** A payload or an answer does not fit the schema of its message type; `issues` names each field. */
export class ValidationError extends RingreeveError {
  readonly issues: readonly { readonly path: string; readonly message: string }[]
  constructor(text: string, issues: readonly { readonly path: string; readonly message: string }[], details?: Details) {
    super('ERR_RINGREEVE_VALIDATION', text, false, details)
    this.issues = issues
  }
}

/** No agent type of that name is registered, or its `keys` do not list that key. */
export class UnknownAgentError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_UNKNOWN_AGENT', text, false, details)
  }
}

/** The agent exists but handles no request of that type. */
export class NoHandlerError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_NO_HANDLER', text, false, details)
  }
}

/** The agent's `state` factory or `onStart` failed; `cause` is what it threw. The next message tries again. */
export class AgentCreationError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_AGENT_CREATION', text, true, details)
  }
}

/** A serial agent was asked, by way of its own running turn, to answer itself; `cycle` lists the agents. */
export class CallCycleError extends RingreeveError {
  readonly cycle: readonly string[]
  constructor(text: string, cycle: readonly string[], details?: Details) {
    super('ERR_RINGREEVE_CALL_CYCLE', text, false, details)
    this.cycle = cycle
  }
}

/** The caller's signal was aborted; `cause` is the signal's reason. */
export class CancelledError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_CANCELLED', text, false, details)
  }
}

/** A turn ran past its agent type's `deadline`. */
export class DeadlineError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_DEADLINE', text, true, details)
  }
}

/** A bounded queue was full and its policy is not to wait. */
export class OverloadedError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_OVERLOADED', text, true, details)
  }
}

/** An interceptor dropped the message. */
export class MessageDroppedError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_DROPPED', text, false, details)
  }
}

/** The thread that hosted the agent ended. `maybeExecuted` says whether its handler may have run. */
export class ThreadLostError extends RingreeveError {
  readonly maybeExecuted: boolean
  constructor(text: string, maybeExecuted: boolean, details?: Details) {
    super('ERR_RINGREEVE_THREAD_LOST', text, !maybeExecuted, details)
    this.maybeExecuted = maybeExecuted
  }
}

/** The agent type was the end of a thread too often (see `restarts`) and is not hosted any more; `cause` says what happened last. */
export class AgentFailedError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_AGENT_FAILED', text, false, details)
  }
}

/** An idempotent request was in flight in two ends of its thread; it is in the dead letters and is not sent a third time. */
export class PoisonedError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_POISONED', text, false, details)
  }
}

/** The runtime is stopping, stopped or closed. */
export class StoppedError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_STOPPED', text, false, details)
  }
}

/** A payload holds something that cannot cross threads; the text names it. */
export class NotSerializableError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_NOT_SERIALIZABLE', text, false, details)
  }
}

/** An agent type or a subscription of that name is there already. */
export class AlreadyExistsError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_ALREADY_EXISTS', text, false, details)
  }
}

/** No subscription has that id. */
export class UnknownSubscriptionError extends RingreeveError {
  constructor(text: string) {
    super('ERR_RINGREEVE_UNKNOWN_SUBSCRIPTION', text)
  }
}

/** A snapshot has a version, a type or a shape that this runtime does not know. */
export class StateError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_STATE', text, false, details)
  }
}

/** An agent module could not be loaded, or exports no agent; `cause` says why. */
export class ModuleError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_MODULE', text, false, details)
  }
}

/** A call with a time limit of its own (a send with `timeout`, or `saveState`) ran out of it. */
export class TimeoutError extends RingreeveError {
  constructor(text: string, details?: Details) {
    super('ERR_RINGREEVE_TIMEOUT', text, true, details)
  }
}

/** What was thrown, as text; anything can be thrown, also what has no text. */
export function textOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown)
  } catch {
    return Object.prototype.toString.call(thrown)
  }
}
