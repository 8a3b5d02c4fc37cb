// What an application holds of a dispatcher, as types: its options, what it does and what it reports.
import type { AgentId } from '../agent/ids.js'
import type { EventType, PayloadOf } from '../agent/message.js'
import type { Dispatched } from './events.js'

/**
 * Options of `createDispatcher`.
 * @example
 * await createDispatcher(runtime, {
 *   batchSize: 16,
 *   onFailure: ({ event, agent, error }) => console.error(event.type, 'failed at', agent, error),
 * })
 */
export interface DispatcherOptions {
  /** Key of its address `dispatcher/<name>`, which `Dispatch` is sent to. Default `'main'`. */
  readonly name?: string
  /** Events at work at a time; as one is done, the next begins. 1 handles one after another. Default 64. */
  readonly batchSize?: number
  /**
   * Events that may wait: beyond it `dispatch()` makes its caller wait, but not while no event ends for a second or two.
   * Follow-ups are always taken. Default 10,000.
   */
  readonly capacity?: number
  /**
   * Told when an agent failed with an event; the others and later events go on. Default: a process warning, which
   * names event and agent. When it throws or rejects itself, that is a process warning too.
   */
  readonly onFailure?: (failure: DispatchFailure) => void
}

/**
 * One agent that failed with one event.
 * @example
 * const failures: DispatchFailure[] = []
 * await createDispatcher(runtime, { onFailure: failure => failures.push(failure) })
 */
export interface DispatchFailure {
  /** The event, as the agent got it. */
  readonly event: Dispatched
  /** `type/key`; undefined when the choice of the agent failed (a `when` or `to` that threw). */
  readonly agent: string | undefined
  /** What the agent threw, or the runtime in its stead. */
  readonly error: unknown
}

/**
 * How a dispatcher ended.
 * @example
 * const { by, undone }: DispatcherEnd = await dispatcher.ended
 * console.log(by === undefined ? 'stopped' : 'terminated', 'with', undone.length, 'events undone')
 */
export interface DispatcherEnd {
  /** The terminate event; undefined when `stop()` was called or the runtime stopped. */
  readonly by: Dispatched | undefined
  /** Events that were not begun, in order; then those that followed from what was at work, or met a stopped runtime. */
  readonly undone: readonly Dispatched[]
}

/**
 * Counters of a dispatcher.
 * @example
 * const { queued, atWork, done, failed }: DispatcherStats = dispatcher.stats()
 * console.log(`${queued} wait, ${atWork} at work, ${done} done, ${failed} failures`)
 */
export interface DispatcherStats {
  /** Events that wait to begin. */
  readonly queued: number
  /** Events that agents are at work on. */
  readonly atWork: number
  /** Events that are done, failed ones included. */
  readonly done: number
  /** Failures, one for each event and agent. */
  readonly failed: number
  /** Events that no route took. */
  readonly unrouted: number
}

/**
 * Where events of a type go: one agent, or the one that a function names for the event.
 * @example
 * const byLength: RouteTarget<{ text: string }> = ({ payload }) =>
 *   payload.text.length > 80 ? 'analyzer/long' : 'analyzer/short'
 * dispatcher.route(TextArrived, byLength)
 */
export type RouteTarget<Payload> = AgentId | string | ((event: Dispatched<Payload>) => AgentId | string)

/**
 * Routes events to agents, and what follows from them. Made by `createDispatcher`.
 * @example
 * dispatcher.route(TextArrived, 'analyzer/x')
 * dispatcher.route(Analysed, 'archive/x', { when: ({ payload }) => payload.words > 100 })
 * await dispatcher.dispatch(TextArrived, { text: 'hello' })
 * await dispatcher.waitUntilEmpty()
 */
export interface Dispatcher extends AsyncDisposable {
  /** `dispatcher/<name>`. */
  readonly address: string
  /**
   * From now on events of that type go to that agent too. An agent that several routes name gets an event once.
   * @param to an address, or a function that picks one for the event
   * @param options.when takes only the events for which it returns true
   * @returns ends the route
   * @example dispatcher.route(TextArrived, ({ correlationId }) => `analyzer/${correlationId}`)
   */
  route<E extends EventType>(
    type: E,
    to: RouteTarget<PayloadOf<E>>,
    options?: { readonly when?: (event: Dispatched<PayloadOf<E>>) => boolean },
  ): () => void
  /**
   * Takes an event. It is in the queue at once; the promise resolves when the queue has room for more, or when no event
   * ended for a second or two: what they wait for may be this caller.
   * @param options.correlationId at most 256 characters; default: a new one
   * @throws StoppedError when the dispatcher has ended
   * @example const { correlationId } = await dispatcher.dispatch(TextArrived, { text: 'hello' })
   */
  dispatch<E extends EventType>(
    type: E,
    payload: PayloadOf<E>,
    options?: { readonly correlationId?: string },
  ): Promise<Dispatched<PayloadOf<E>>>
  /**
   * Resolves with true once nothing waits and nothing is at work, follow-ups included; with false after `timeoutMs`,
   * or when the dispatcher ends with events undone. Counted, not polled.
   * @param timeoutMs default: no limit
   * @throws InvalidArgumentError when that is no time
   * @example if (!(await dispatcher.waitUntilEmpty(5_000))) console.warn(dispatcher.stats().atWork, 'still at work')
   */
  waitUntilEmpty(timeoutMs?: number): Promise<boolean>
  /**
   * Ends at once: nothing begins any more, what is at work ends. Resolves when it has.
   * @example const { undone } = await dispatcher.stop()
   */
  stop(): Promise<DispatcherEnd>
  /** Resolves when the dispatcher has ended: by a terminate event, by `stop()`, or because the runtime stopped before all was done. */
  readonly ended: Promise<DispatcherEnd>
  /** Its counters, at this moment. */
  stats(): DispatcherStats
}
