// What the application holds, as types: the runtime, and what it reports. What it is made with is in options.ts.
import type { AgentRef, Handle, Messenger } from '../agent/context.js'
import type { AgentId } from '../agent/ids.js'
import type { MessageType } from '../agent/message.js'
import type { TopicPattern } from '../agent/options.js'
import type { Letter } from '../observe/log.js'
import type { LoopStats } from '../sync/status.js'
import type { AgentSource } from './options.js'

/**
 * A subscription: events of a topic (or of all topics with a prefix) go to the agent `agent/<topic source>`.
 * @example
 * await runtime.subscribe({ agent: 'archive', topic: 'news' }) // news/alice goes to archive/alice
 * await runtime.subscribe({ agent: 'archive', prefix: 'sensor.', id: 'sensors' })
 * await runtime.unsubscribe('sensors')
 */
export type Subscription = { readonly agent: string; readonly id?: string } & (
  | { readonly topic: string }
  | { readonly prefix: string }
)

/**
 * A subscription that is in force. `await using` ends it.
 * @example
 * const heard = await runtime.subscribe({ agent: 'archive', topic: 'news' })
 * await heard.unsubscribe()
 */
export interface SubscriptionHandle extends AsyncDisposable {
  /** The id that it was given, or one of its own. */
  readonly id: string
  /** Ends it: when the promise resolves it is in force on no loop any more. */
  unsubscribe(): Promise<void>
}

/**
 * The state of every agent, as plain data: `snapshot['type/key']`.
 * @example
 * import { writeFile } from 'node:fs/promises'
 * const snapshot: Snapshot = await runtime.saveState()
 * console.log(snapshot['hasher/alice']) // { total: 1 }
 * await writeFile('state.json', JSON.stringify(snapshot))
 */
export interface Snapshot {
  /** Version of this layout. */
  readonly version: 1
  /** The state version of each agent type in it. */
  readonly types: Readonly<Record<string, number>>
  readonly [agent: `${string}/${string}`]: unknown
}

/**
 * How to stop.
 * @example await runtime.stop({ drain: false, timeout: 1_000 })
 */
export interface StopOptions {
  /** Handle what was sent from here and is queued first (default), or drop that and settle its senders with StoppedError. */
  readonly drain?: boolean
  /**
   * Milliseconds for the drain, and again for what follows: turns whose signal was aborted (without drain), and `onStop`. What
   * is left then is dropped and told of, with who held it up; a thread that does not come by is ended. Default 5,000.
   */
  readonly timeout?: number
}

/**
 * What one agent type is and where it lives.
 * @example for (const { type, messages, loops } of runtime.agents()) console.log(type, messages, 'on loops', loops)
 */
export interface AgentTypeInfo {
  /** The first half of the addresses of its agents. */
  readonly type: string
  /** As its definition says. */
  readonly description: string | undefined
  /** Names of the messages it handles. */
  readonly messages: readonly string[]
  /** As its definition says. */
  readonly subscriptions: readonly TopicPattern[]
  /** How many messages one agent handles at a time, see `Concurrency`. */
  readonly concurrency: string | number
  /** Milliseconds that a turn may take; undefined: any time. */
  readonly deadline: number | undefined
  /** Of its state. */
  readonly version: number
  /** Why the type is not hosted any more: it ended threads too often. A runtime that starts again hosts it again. */
  readonly failed: string | undefined
  /** Loops that host it; 0 is the calling loop. Not those that were given up. */
  readonly loops: readonly number[]
}

/**
 * Options of `run()`.
 * @example await runtime.run({ signals: ['SIGTERM'], timeout: 10_000 })
 */
export interface RunOptions extends StopOptions {
  /** Signals that stop the runtime. Default SIGINT and SIGTERM. Nobody can listen to SIGKILL and SIGSTOP. */
  readonly signals?: readonly NodeJS.Signals[]
}

/**
 * A typed handle that also holds the agent's state and life, as `runtime.handle()` makes it.
 * @example
 * const alice = runtime.handle(hasher, 'alice')
 * await alice.loadState({ total: 41 })
 * await alice.send(Digest, { text: 'hello', rounds: 10 })
 * console.log(await alice.saveState()) // { total: 42 }
 */
export interface StatefulHandle<Handled extends MessageType> extends Handle<Handled> {
  /** The state of this one agent; undefined if it does not exist yet. */
  saveState(): Promise<unknown>
  /** Puts a state into this agent. If it is not there it is made, within 30 s, with the state there before `onStart` runs. */
  loadState(state: unknown): Promise<void>
  /**
   * Stops this one agent: handles what was sent to it before (or, with `drain: false`, refuses what waits and aborts the
   * turns at work), ends its loops and timers, runs `onStop`. What comes later makes it anew, also if it was unloaded.
   * @throws what `onStop` threw, or with it an AggregateError of what its loops threw; the agent has stopped all the
   *   same. TimeoutError when `onStop` is still at work when its time is over: it goes on, and keeps nobody from the agent
   *   that the next message makes
   * @example await runtime.handle(hasher, 'alice').stop({ timeout: 1_000 })
   */
  stop(options?: StopOptions): Promise<void>
  /**
   * No further message begins until `resume()`, also if the agent is just being made; the mailbox keeps its bound and policy, and
   * ticks wait in it. Turns at work and background loops go on. `idle()` waits for what is queued; `stop()` resumes. Ends with
   * the agent's thread.
   * @example
   * const alice = runtime.handle(hasher, 'alice')
   * await alice.pause()
   * setTimeout(() => void alice.resume(), 5_000)
   */
  pause(): Promise<void>
  /** Messages begin again, those that waited first. */
  resume(): Promise<void>
}

/**
 * A message that is not given to anybody again unless somebody asks for it.
 * @example
 * const line = ({ id, message, recipient, detail }: DeadLetter) => `${id}: ${message} for ${recipient}: ${detail}`
 * console.log(runtime.deadLetters.list().map(line).join('\n'))
 */
export interface DeadLetter extends Letter {
  /** For `replay` and `discard`. */
  readonly id: number
}

/**
 * Messages that nobody could or should be given again; `ringreeve:dead` and the event log tell of each.
 * @example
 * const letters: DeadLetters = runtime.deadLetters
 * for (const { id, reason } of letters.list()) {
 *   if (reason === 'poison') letters.discard(id)
 *   else await letters.replay(id, Hashed)
 * }
 */
export interface DeadLetters {
  /** How many there are. */
  readonly size: number
  /** Letters that had to make room, or had none. */
  readonly dropped: number
  /** Oldest first. */
  list(): readonly DeadLetter[]
  /**
   * Sends the request, or publishes the event, once more, for the application. The letter is gone when that succeeds.
   * @param type what the letter holds. To be given if it has a schema or a serializer: a letter knows it by name only
   * @returns the answer
   * @throws what the send throws; InvalidArgumentError if there is no such letter, or it is of another type
   * @example for (const { id } of runtime.deadLetters.list()) console.log(await runtime.deadLetters.replay(id))
   */
  replay(id: number, type?: MessageType): Promise<unknown>
  /**
   * Throws away one letter, or all.
   * @returns how many
   * @example console.log(runtime.deadLetters.discard(), 'letters thrown away')
   */
  discard(id?: number): number
}

/**
 * A thread that ended too often (`restarts`) and is not started again; until `stop()` and `start()`, which begin anew.
 * @example for (const { thread, since, why } of runtime.stats().givenUp) console.error(thread, new Date(since), why)
 */
export interface GivenUp {
  /** Its loop. */
  readonly thread: number
  /** Milliseconds since 1970. */
  readonly since: number
  /** How it ended last, and what helps. Who sends to its agents is told the same, with ThreadLostError. */
  readonly why: string
}

/**
 * Counters of all loops, read from shared memory: they are there even when a thread hangs.
 * @example
 * const { loops, unprocessed } = runtime.stats()
 * console.log(unprocessed, 'wait;', loops.map(({ handled }) => handled).join(' + '), 'handled')
 */
export interface RuntimeStats {
  /** By index; 0 is the calling loop. */
  readonly loops: readonly LoopStats[]
  /**
   * Messages that wait for their turn, on any loop, or to be sent (until the runtime is started, or state is saved or loaded), and at
   * least one for each way between loops on which there are any.
   */
  readonly unprocessed: number
  /** Threads that were ended, are inside a native call and have not gone yet. */
  readonly zombies: number
  /** Threads that are not started again. (Agent types that were given up: `failed` of `agents()`.) */
  readonly givenUp: readonly GivenUp[]
  /** Times that a thread was recycled because its heap was full. */
  readonly recycled: number
}

/**
 * The runtime: agents, messages between them, and their life. Made by {@link createRuntime}.
 * @example
 * const runtime: Runtime = await createRuntime({ threads: 2, agents: [new URL('./agents.js', import.meta.url)] })
 * await runtime.send(Digest, { text: 'hello', rounds: 10 }, 'hasher/alice')
 * await runtime.close()
 */
export interface Runtime extends Messenger, AsyncDisposable {
  /** Worker threads beside the calling one; 0 is the single loop. */
  readonly threads: number
  /**
   * Whether messages are handled: from `start()` until `stop()`, or until every thread is given up and no agent lives on the calling
   * loop. Then `start()` begins anew, and `saveState()` has the last checkpoints before.
   */
  readonly running: boolean
  /**
   * A typed address of one agent, with its state and life.
   * @param key default `'default'`
   * @throws InvalidNameError
   * @example const alice = runtime.handle(hasher, 'alice')
   */
  handle<H extends MessageType>(agent: AgentRef<H>, key?: string): StatefulHandle<H>
  /**
   * Registers agents while running.
   * @param options.subscriptions false leaves out the definition's own
   * @returns the names of the agent types
   * @throws AlreadyExistsError, ModuleError
   * @example const types = await runtime.register(new URL('./more-agents.js', import.meta.url))
   */
  register(source: AgentSource, options?: { readonly subscriptions?: boolean }): Promise<readonly string[]>
  /**
   * Has events go to agents. In force on every loop when the promise resolves.
   * @throws AlreadyExistsError for the same agent type and topic
   * @example await using heard = await runtime.subscribe({ agent: 'archive', topic: 'news' })
   */
  subscribe(subscription: Subscription): Promise<SubscriptionHandle>
  /**
   * Ends the subscription of that id, on every loop when the promise resolves.
   * @throws UnknownSubscriptionError
   */
  unsubscribe(id: string): Promise<void>
  /**
   * The id of an agent; with `lazy: false` the agent is created now, which `idle()` waits for.
   * @throws UnknownAgentError, AgentCreationError, StoppedError (it was stopped before it was there)
   * @example await runtime.get('hasher/alice', { lazy: false })
   */
  get(agent: AgentId | string, options?: { readonly lazy?: boolean }): Promise<AgentId>
  /** The agent types that are registered. */
  agents(): readonly AgentTypeInfo[]
  /**
   * Resolves when no message is queued or running on any loop, or waits to be sent.
   * @throws AggregateError with `unhandledErrors: 'throw'`
   * @example
   * await runtime.publish(Hashed, { total: 1 })
   * await runtime.idle() // and what it led to is done
   */
  idle(): Promise<void>
  /**
   * State of every agent at one moment, with nothing under way: new sends of the application, ticks and background loops wait
   * meanwhile. (A loop is held where it has awaited its `ctx`.) Of agents whose thread or type was given up: their last checkpoints.
   * @param options.timeout milliseconds to wait for quiet; default 30,000
   * @throws TimeoutError
   * @example const snapshot = await runtime.saveState()
   */
  saveState(options?: { readonly timeout?: number }): Promise<Snapshot>
  /**
   * Puts a snapshot in, all or nothing. Agents that are not there are made, with their state before `onStart` runs; if one cannot
   * be made, those that were are stopped again and all states are as they were. New sends of the application, ticks and background
   * loops wait meanwhile; what an `onStart` sends does not.
   * @param options.timeout milliseconds for all of it; default 30,000
   * @throws StateError for an unknown version or type, or what is not plain data; UnknownAgentError for a key that is not in the
   *   `keys` of its type; AgentCreationError; TimeoutError
   * @example
   * import { readFile } from 'node:fs/promises'
   * await runtime.loadState(JSON.parse(await readFile('state.json', 'utf8')))
   */
  loadState(snapshot: Snapshot, options?: { readonly timeout?: number }): Promise<void>
  /**
   * Starts a runtime that was made with `autoStart: false`, or starts a stopped one again.
   * @throws InvalidArgumentError when it is running; StoppedError when it is closed
   * @example
   * const runtime = await createRuntime({ agents: [hasher], autoStart: false })
   * const digest = runtime.send(Digest, { text: 'hello', rounds: 10 }, 'hasher/alice') // waits
   * await runtime.start()
   */
  start(): Promise<void>
  /**
   * Runs until SIGINT or SIGTERM (or `stop()`), then stops, draining; a second signal ends the process at once, whoever
   * else listens to it. Starts the runtime if need be, and keeps the process alive.
   * @throws InvalidArgumentError; what the runtime ended by, if it did so by itself (the error of an interval or background loop with
   *   `onError: 'stop-runtime'`, or that it failed), also before `run()` was called, unless it was started again since; what `stop()` throws
   * @example await runtime.run()
   */
  run(options?: RunOptions): Promise<void>
  /**
   * Ends message handling: agents do nothing of themselves any more; drains or drops, runs every `onStop` (after a drain while
   * agents that have none still hear what it says; what has stopped is made anew by what comes for it, and stops again), settles every
   * pending send; always returns. `start()` starts it again.
   * @throws what `onStop` hooks threw, and that agents had no time for theirs, as an AggregateError, with `unhandledErrors: 'throw'`
   * @example await runtime.stop({ timeout: 1_000 })
   */
  stop(options?: StopOptions): Promise<void>
  /**
   * `idle()`, then `stop()`.
   * @example
   * await runtime.publish(Hashed, { total: 1 })
   * await runtime.stopWhenIdle()
   */
  stopWhenIdle(): Promise<void>
  /**
   * Stops when `condition` holds, also before `start()`; looked at every `every` ms (default 10). What is queued is dropped.
   * @example await runtime.stopWhen(() => runtime.unprocessedMessages === 0, { every: 100 })
   */
  stopWhen(condition: () => boolean, options?: { readonly every?: number }): Promise<void>
  /**
   * `stop()`, and never again.
   * @example process.once('SIGTERM', () => void runtime.close({ timeout: 5_000 }))
   */
  close(options?: StopOptions): Promise<void>
  /**
   * Single loop with `autoStart: false`: begins with the next message. False if there is none.
   * @throws InvalidArgumentError on any other runtime
   * @example while (await runtime.processNext()) console.log(runtime.unprocessedMessages, 'to go')
   */
  processNext(): Promise<boolean>
  /** `unprocessed` of {@link Runtime.stats}: 0 when nothing waits, and nothing is on its way. */
  readonly unprocessedMessages: number
  /**
   * Counters of every loop, at this moment.
   * @example for (const { loop, alive, queued } of runtime.stats().loops) console.log(loop, alive, queued)
   */
  stats(): RuntimeStats
  /** Messages that were given up. */
  readonly deadLetters: DeadLetters
}
