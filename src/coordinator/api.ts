// What the application holds, as types: the options of a runtime, the runtime, and what it reports.
import type { ResourceLimits } from 'node:worker_threads'
import type { AgentRef, Handle, Messenger } from '../agent/context.js'
import type { AnyAgent, RestartPolicy, TopicPattern } from '../agent/definition.js'
import type { AgentId } from '../agent/ids.js'
import type { Interceptor } from '../agent/interceptor.js'
import type { MessageType } from '../agent/message.js'
import type { Clock } from '../loop/clock.js'
import type { Letter, LogEntry } from '../observe/log.js'
import type { LoopStats } from '../sync/status.js'
import type { WaitStrategyName } from '../transport/wait.js'

/** An agent definition (hosted on the calling loop) or the URL of a module that exports some (loaded on the threads). */
export type AgentSource = AnyAgent | URL | string

/** Options of {@link createRuntime}. */
export interface RuntimeOptions {
  /**
   * Worker threads beside the calling one; 0 is the single loop, where modules are loaded on the calling thread too.
   * Default: as many as the machine runs at once if any agent is a module, else 0.
   */
  readonly threads?: number
  /** Agents to register before the runtime starts. */
  readonly agents?: readonly AgentSource[]
  /** Interceptors, in the order in which they see a message. With threads, give them as modules that export them. */
  readonly interceptors?: readonly (Interceptor | URL | string)[]
  /** Whether messages are handled at once. With `false` they queue until `start()`, or go one by one with `processNext()`. Default true. */
  readonly autoStart?: boolean
  /** `'log'` (default): an event handler's error goes to the event log only. `'throw'`: also to the next `idle()`, `stop()` or `processNext()`. */
  readonly unhandledErrors?: 'log' | 'throw'
  /** Called on the calling loop with every entry of the event log, from every loop. Costs an entry per message; off by default. */
  readonly log?: (entry: LogEntry) => void
  /** Bytes of one ring; a power of two from 64 KiB to 64 MiB. Bodies over an eighth of it go by MessagePort. Default 256 KiB. */
  readonly ringBytes?: number
  /** How a thread waits for work. Default `'poll'`. */
  readonly wait?: WaitStrategyName
  /** How many dead letters are kept (default 1,000; then the oldest goes), and whether events that nobody hears are among them (default false). */
  readonly deadLetters?: { readonly capacity?: number; readonly unheardEvents?: boolean }
  /**
   * A thread that was ended and does not go, because it is inside a native call, is left behind. With more than so many
   * at a time the runtime stops: everything open gets StoppedError that says so. Default: as many as `threads`, at least 2.
   */
  readonly maxZombies?: number
  /** Memory limits of each thread, in MB, as in `new Worker`. */
  readonly resourceLimits?: ResourceLimits
  /**
   * The share of its heap's limit (`maxOldGenerationSizeMb`) at which a thread is recycled, 0 to 1; 0 is never. What a
   * full collection leaves counts. New messages for the thread wait, its turns end (in 2 s, else it is tried again 10 s
   * later), its agents are unloaded, with `onStop`, and come back on a new thread with their state, with `onStart`, on
   * their next message. Default 0.7 if there is such a limit, else 0.
   */
  readonly recycleAt?: number
  /**
   * What ends threads more often than `max` times within `within` ms is given up: an agent type if only turns of that
   * type were open (its senders get AgentFailedError), else the thread (ThreadLostError). Until then the thread is
   * replaced. Default 3 in 10,000, with a back-off of 50 to 2,000 ms.
   */
  readonly restarts?: RestartPolicy
  /** Single loop only: the clock that timers, deadlines and time limits go by. For tests, see `ringreeve/testing`. */
  readonly clock?: Clock
}

/** A subscription: events of a topic (or of all topics with a prefix) go to the agent `agent/<topic source>`. */
export type Subscription = { readonly agent: string; readonly id?: string } & (
  | { readonly topic: string }
  | { readonly prefix: string }
)

/** A subscription that is in force. `await using` ends it. */
export interface SubscriptionHandle extends AsyncDisposable {
  readonly id: string
  unsubscribe(): Promise<void>
}

/** The state of every agent, as plain data: `snapshot['type/key']`. */
export interface Snapshot {
  /** Version of this layout. */
  readonly version: 1
  /** The state version of each agent type in it. */
  readonly types: Readonly<Record<string, number>>
  readonly [agent: `${string}/${string}`]: unknown
}

/** How to stop. */
export interface StopOptions {
  /** Handle what is queued first (default), or drop it and settle its senders with StoppedError. */
  readonly drain?: boolean
  /** Milliseconds for the drain, and again for `onStop`; past them what is left is dropped. Default 5,000. */
  readonly timeout?: number
}

/** What one agent type is and where it lives. */
export interface AgentTypeInfo {
  readonly type: string
  readonly description: string | undefined
  /** Names of the messages it handles. */
  readonly messages: readonly string[]
  readonly subscriptions: readonly TopicPattern[]
  readonly concurrency: string | number
  readonly deadline: number | undefined
  readonly version: number
  /** Why the type is not hosted any more: it ended threads too often. A runtime that starts again hosts it again. */
  readonly failed: string | undefined
  /** Loops that host it; 0 is the calling loop. */
  readonly loops: readonly number[]
}

/** Options of `run()`. */
export interface RunOptions extends StopOptions {
  /** Signals that stop the runtime. Default SIGINT and SIGTERM. */
  readonly signals?: readonly NodeJS.Signals[]
}

/** A typed handle that also holds the agent's state and life. */
export interface StatefulHandle<Handled extends MessageType> extends Handle<Handled> {
  /** The state of this one agent; undefined if it does not exist yet. */
  saveState(): Promise<unknown>
  /** Puts a state into this agent, creating it if need be. */
  loadState(state: unknown): Promise<void>
  /**
   * Stops this one agent: handles what was sent to it before (or, with `drain: false`, refuses what waits and aborts the
   * turns at work), ends its loops and timers, runs `onStop`. What comes later makes it anew, also if it was unloaded.
   * @throws what `onStop` threw, or with it an AggregateError of what its loops threw; the agent has stopped all the
   *   same. TimeoutError when `onStop` is still at work after the timeout
   */
  stop(options?: StopOptions): Promise<void>
  /**
   * No further message begins until `resume()`; the mailbox keeps its bound and policy, and ticks wait in it. Turns at
   * work and background loops go on. `idle()` waits for what is queued; `stop()` resumes. Ends with the agent's thread.
   */
  pause(): Promise<void>
  resume(): Promise<void>
}

/** A message that is not given to anybody again unless somebody asks for it. */
export interface DeadLetter extends Letter {
  readonly id: number
}

/** Messages that nobody could or should be given again; `ringreeve:dead` and the event log tell of each. */
export interface DeadLetters {
  readonly size: number
  /** Letters that had to make room. */
  readonly dropped: number
  /** Oldest first. */
  list(): readonly DeadLetter[]
  /**
   * Sends the request, or publishes the event, once more, for the application. The letter is gone when that succeeds.
   * @returns the answer. @throws what the send throws; InvalidArgumentError if there is no such letter
   */
  replay(id: number): Promise<unknown>
  /** Throws away one letter, or all. @returns how many */
  discard(id?: number): number
}

/** Counters of all loops, read from shared memory: they are there even when a thread hangs. */
export interface RuntimeStats {
  readonly loops: readonly LoopStats[]
  /** Messages that wait for their turn, on any loop. */
  readonly unprocessed: number
  /** Threads that were ended, are inside a native call and have not gone yet. */
  readonly zombies: number
  /** Times that a thread was recycled because its heap was full. */
  readonly recycled: number
}

/** The runtime: agents, messages between them, and their life. Made by {@link createRuntime}. */
export interface Runtime extends Messenger, AsyncDisposable {
  readonly threads: number
  readonly running: boolean
  handle<H extends MessageType>(agent: AgentRef<H>, key?: string): StatefulHandle<H>
  /** Registers agents while running. @param options.subscriptions false leaves out the definition's own. @throws AlreadyExistsError, ModuleError */
  register(source: AgentSource, options?: { readonly subscriptions?: boolean }): Promise<readonly string[]>
  /** In force on every loop when the promise resolves. @throws AlreadyExistsError for the same agent type and topic */
  subscribe(subscription: Subscription): Promise<SubscriptionHandle>
  /** @throws UnknownSubscriptionError */
  unsubscribe(id: string): Promise<void>
  /** The id of an agent; with `lazy: false` the agent is created now. @throws UnknownAgentError, AgentCreationError */
  get(agent: AgentId | string, options?: { readonly lazy?: boolean }): Promise<AgentId>
  /** The agent types that are registered. */
  agents(): readonly AgentTypeInfo[]
  /** Resolves when no message is queued or running on any loop. @throws AggregateError with `unhandledErrors: 'throw'` */
  idle(): Promise<void>
  /** State of every agent with the queues quiet. New sends of the application wait meanwhile. @throws TimeoutError */
  saveState(options?: { readonly timeout?: number }): Promise<Snapshot>
  /** Puts a snapshot in, all or nothing. @throws StateError for an unknown version or type */
  loadState(snapshot: Snapshot): Promise<void>
  /** Starts a runtime that was made with `autoStart: false`, or starts a stopped one again. */
  start(): Promise<void>
  /**
   * Runs until SIGINT or SIGTERM (or `stop()`), then stops, draining; a second signal ends the process at once. Starts
   * the runtime if need be, and keeps the process alive.
   * @throws the error of an interval or background loop with `onError: 'stop-runtime'`; what `stop()` throws
   */
  run(options?: RunOptions): Promise<void>
  /**
   * Ends message handling: agents do nothing of themselves any more; drains or drops, runs every `onStop`, settles every
   * pending send; always returns.
   */
  stop(options?: StopOptions): Promise<void>
  /** `idle()`, then `stop()`. */
  stopWhenIdle(): Promise<void>
  /** Stops when `condition` holds; looked at every `every` ms (default 10). */
  stopWhen(condition: () => boolean, options?: { readonly every?: number }): Promise<void>
  /** `stop()`, and never again. */
  close(options?: StopOptions): Promise<void>
  /** Single loop with `autoStart: false`: begins with the next message. False if there is none. */
  processNext(): Promise<boolean>
  /** Messages that wait for their turn, on any loop. */
  readonly unprocessedMessages: number
  stats(): RuntimeStats
  readonly deadLetters: DeadLetters
}
