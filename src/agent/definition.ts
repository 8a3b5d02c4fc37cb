// What a user writes: an agent type as data. A definition never changes (`on` returns another one), holds no
// reference to a runtime, and is known by a brand, so that it may come from any copy of this module.

import { checkFunction, checkKnown, checkMs, shown } from './check.js'
import type { AgentRef, Context, LifeContext } from './context.js'
import { InvalidArgumentError } from './errors.js'
import { type AgentId, checkAgentType, checkTopicType } from './ids.js'
import type { MessageType, ReceivedOf, ReturnOf } from './message.js'

const brand = Symbol.for('ringreeve.agent')

/**
 * Which topics an agent type listens to: an exact topic type, or every topic type that starts with a prefix.
 * @example agent('archive', { subscriptions: ['news', { topic: 'default' }, { prefix: 'sensor.' }] })
 */
export type TopicPattern = string | { readonly topic: string } | { readonly prefix: string }

/**
 * Bound of one agent's queue and what happens beyond it.
 * @example agent('screen', { mailbox: { capacity: 16, overflow: 'drop-oldest' } })
 */
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
 * @example agent('crawler', { concurrency: 8 })
 */
export type Concurrency = 'serial' | 'callchain' | 'interleaved' | number

/**
 * How often a thread may end before what ended it is given up.
 * @example agent('parser', { restarts: { max: 5, within: 60_000, backoff: { min: 100, max: 5_000 } } })
 */
export interface RestartPolicy {
  /** More ends than this within `within` ms are too many. */
  readonly max: number
  /** Milliseconds. */
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
 * @example agent('ledger', { state: () => ({ sum: 0 }), checkpoint: { everyMessages: 1 } })
 */
export type CheckpointPolicy = { readonly everyMessages: number } | { readonly everyMs: number } | 'on-demand'

/**
 * Options of an agent type.
 * @example agent('hasher', { state: () => ({ total: 0 }), threads: 1, deadline: 2_000, unloadAfter: 60_000 })
 */
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
  /** How many threads host this type. Default: all. 1 pins it to one. Keys that end with a number are dealt out in turn, others spread by hash. */
  readonly threads?: number
  /** How many messages one agent handles at a time. Default `'serial'`. */
  readonly concurrency?: Concurrency
  /** Milliseconds a turn may take. Then `ctx.signal` aborts and the caller gets DeadlineError; a thread that is still busy 100 ms later is ended and replaced. Default: none. */
  readonly deadline?: number
  /** Milliseconds after which a turn is told of (`slow` in the event log) and otherwise left alone. Default: none. */
  readonly softDeadline?: number
  /** Bound of each agent's queue. Default: 1024 messages, then senders wait. */
  readonly mailbox?: MailboxOptions
  /** After its thread ended, an agent comes back from its last checkpoint on its next message. Default: none; it begins anew. */
  readonly checkpoint?: CheckpointPolicy
  /** Ends of threads that are the doing of this type. Past it the type fails: its senders get AgentFailedError. Default: the runtime's. */
  readonly restarts?: RestartPolicy
  /** The only keys that exist. Default: any key. */
  readonly keys?: readonly string[]
  /**
   * Milliseconds after its last message when an agent is stopped (with `onStop`), to be made again by its next message.
   * Ticks and loops do not keep it; a pending `ctx.after` does. Default: never.
   */
  readonly unloadAfter?: number
  /** Whether the state of an unloaded agent stays in memory and is given back to it. Default true. */
  readonly keepState?: boolean
}

/**
 * Handles one message: gets the payload, returns the answer (requests) or nothing (events).
 * @example
 * const digest: Handler<typeof Digest, { total: number }> = ({ text }, ctx) => `${text} no. ${++ctx.state.total}`
 * agent('hasher', { state: () => ({ total: 0 }) }).on(Digest, digest)
 */
export type Handler<M extends MessageType, State> = (
  payload: ReceivedOf<M>,
  ctx: Context<State>,
) => ReturnOf<M> | Promise<ReturnOf<M>>

/**
 * Options of one handler.
 * @example
 * agent('judge')
 *   .on(Digest, () => 'too long', { when: ({ text }) => text.length > 1_000 })
 *   .on(Digest, () => 'fine')
 */
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

/**
 * What happens when an interval or a background loop fails. `'report'`: like an event handler's error, and an interval
 * goes on. `'stop-agent'`: the agent stops in good order; its next message makes it anew. `'stop-runtime'`: then the
 * runtime stops too, and `run()` rejects with the error.
 * @example agent('pulse').every(1_000, ctx => ctx.publish(Hashed, { total: 1 }), { onError: 'stop-agent' })
 */
export type OnError = 'report' | 'stop-agent' | 'stop-runtime'

/**
 * Options of an interval.
 * @example agent('pulse').every(1_000, ctx => ctx.publish(Hashed, { total: 1 }), { immediate: false })
 */
export interface IntervalOptions {
  /** Whether the first tick comes at once, or (`false`) after the first period. Default true. */
  readonly immediate?: boolean
  /** What an error of a tick does. Default `'report'`. */
  readonly onError?: OnError
}

/**
 * Options of a background loop.
 * @example agent('poller').loop(ctx => ctx.sleep(60_000), { onError: 'stop-runtime' })
 */
export interface BackgroundOptions {
  /** What an error that ends the loop does. Default `'report'`. */
  readonly onError?: OnError
}

/** An interval with its types erased. */
export interface IntervalEntry {
  readonly ms: number
  readonly work: (ctx: Context) => unknown
  readonly immediate: boolean
  readonly onError: OnError
}

/** A background loop with its types erased. */
export interface BackgroundEntry {
  readonly work: (ctx: LifeContext, stopSignal: AbortSignal) => unknown
  readonly onError: OnError
}

type LifeHook = (ctx: LifeContext) => void | Promise<void>

/** What the runtime reads of a definition. */
export interface AgentSpec {
  readonly type: string
  readonly options: AgentOptions<unknown>
  readonly handlers: readonly HandlerEntry[]
  readonly intervals: readonly IntervalEntry[]
  readonly loops: readonly BackgroundEntry[]
  readonly onStart: LifeHook | undefined
  readonly onStop: LifeHook | undefined
  readonly onRestart: LifeHook | undefined
}

/**
 * An agent type, whatever its state and messages.
 * @example const all: AnyAgent[] = [hasher, agent('sink').on(Hashed, () => {})]
 */
export interface AnyAgent {
  /** The first half of the addresses of its agents. */
  readonly type: string
  /** What the definition says, for the runtime. */
  readonly spec: AgentSpec
}

/**
 * An agent type: what its state is and how it handles its messages. Immutable; each method returns a new definition.
 * @example
 * export const counter: AgentDefinition<{ n: number }, typeof Hashed> = agent('counter', { state: () => ({ n: 0 }) })
 *   .on(Hashed, ({ total }, ctx) => void (ctx.state.n += total))
 */
export interface AgentDefinition<State = unknown, Handled extends MessageType = never>
  extends AnyAgent,
    AgentRef<Handled> {
  /**
   * Adds a handler. Exactly this message type is handled (by name); the first handler whose `when` agrees runs.
   * @throws InvalidArgumentError
   * @example agent('echo').on(Digest, ({ text }) => text)
   */
  on<M extends MessageType>(
    message: M,
    handler: Handler<M, State>,
    options?: HandlerOptions<M, State>,
  ): AgentDefinition<State, Handled | M>
  /**
   * Runs before the first message of an agent; messages wait for it. If it fails the agent is not there. A send from here that
   * comes back to the agent would wait for itself and is refused (CallCycleError).
   * @example agent('hasher', { state: () => ({ salt: '' }) }).onStart(ctx => void (ctx.state.salt = ctx.id.key))
   */
  onStart(hook: (ctx: LifeContext<State>) => void | Promise<void>): AgentDefinition<State, Handled>
  /**
   * Runs when an agent comes back after its thread ended, after `onStart` and with the state of its last checkpoint, if
   * there is one.
   * @example agent('ledger').onRestart(ctx => console.warn(`${ctx.id} is back`))
   */
  onRestart(hook: (ctx: LifeContext<State>) => void | Promise<void>): AgentDefinition<State, Handled>
  /**
   * Runs `work` every `ms` milliseconds while the agent is there, beginning after `onStart`. Each tick is a turn: in
   * order with the messages, within the agent's concurrency and deadline, and counted by `idle()`; the pending timer is
   * not. An interval never overlaps itself: a tick that comes due while the last one waits or runs is left out.
   * @throws InvalidArgumentError
   * @example agent('pulse').every(1_000, ctx => ctx.publish(Hashed, { total: 1 }))
   */
  every(
    ms: number,
    work: (ctx: Context<State>) => void | Promise<void>,
    options?: IntervalOptions,
  ): AgentDefinition<State, Handled>
  /**
   * Runs `work` beside the agent's turns, from `onStart` until it returns or the agent stops: then `stopSignal` (also
   * `ctx.signal`) aborts, and the agent waits for it before `onStop`. That it is cancelled is no error then. It is not
   * counted by `idle()`.
   * @throws InvalidArgumentError
   * @example
   * const News = event<string>('news')
   * agent('poller').loop(async (ctx, stopSignal) => {
   *   for (;;) {
   *     const answer = await fetch('https://example.org/news', { signal: stopSignal })
   *     await ctx.publish(News, await answer.text())
   *     await ctx.sleep(5_000) // throws when the agent stops
   *   }
   * })
   */
  loop(
    work: (ctx: LifeContext<State>, stopSignal: AbortSignal) => void | Promise<void>,
    options?: BackgroundOptions,
  ): AgentDefinition<State, Handled>
  /**
   * Runs once whenever the agent ends in good order: it or the runtime is stopped, it is unloaded, its `onError` ends
   * it. Its loops and turns have ended before; messages that come meanwhile wait, and make it anew.
   * @example agent('hasher', { state: () => ({ total: 0 }) }).onStop(ctx => ctx.publish(Hashed, ctx.state))
   */
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
        `agent '${type}': on() takes what request() or event() returned as its first argument, got ${shown(message)}`,
      )
    }
    if (typeof handle !== 'function') {
      throw new InvalidArgumentError(
        `agent '${type}': the handler of '${message.name}' is ${typeof handle}, not a function`,
      )
    }
    checkKnown(`agent '${type}': on() of '${message.name}'`, options, { when: true })
    if (options.when !== undefined) checkFunction(`agent '${type}': when of '${message.name}'`, options.when)
    return new Definition({ ...this.spec, handlers: [...this.spec.handlers, { message, handle, when: options.when }] })
  }

  every(ms: number, work: IntervalEntry['work'], options: IntervalOptions = {}): Definition {
    const what = `agent '${this.spec.type}': every()`
    checkMs(what, ms, 1)
    checkWork(what, work, options, { immediate: true, onError: true })
    const { immediate = true, onError = 'report' } = options
    return new Definition({ ...this.spec, intervals: [...this.spec.intervals, { ms, work, immediate, onError }] })
  }

  loop(work: BackgroundEntry['work'], options: BackgroundOptions = {}): Definition {
    checkWork(`agent '${this.spec.type}': loop()`, work, options, { onError: true })
    const { onError = 'report' } = options
    return new Definition({ ...this.spec, loops: [...this.spec.loops, { work, onError }] })
  }

  onStart(hook: LifeHook): Definition {
    checkFunction(`agent '${this.spec.type}': onStart()`, hook)
    return new Definition({ ...this.spec, onStart: hook })
  }

  onStop(hook: LifeHook): Definition {
    checkFunction(`agent '${this.spec.type}': onStop()`, hook)
    return new Definition({ ...this.spec, onStop: hook })
  }

  onRestart(hook: LifeHook): Definition {
    checkFunction(`agent '${this.spec.type}': onRestart()`, hook)
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
  checkKnown(where, policy, { max: true, within: true, backoff: true })
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

function checkWork(
  what: string,
  work: unknown,
  options: BackgroundOptions,
  known: Readonly<Record<string, true>>,
): void {
  checkFunction(what, work)
  checkKnown(what, options, known)
  const { onError } = options
  if (onError !== undefined && !['report', 'stop-agent', 'stop-runtime'].includes(onError)) {
    throw new InvalidArgumentError(
      `${what}: onError must be 'report', 'stop-agent' or 'stop-runtime', got ${JSON.stringify(onError)}`,
    )
  }
}

const agentOptions: Readonly<Record<keyof AgentOptions<unknown>, true>> = {
  state: true,
  version: true,
  migrate: true,
  description: true,
  subscriptions: true,
  threads: true,
  concurrency: true,
  deadline: true,
  softDeadline: true,
  mailbox: true,
  checkpoint: true,
  restarts: true,
  keys: true,
  unloadAfter: true,
  keepState: true,
}

function checkOptions(type: string, options: AgentOptions<unknown>): void {
  checkKnown(`agent '${type}'`, options, agentOptions)
  if (options.mailbox !== undefined) {
    checkKnown(`agent '${type}': mailbox`, options.mailbox, { capacity: true, overflow: true })
  }
  for (const option of ['subscriptions', 'keys'] as const) {
    const list = options[option]
    if (list === undefined || Array.isArray(list)) continue
    throw new InvalidArgumentError(`agent '${type}': ${option} must be an array, got ${shown(list)}`)
  }
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
  if (options.unloadAfter !== undefined) checkMs(`agent '${type}': unloadAfter`, options.unloadAfter, 1)
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
    const { prefix, topic }: { prefix?: string; topic?: string } =
      typeof pattern === 'string' ? { topic: pattern } : (pattern ?? {})
    if (typeof prefix !== 'string' && typeof topic !== 'string') {
      throw new InvalidArgumentError(
        `agent '${type}': subscriptions takes 'topic', { topic } and { prefix }, got ${shown(pattern)}`,
      )
    }
    if (prefix === undefined) checkTopicType(topic as string)
    else if (prefix !== '') checkTopicType(prefix)
  }
}

/**
 * Declares an agent type. Add handlers with `.on(messageType, handler)`.
 * @param type the first half of its agents' addresses; letters, digits, `_`, `-`, `.`
 * @throws InvalidNameError, InvalidArgumentError
 * @example
 * const Add = request<number, number>('add')
 * const counter = agent('counter', { state: () => ({ n: 0 }) }).on(Add, (by, ctx) => (ctx.state.n += by))
 */
export function agent<State = undefined>(type: string, options: AgentOptions<State> = {}): AgentDefinition<State> {
  checkAgentType(type)
  const erased = options as AgentOptions<unknown>
  checkOptions(type, erased)
  const hooks = { onStart: undefined, onStop: undefined, onRestart: undefined }
  const spec: AgentSpec = { type, options: erased, handlers: [], intervals: [], loops: [], ...hooks }
  return new Definition(spec) as unknown as AgentDefinition<State>
}

/** Whether a value is an agent definition, from this or any other copy of the library. */
export function isAgent(value: unknown): value is AnyAgent {
  return typeof value === 'object' && value !== null && brand in value
}
