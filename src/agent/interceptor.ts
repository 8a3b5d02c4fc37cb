// Interception: a chain of functions that see every message on its way out and may replace, drop or refuse it.
import { checkFunction, checkKnown } from './check.js'
import { InvalidArgumentError } from './errors.js'
import type { AgentId, TopicId } from './ids.js'

const brand = Symbol.for('ringreeve.interceptor')

/**
 * Returned by an interceptor to drop the message: its sender gets MessageDroppedError, nobody else gets anything.
 * @example interceptor({ onPublish: (_, { topic }) => (topic?.type === 'private' ? DROP : undefined) })
 */
export const DROP: unique symbol = Symbol.for('ringreeve.drop') as never

/**
 * What an interceptor is told of the message, beside its payload.
 * @example
 * interceptor({
 *   onSend: (_, { message, sender, recipient }) => console.log(`${message}: ${sender} → ${recipient}`),
 * })
 */
export interface Passing {
  /** Name of the message type. */
  readonly message: string
  /** What the message is called in the event log. */
  readonly messageId: string
  /** The agent that sends it; undefined when the application does. */
  readonly sender: AgentId | undefined
  /** Of a send or a response. */
  readonly recipient: AgentId | undefined
  /** Of a publish. */
  readonly topic: TopicId | undefined
}

/**
 * Sees a payload: returns another one to replace it, `DROP` to drop it, nothing to let it pass as it is; what it throws
 * goes to the sender. May be async; messages of one sender keep their order.
 * @example
 * const stamp: Intercept = payload => ({ ...(payload as object), seen: Date.now() })
 * export const stamps = interceptor({ onSend: stamp })
 */
export type Intercept = (payload: unknown, passing: Passing) => unknown

/**
 * One link of the chain; each sees what the one before it let pass.
 * @example
 * const shout: Interceptor = interceptor({ onResponse: answer => (typeof answer === 'string' ? `${answer}!` : answer) })
 * await createRuntime({ agents: [hasher], interceptors: [shout] })
 */
export interface Interceptor {
  /** Requests, on the sender's loop, before validation. */
  readonly onSend?: Intercept
  /** Events, on the publisher's loop, before validation. */
  readonly onPublish?: Intercept
  /** Answers, on the loop of the agent that answers; `sender` is that agent, `recipient` the one who asked. */
  readonly onResponse?: Intercept
}

const hookNames: Readonly<Record<keyof Interceptor, true>> = { onSend: true, onPublish: true, onResponse: true }

/**
 * Marks an interceptor, so that it can be exported from a module and found there by every thread.
 * @throws InvalidArgumentError for what would never be called, or cannot be
 * @example
 * // audit.js; then createRuntime({ interceptors: [new URL('./audit.js', import.meta.url)] })
 * export const audit = interceptor({
 *   onSend: (payload, { message, sender }) => console.log(message, 'from', sender?.toString() ?? 'the application'),
 * })
 */
export function interceptor(hooks: Interceptor): Interceptor {
  checkKnown('interceptor()', hooks, hookNames)
  const given = Object.entries(hooks).filter(([, hook]) => hook !== undefined)
  if (given.length === 0)
    throw new InvalidArgumentError('interceptor() takes at least one of onSend, onPublish, onResponse')
  for (const [name, hook] of given) checkFunction(`interceptor(): ${name}`, hook)
  return Object.freeze(Object.defineProperty({ ...hooks }, brand, { value: true }))
}

/** Whether a value came from {@link interceptor}. */
export function isInterceptor(value: unknown): value is Interceptor {
  return typeof value === 'object' && value !== null && brand in value
}
