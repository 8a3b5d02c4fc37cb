// What a runtime is made with.
import type { ResourceLimits } from 'node:worker_threads'
import type { AnyAgent } from '../agent/definition.js'
import type { Interceptor } from '../agent/interceptor.js'
import type { RestartPolicy } from '../agent/options.js'
import type { Clock } from '../loop/base/clock.js'
import type { LogEntry } from '../observe/log.js'
import type { WaitStrategyName } from '../transport/wait.js'

/**
 * An agent definition (hosted on the calling loop) or the URL of a module that exports some (loaded on the threads).
 * @example const sources: AgentSource[] = [hasher, new URL('./agents.js', import.meta.url)]
 */
export type AgentSource = AnyAgent | URL | string

/**
 * Options of {@link createRuntime}.
 * @example
 * const options: RuntimeOptions = {
 *   threads: 4,
 *   agents: [new URL('./agents.js', import.meta.url)],
 *   log: ({ event, agent, reason }) => event === 'error' && console.error(agent, reason),
 * }
 * await using runtime = await createRuntime(options)
 */
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
  /** `'log'` (default): an event handler's error goes to the event log only; the first of each kind is a process warning where nobody listens to that. `'throw'`: also to the next `idle()`, `stop()` or `processNext()`. */
  readonly unhandledErrors?: 'log' | 'throw'
  /** Called on the calling loop with every entry of the event log, from every loop. Costs an entry per message; off by default. */
  readonly log?: (entry: LogEntry) => void
  /** Bytes of one ring; a power of two from 64 KiB to 64 MiB. Bodies over an eighth of it go by MessagePort. Default 256 KiB. */
  readonly ringBytes?: number
  /**
   * The async context (`AsyncLocalStorage`) that a handler runs in. `'none'` (default): nobody's. `'sender'`: that of who sent the message,
   * if that was on the same loop; what comes from another thread, ticks, loops and hooks run in none. It makes a small message take
   * 10 to 25 % longer.
   */
  readonly asyncContext?: 'none' | 'sender'
  /** How a thread waits for work. Default `'poll'`. */
  readonly wait?: WaitStrategyName
  /**
   * How many dead letters are kept (default 1,000), and how many bytes of them, about (default 64 MiB); then the oldest go, and one that
   * is bigger than all of that is not kept. And whether events that nobody hears are among them (default false).
   */
  readonly deadLetters?: { readonly capacity?: number; readonly maxBytes?: number; readonly unheardEvents?: boolean }
  /**
   * A thread that was ended and does not go, because it is inside a native call, is left behind. With more than so many
   * at a time the runtime stops: everything open gets StoppedError that says so. Default: as many as `threads`, at least 2.
   */
  readonly maxZombies?: number
  /**
   * Memory limits of each thread, in MB, as in `new Worker`. From Node 24 on a thread that runs out of its heap can end the
   * whole process, or hang: a process warning (`RINGREEVE_HEAP`) says so once, at the start.
   */
  readonly resourceLimits?: ResourceLimits
  /**
   * The share of its heap's limit (`maxOldGenerationSizeMb`) at which a thread is recycled, 0 to 1; 0 is never. What a
   * full collection leaves counts. New messages for the thread wait, its turns end (in 2 s, and before them in 2 s the orders to
   * agents that are at work, else it is tried again 10 s later), its agents are unloaded, with `onStop`, and come back on a new
   * thread with their state, with `onStart`, on their next message. Default 0.7 if there is such a limit (from Node 24 on 0.5), else 0.
   */
  readonly recycleAt?: number
  /**
   * What ends threads more often than `max` times within `within` ms is given up: an agent type if only turns of that
   * type were open (its senders get AgentFailedError), else the thread (ThreadLostError). Until then the thread is
   * replaced. Default 3 in 10,000, with a back-off of 50 to 2,000 ms.
   */
  readonly restarts?: RestartPolicy
  /**
   * Milliseconds that a module of agents or interceptors may take to be loaded on one loop; past them it is refused (ModuleError),
   * and a thread that computes in it is ended. On a thread it is refused sooner where nothing is left that could end what it
   * awaits at its top level. Default 30,000.
   */
  readonly loadTimeout?: number
  /** Single loop only: the clock that timers, deadlines and time limits go by. For tests, see `ringreeve/testing`. */
  readonly clock?: Clock
}
