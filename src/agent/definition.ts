// What a user writes: an agent type as data. A definition never changes (`on` returns another one), holds no
// reference to a runtime, and is known by a brand, so that it may come from any copy of this module.
import type { AgentRef, Context, LifeContext } from './context.js'
import { InvalidArgumentError } from './errors.js'
import { type AgentId, checkAgentType, checkTopicType } from './ids.js'
import type { MessageType, ReceivedOf, ReturnOf } from './message.js'

const brand = Symbol.for('ringreeve.agent')

/** Which topics an agent type listens to: an exact topic type, or every topic type that starts with a prefix. */
export type TopicPattern = string | { readonly topic: string } | { readonly prefix: string }

/** Bound of one agent's queue and what happens beyond it. */
export interface MailboxOptions {
  /** Messages that wait for one agent. Default 1024. */
  readonly capacity?: number
  /**
   * `'wait'` (default): senders wait. `'reject'`: a request is refused with OverloadedError, an event is dropped.
   * `'drop-oldest'`: the oldest waiting message makes room, its request refused with OverloadedError.
   */
  readonly overflow?: 'wait' | 'reject' | 'drop-oldest'
}

/**
 * How many messages one agent handles at a time. `'serial'`: one. `'callchain'`: one, and calls that come back by way
 * of its own running turn. `'interleaved'`: no limit. A number: at most so many.
 */
export type Concurrency = 'serial' | 'callchain' | 'interleaved' | number

/** How often a thread may end before what ended it is given up. */
export interface RestartPolicy {
  /** More ends than this within `within` ms are too many. */
  readonly max: number
  readonly within: number
  /**
   * Milliseconds before the next life. The first end has none; the second `min`, then twice as much each time up to
   * `max`, each between half and all of it by chance. Default 50 to 2,000.
   */
  readonly backoff?: { readonly min: number; readonly max: number }
}

/**
 * When the state of an agent is kept outside its thread. `everyMessages: 1` keeps it before each answer leaves;
 * `everyMs` at most so many ms after a change; `'on-demand'` when a handler calls `ctx.checkpoint()`, which the others
 * may do too. State is plain data and is encoded each time.
 */
export type CheckpointPolicy = { readonly everyMessages: number } | { readonly everyMs: number } | 'on-demand'

/** Options of an agent type. */
export interface AgentOptions<State> {
  /** Makes the state of a new agent, on its own thread, at its first message. Default: `undefined`. */
  readonly state?: (id: AgentId) => State | Promise<State>
  /** Says what `state` looks like; a snapshot of another version is refused unless `migrate` takes it. Default 1. */
  readonly version?: number
  /** Brings a saved state of an older version up to `version`. */
  readonly migrate?: (saved: unknown, version: number) => State
  /** One line for people. */
  readonly description?: string
  /** Topics that each agent of this type hears; the topic's source is the agent's key. `'default'` is the default topic. */
  readonly subscriptions?: readonly TopicPattern[]
  /** How many threads host this type. Default: all. 1 pins it to one. Keys are spread by hash. */
  readonly threads?: number
  /** Default `'serial'`. */
  readonly concurrency?: Concurrency
  /** Milliseconds a turn may take. Then `ctx.signal` aborts and the caller gets DeadlineError; a thread that is still busy 100 ms later is ended and replaced. Default: none. */
  readonly deadline?: number
  /** Milliseconds after which a turn is told of (`slow` in the event log) and otherwise left alone. Default: none. */
  readonly softDeadline?: number
  readonly mailbox?: MailboxOptions
  /** After its thread ended, an agent comes back from its last checkpoint on its next message. Default: none; it begins anew. */
  readonly checkpoint?: CheckpointPolicy
  /** Ends of threads that are the doing of this type. Past it the type fails: its senders get AgentFailedError. Default: the runtime's. */
  readonly restarts?: RestartPolicy
  /** The only keys that exist. Default: any key. */
  readonly keys?: readonly string[]
}

/** Handles one message: gets the payload, returns the answer (requests) or nothing (events). */
export type Handler<M extends MessageType, State> = (
  payload: ReceivedOf<M>,
  ctx: Context<State>,
) => ReturnOf<M> | Promise<ReturnOf<M>>

/** Options of one handler. */
export interface HandlerOptions<M extends MessageType, State> {
  /** Takes only the messages for which this returns true; of several handlers of a type the first match runs. */
  readonly when?: (payload: ReceivedOf<M>, ctx: Context<State>) => boolean
}

/** A handler with its types erased, as the runtime keeps it. */
export interface HandlerEntry {
  readonly message: MessageType
  readonly handle: (payload: unknown, ctx: Context) => unknown
  readonly when: ((payload: unknown, ctx: Context) => boolean) | undefined
}

type LifeHook = (ctx: LifeContext) => void | Promise<void>

/** What the runtime reads of a definition. */
export interface AgentSpec {
  readonly type: string
  readonly options: AgentOptions<unknown>
  readonly handlers: readonly HandlerEntry[]
  readonly onStart: LifeHook | undefined
  readonly onStop: LifeHook | undefined
  readonly onRestart: LifeHook | undefined
}

/** An agent type, whatever its state and messages. */
export interface AnyAgent {
  readonly type: string
  readonly spec: AgentSpec
}

/** An agent type: what its state is and how it handles its messages. Immutable; each method returns a new definition. */
export interface AgentDefinition<State = unknown, Handled extends MessageType = never>
  extends AnyAgent,
    AgentRef<Handled> {
  /** Adds a handler. Exactly this message type is handled (by name); the first handler whose `when` agrees runs. */
  on<M extends MessageType>(
    message: M,
    handler: Handler<M, State>,
    options?: HandlerOptions<M, State>,
  ): AgentDefinition<State, Handled | M>
  /** Runs before the first message of an agent; messages wait for it. If it fails the agent is not there. */
  onStart(hook: (ctx: LifeContext<State>) => void | Promise<void>): AgentDefinition<State, Handled>
  /** Runs when an agent comes back after its thread ended, after `onStart` and with the state of its last checkpoint, if there is one. */
  onRestart(hook: (ctx: LifeContext<State>) => void | Promise<void>): AgentDefinition<State, Handled>
  /** Runs once when the agent ends in good order: the runtime stops. */
  onStop(hook: (ctx: LifeContext<State>) => void | Promise<void>): AgentDefinition<State, Handled>
}

class Definition implements AnyAgent {
  readonly spec: AgentSpec

  constructor(spec: AgentSpec) {
    this.spec = spec
    Object.defineProperty(this, brand, { value: true })
    Object.freeze(this)
  }

  get type(): string {
    return this.spec.type
  }

  on(message: MessageType, handle: HandlerEntry['handle'], options: { when?: HandlerEntry['when'] } = {}): Definition {
    const type = this.spec.type
    if (message?.kind !== 'request' && message?.kind !== 'event') {
      throw new InvalidArgumentError(
        `agent '${type}': on() takes what request() or event() returned as its first argument`,
      )
    }
    if (typeof handle !== 'function') {
      throw new InvalidArgumentError(
        `agent '${type}': the handler of '${message.name}' is ${typeof handle}, not a function`,
      )
    }
    return new Definition({ ...this.spec, handlers: [...this.spec.handlers, { message, handle, when: options.when }] })
  }

  onStart(hook: LifeHook): Definition {
    return new Definition({ ...this.spec, onStart: hook })
  }

  onStop(hook: LifeHook): Definition {
    return new Definition({ ...this.spec, onStop: hook })
  }

  onRestart(hook: LifeHook): Definition {
    return new Definition({ ...this.spec, onRestart: hook })
  }
}

function checkWhole(type: string, option: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return
  throw new InvalidArgumentError(`agent '${type}': ${option} must be a whole number of at least ${least}, got ${value}`)
}

/** @throws InvalidArgumentError */
export function checkRestarts(where: string, policy: RestartPolicy | undefined): void {
  if (policy === undefined) return
  const { max, within, backoff } = policy
  if (!(Number.isInteger(max) && max >= 0 && within > 0)) {
    throw new InvalidArgumentError(
      `${where}: max is a whole number from 0, within a number of ms above 0, got ${max} and ${within}`,
    )
  }
  if (backoff !== undefined && !(backoff.min >= 0 && backoff.max >= backoff.min && backoff.max < 2 ** 31)) {
    throw new InvalidArgumentError(
      `${where}: backoff goes from min to a max that is no smaller, got ${backoff.min} and ${backoff.max}`,
    )
  }
}

function checkOptions(type: string, options: AgentOptions<unknown>): void {
  checkWhole(type, 'threads', options.threads, 1)
  checkWhole(type, 'version', options.version, 1)
  checkWhole(type, 'mailbox.capacity', options.mailbox?.capacity, 1)
  if (options.state !== undefined && typeof options.state !== 'function') {
    throw new InvalidArgumentError(
      `agent '${type}': state must be a function that makes the state, got ${typeof options.state}`,
    )
  }
  for (const option of ['deadline', 'softDeadline'] as const) {
    const ms = options[option]
    if (ms === undefined || (ms > 0 && ms < 2 ** 31)) continue
    throw new InvalidArgumentError(`agent '${type}': ${option} must be a number of milliseconds above 0, got ${ms}`)
  }
  checkRestarts(`agent '${type}': restarts`, options.restarts)
  const { checkpoint } = options
  if (checkpoint !== undefined && checkpoint !== 'on-demand') {
    const every: { everyMessages?: number; everyMs?: number } = checkpoint
    if (every.everyMessages === undefined && every.everyMs === undefined) {
      throw new InvalidArgumentError(
        `agent '${type}': checkpoint must be { everyMessages }, { everyMs } or 'on-demand', got ${JSON.stringify(checkpoint)}`,
      )
    }
    checkWhole(type, 'checkpoint.everyMessages', every.everyMessages, 1)
    checkWhole(type, 'checkpoint.everyMs', every.everyMs, 1)
  }
  const { concurrency } = options
  if (typeof concurrency === 'number') checkWhole(type, 'concurrency', concurrency, 1)
  else if (concurrency !== undefined && !['serial', 'callchain', 'interleaved'].includes(concurrency)) {
    throw new InvalidArgumentError(
      `agent '${type}': concurrency must be 'serial', 'callchain', 'interleaved' or a number, got ${JSON.stringify(concurrency)}`,
    )
  }
  const overflow = options.mailbox?.overflow
  if (overflow !== undefined && !['wait', 'reject', 'drop-oldest'].includes(overflow)) {
    throw new InvalidArgumentError(
      `agent '${type}': mailbox.overflow must be 'wait', 'reject' or 'drop-oldest', got ${JSON.stringify(overflow)}`,
    )
  }
  for (const pattern of options.subscriptions ?? []) {
    if (typeof pattern === 'object' && 'prefix' in pattern) {
      if (pattern.prefix !== '') checkTopicType(pattern.prefix)
    } else checkTopicType(typeof pattern === 'string' ? pattern : pattern.topic)
  }
}

/**
 * Declares an agent type. Add handlers with `.on(messageType, handler)`.
 * @param type the first half of its agents' addresses; letters, digits, `_`, `-`, `.`
 * @throws InvalidNameError, InvalidArgumentError
 * @example
 * const counter = agent('counter', { state: () => ({ n: 0 }) }).on(Add, (by, ctx) => (ctx.state.n += by))
 */
export function agent<State = undefined>(type: string, options: AgentOptions<State> = {}): AgentDefinition<State> {
  checkAgentType(type)
  const erased = options as AgentOptions<unknown>
  checkOptions(type, erased)
  const spec: AgentSpec = {
    type,
    options: erased,
    handlers: [],
    onStart: undefined,
    onStop: undefined,
    onRestart: undefined,
  }
  return new Definition(spec) as unknown as AgentDefinition<State>
}

/** Whether a value is an agent definition, from this or any other copy of the library. */
export function isAgent(value: unknown): value is AnyAgent {
  return typeof value === 'object' && value !== null && brand in value
}
