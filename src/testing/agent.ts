// One agent alone: on a single loop, by a clock that the test moves, with a record of what it sends and publishes. It
// is the same loop as everywhere, so what holds for an agent here holds for it on a thread.
import { checkKnown } from '../agent/check.js'
import type { Handle } from '../agent/context.js'
import type { AgentDefinition, AnyAgent } from '../agent/definition.js'
import { interceptor } from '../agent/interceptor.js'
import type { EventType, MessageType, PayloadOf } from '../agent/message.js'
import type { StopOptions } from '../coordinator/api.js'
import { createRuntime } from '../coordinator/create.js'
import type { LogEntry } from '../observe/log.js'
import { TestClock } from './clock.js'

/**
 * Options of {@link testAgent}.
 * @example
 * const stranger = agent('archive').on(Hashed, () => {})
 * await using one = await testAgent(hasher, { key: 'alice', state: { total: 41 }, others: [stranger] })
 */
export interface TestAgentOptions<State> {
  /** Which one of its type. Default `'default'`. */
  readonly key?: string
  /** Replaces the state that the agent begins with, after `onStart`. */
  readonly state?: State
  /** The agents that it talks to, usually stand-ins: `agent('hasher').on(Digest, () => 'abc')`. Default: none. */
  readonly others?: readonly AnyAgent[]
}

const testAgentOptions: Readonly<Record<keyof TestAgentOptions<unknown>, true>> = {
  key: true,
  state: true,
  others: true,
}

/**
 * Something that the agent sent.
 * @example
 * await using one = await testAgent(hasher)
 * const last: Sent | undefined = one.sent.at(-1)
 * console.log(last?.message, 'to', last?.recipient)
 */
export interface Sent {
  /** Name of the message type. */
  readonly message: string
  /** As it was given to `send`. */
  readonly payload: unknown
  /** `type/key`. */
  readonly recipient: string
}

/**
 * Something that the agent published.
 * @example
 * await using one = await testAgent(hasher)
 * const totals = one.published.filter(({ message }: Published) => message === 'hashed').map(({ payload }) => payload)
 */
export interface Published {
  /** Name of the message type. */
  readonly message: string
  /** As it was given to `publish`. */
  readonly payload: unknown
  /** `type/source`. */
  readonly topic: string
}

/**
 * An agent under test. Made by {@link testAgent}.
 * @example
 * import assert from 'node:assert/strict'
 * await using one: TestedAgent<{ total: number }, typeof Digest> = await testAgent(hasher)
 * await one.send(Digest, { text: 'hello', rounds: 1 })
 * assert.deepEqual(await one.state(), { total: 1 })
 */
export interface TestedAgent<State, Handled extends MessageType> extends Handle<Handled>, AsyncDisposable {
  /** The clock of its loop; {@link TestedAgent.advance} moves it. */
  readonly clock: TestClock
  /** What it sent, in order; what nobody could take is not in it. */
  readonly sent: readonly Sent[]
  /** What it published, in order. */
  readonly published: readonly Published[]
  /** The event log; errors that nobody waits for (of ticks, loops, events) are its entries `'error'`. */
  readonly log: readonly LogEntry[]
  /** A copy of its state; undefined when it is not there. */
  state(): Promise<State | undefined>
  /**
   * Publishes an event to `topic/<key>`, which reaches the agent if it is subscribed, and waits for its handler.
   * @param topic topic type. Default `'default'`
   * @throws what the handler threw
   * @example
   * await using sink = await testAgent(agent('sink', { subscriptions: ['default'] }).on(Hashed, () => {}))
   * await sink.publish(Hashed, { total: 1 })
   */
  publish<M extends Handled & EventType>(message: M, payload: PayloadOf<M>, topic?: string): Promise<void>
  /** Moves the clock on by `ms`, see {@link TestClock.advance}. */
  advance(ms: number): Promise<void>
  /** Stops the agent in good order; the next message makes it anew. */
  stop(options?: StopOptions): Promise<void>
  /** Ends the test: stops everything. */
  close(): Promise<void>
}

/**
 * Makes one agent, alone, with its `onStart` done and its intervals and loops begun, at time 0 of a clock of its own.
 * @throws AgentCreationError, UnknownAgentError
 * @example
 * import assert from 'node:assert/strict'
 * const Add = request<number, number>('add')
 * const Total = event<number>('total')
 * const counter = agent('counter', { state: () => ({ n: 0 }) })
 *   .on(Add, (by, ctx) => (ctx.state.n += by))
 *   .every(1_000, ctx => ctx.publish(Total, ctx.state.n), { immediate: false })
 *
 * await using one = await testAgent(counter, { state: { n: 40 } })
 * assert.equal(await one.send(Add, 2), 42)
 * await one.advance(1_000)
 * assert.deepEqual(one.published, [{ message: 'total', payload: 42, topic: 'default/default' }])
 */
export async function testAgent<State, Handled extends MessageType>(
  definition: AgentDefinition<State, Handled>,
  options: TestAgentOptions<State> = {},
): Promise<TestedAgent<State, Handled>> {
  checkKnown('testAgent()', options, testAgentOptions)
  const clock = new TestClock()
  const sent: Sent[] = []
  const published: Published[] = []
  const log: LogEntry[] = []
  const { key = 'default' } = options
  const text = `${definition.type}/${key}`
  const record = interceptor({
    onSend: (payload, { message, sender, recipient }) => {
      if (sender?.toString() === text) sent.push({ message, payload, recipient: String(recipient) })
    },
    onPublish: (payload, { message, sender, topic }) => {
      if (sender?.toString() === text) published.push({ message, payload, topic: String(topic) })
    },
  })
  const runtime = await createRuntime({
    threads: 0,
    clock,
    agents: [definition, ...(options.others ?? [])],
    interceptors: [record],
    log: entry => log.push(entry),
  })
  const close = (): Promise<void> => runtime.close()
  const { send, trySend, ...handle } = runtime.handle<Handled>(definition, key)
  try {
    await runtime.get(handle.id, { lazy: false })
    if (options.state !== undefined) await handle.loadState(options.state)
    await clock.settle()
  } catch (error) {
    await close()
    throw error
  }
  return {
    id: handle.id,
    clock,
    sent,
    published,
    log,
    send,
    trySend,
    state: async () => (await handle.saveState()) as State | undefined,
    publish: async (message, payload, topic = 'default') => {
      try {
        await runtime.publish(message, payload, { topic: `${topic}/${key}`, until: 'handled' })
      } catch (error) {
        throw error instanceof AggregateError && error.errors.length === 1 ? error.errors[0] : error
      }
    },
    advance: ms => clock.advance(ms),
    stop: handle.stop,
    close,
    [Symbol.asyncDispose]: close,
  }
}
