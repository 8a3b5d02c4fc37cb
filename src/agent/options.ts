// The options of an agent type, of its intervals and of its background loops, and the checks of them. What it keeps: an
// option that is not known or makes no sense is refused where the type is declared, with a text that names the type.
import { checkFunction, checkKnown, checkMs, shown } from './check.js'
import { InvalidArgumentError } from './errors.js'
import { type AgentId, checkTopicType } from './ids.js'

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
 * of its own running turn. `'interleaved'`: no limit. A number: at most so many. What comes back to turns that are all there
 * may be, and still waits for them after a second, is refused (CallCycleError). So is one of several that wait for each other.
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

function checkWhole(type: string, option: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return
  throw new InvalidArgumentError(
    `agent '${type}': ${option} must be a whole number of at least ${least}, got ${shown(value)}`,
  )
}

/** @throws InvalidArgumentError */
export function checkRestarts(where: string, policy: RestartPolicy | undefined): void {
  if (policy === undefined) return
  checkKnown(where, policy, { max: true, within: true, backoff: true })
  const { max, within, backoff } = policy
  if (!(Number.isInteger(max) && max >= 0 && typeof within === 'number' && within > 0)) {
    throw new InvalidArgumentError(
      `${where}: max is a whole number from 0, within a number of ms above 0, got ${shown(max)} and ${shown(within)}`,
    )
  }
  if (backoff === undefined) return
  checkKnown(`${where}: backoff`, backoff, { min: true, max: true })
  checkMs(`${where}: backoff.min`, backoff.min, 0)
  checkMs(`${where}: backoff.max`, backoff.max, 0)
  if (backoff.max < backoff.min) {
    throw new InvalidArgumentError(
      `${where}: backoff goes from min to a max that is no smaller, got ${backoff.min} and ${backoff.max}`,
    )
  }
}

/** Of an interval or a background loop. @throws InvalidArgumentError */
export function checkWork(
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

/** @throws InvalidArgumentError, InvalidNameError */
export function checkOptions(type: string, options: AgentOptions<unknown>): void {
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
    if (ms === undefined || (typeof ms === 'number' && ms > 0 && ms < 2 ** 31)) continue
    throw new InvalidArgumentError(
      `agent '${type}': ${option} must be a number of milliseconds above 0, got ${shown(ms)}`,
    )
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
  for (const pattern of options.subscriptions ?? []) checkPattern(type, pattern)
}

/** What a type hears. @throws InvalidArgumentError, InvalidNameError */
export function checkPattern(type: string, pattern: TopicPattern): void {
  const { prefix, topic }: { prefix?: unknown; topic?: unknown } =
    typeof pattern === 'string' ? { topic: pattern } : (pattern ?? {})
  const one = prefix === undefined ? topic : topic === undefined ? prefix : undefined
  if (typeof one !== 'string') {
    throw new InvalidArgumentError(
      `agent '${type}': a subscription is 'topic', or has either a topic or a prefix, got ${shown(pattern)}`,
    )
  }
  if (prefix !== '') checkTopicType(one)
}
