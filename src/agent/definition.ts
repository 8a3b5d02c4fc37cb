// What a user writes: an agent type as data. A definition never changes (`on` returns another one), holds no
// reference to a runtime, and is known by a brand, so that it may come from any copy of this module.

import { checkFunction, checkKnown, checkMs, shown } from './check.js'
import type { AgentRef, Context, LifeContext } from './context.js'
import { InvalidArgumentError, textOf } from './errors.js'
import { checkAgentType } from './ids.js'
import type { MessageType, ReceivedOf, ReturnOf } from './message.js'
import {
  type AgentOptions,
  type BackgroundOptions,
  checkOptions,
  checkWork,
  type IntervalOptions,
  type OnError,
} from './options.js'

const brand = Symbol.for('ringreeve.agent')

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
   * Adds a handler. Exactly this message type is handled (by kind and name); the first handler whose `when` agrees runs.
   * @throws InvalidArgumentError
   * @example agent('echo').on(Digest, ({ text }) => text)
   */
  on<M extends MessageType>(
    message: M,
    handler: Handler<M, State>,
    options?: HandlerOptions<M, State>,
  ): AgentDefinition<State, Handled | M>
  /**
   * Runs before the first message of an agent; messages wait for it. If it fails the agent is not there. Of several, each runs
   * when the one before it has ended. A send from here that
   * comes back to the agent waits for itself, and is refused after a second (CallCycleError).
   * @example agent('hasher', { state: () => ({ salt: '' }) }).onStart(ctx => void (ctx.state.salt = ctx.id.key))
   */
  onStart(hook: (ctx: LifeContext<State>) => void | Promise<void>): AgentDefinition<State, Handled>
  /**
   * Runs when an agent comes back after its thread ended, after `onStart` and with the state of its last checkpoint, if
   * there is one. Of several, each runs when the one before it has ended.
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
   * it. Its loops and turns have ended before; messages that come meanwhile wait, and make it anew. Of several, each runs when the
   * one before it has ended, also if that failed. A send from here that comes back to the agent is refused after a second (CallCycleError).
   * When the runtime stops it may send, publish and sleep still, unless that drops what is there (`drain: false`): then all is refused.
   * @example agent('hasher', { state: () => ({ total: 0 }) }).onStop(ctx => ctx.publish(Hashed, ctx.state))
   */
  onStop(hook: (ctx: LifeContext<State>) => void | Promise<void>): AgentDefinition<State, Handled>
}

/** One hook after the other; the second does not run when the first fails. */
function inTurn(first: LifeHook | undefined, second: LifeHook): LifeHook {
  if (first === undefined) return second
  return async ctx => {
    await first(ctx)
    await second(ctx)
  }
}

/** One hook after the other; the second runs also when the first fails, since there is no other time for it. */
function bothOf(first: LifeHook | undefined, second: LifeHook): LifeHook {
  if (first === undefined) return second
  return async ctx => {
    const errors: unknown[] = []
    for (const hook of [first, second]) {
      try {
        await hook(ctx)
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 1) throw new AggregateError(errors, errors.map(textOf).join('; '))
    if (errors.length === 1) throw errors[0]
  }
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
    return new Definition({ ...this.spec, onStart: inTurn(this.spec.onStart, hook) })
  }

  onStop(hook: LifeHook): Definition {
    checkFunction(`agent '${this.spec.type}': onStop()`, hook)
    return new Definition({ ...this.spec, onStop: bothOf(this.spec.onStop, hook) })
  }

  onRestart(hook: LifeHook): Definition {
    checkFunction(`agent '${this.spec.type}': onRestart()`, hook)
    return new Definition({ ...this.spec, onRestart: inTurn(this.spec.onRestart, hook) })
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
