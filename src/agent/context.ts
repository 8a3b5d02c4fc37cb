// What a handler sees beside its payload, and the verbs that a runtime, a handle and a handler share.
import type { AgentId, TopicId } from './ids.js'
import type { AnswerOf, EventType, MessageType, PayloadOf, RequestType } from './message.js'

/**
 * Options of a send.
 * @example
 * const payload = { text: 'hello', rounds: 1e6 }
 * await runtime.send(Digest, payload, 'hasher/alice', { timeout: 500, signal: new AbortController().signal })
 */
export interface SendOptions {
  /** Aborting it cancels the request: before its turn the handler never runs; during it, `ctx.signal` aborts. */
  readonly signal?: AbortSignal
  /** Milliseconds to wait for the answer. Then the caller gets TimeoutError and `ctx.signal` of the callee aborts. Default: no limit. */
  readonly timeout?: number
  /** Put on the message instead of a generated id. */
  readonly messageId?: string
  /**
   * The handler may run more than once for this request: if its thread ends, the runtime sends it again, with the same
   * message id, perhaps behind later messages. In flight in two such ends it goes to the dead letters, and the send
   * rejects with PoisonedError. Do not change the payload before it is settled. Default false: never repeated.
   */
  readonly idempotent?: boolean
  /** W3C `traceparent` to travel with the message. Default: the one of the message being handled. */
  readonly traceparent?: string
  /**
   * Objects in the payload to move instead of copy (`ArrayBuffer`, `MessagePort`). Used when the recipient is on
   * another thread; on the same loop the payload is passed by reference anyway.
   */
  readonly transfer?: readonly (ArrayBuffer | import('node:worker_threads').MessagePort)[]
  /** For the event log: id of the message that led to this one. Default: the message being handled. */
  readonly cause?: string | undefined
  /** For the event log: the conversation it belongs to. Default: none. */
  readonly correlation?: string | undefined
}

/**
 * How a send ended, as a value: the answer, or whatever `send` would have thrown.
 * @example
 * const sent: SendResult<string> = await runtime.trySend(Digest, { text: 'hi', rounds: 1 }, 'hasher/alice')
 * if (sent.ok) console.log(sent.value.length)
 * else console.error(sent.error)
 */
export type SendResult<Answer> =
  | { readonly ok: true; readonly value: Answer; readonly error?: undefined }
  | { readonly ok: false; readonly value?: undefined; readonly error: unknown }

/**
 * Options of a publish.
 * @example await runtime.publish(Hashed, { total: 1 }, { topic: 'news/alice', until: 'handled' })
 */
export interface PublishOptions {
  /** `type/source` to publish to. Default: `default/` and the key of the publishing agent, or `default/default`. */
  readonly topic?: TopicId | string
  /** Deliver to the publishing agent too, if it is subscribed. Default false. */
  readonly toSelf?: boolean
  /**
   * What the promise waits for. `'accepted'` (default): every recipient's queue took it (back-pressure).
   * `'handled'`: every handler is done; it then rejects with an `AggregateError` naming each failure.
   */
  readonly until?: 'accepted' | 'handled'
  /** Aborting it cancels the event for the agents that have not begun with it; with `until: 'handled'` the promise rejects at once. */
  readonly signal?: AbortSignal
  /** Put on the message instead of a generated id. */
  readonly messageId?: string
  /** W3C `traceparent` to travel with the message. Default: the one of the message being handled. */
  readonly traceparent?: string
}

/** The names of the messages that an agent handles, carried in its type. */
declare const handled: unique symbol
/**
 * What `handle()` takes: an agent type by name, with the messages that it handles. Every agent definition is one.
 * @example const remote: AgentRef<typeof Digest> = { type: 'hasher' } // typed, without loading the agent's module
 */
export interface AgentRef<Handled extends MessageType = MessageType> {
  /** The first half of the addresses of its agents. */
  readonly type: string
  readonly [handled]?: (message: Handled) => void
}

/**
 * A typed address: sends to one agent, and only what that agent handles.
 * @example
 * const alice = runtime.handle(hasher, 'alice')
 * console.log(await alice.send(Digest, { text: 'hello', rounds: 10 }))
 */
export interface Handle<Handled extends MessageType> {
  /** Whom it sends to. */
  readonly id: AgentId
  /**
   * Sends a request and resolves with its answer.
   * @throws what the handler threw, or a {@link RingreeveError}; it always settles
   */
  send<M extends Handled & RequestType>(message: M, ...payload: Payload<M>): Promise<AnswerOf<M>>
  /** The same, with the outcome as a value; never rejects. */
  trySend<M extends Handled & RequestType>(message: M, ...payload: Payload<M>): Promise<SendResult<AnswerOf<M>>>
}

/** A payload of `void` may be left out. */
export type Payload<M extends MessageType> =
  undefined extends PayloadOf<M>
    ? [payload?: PayloadOf<M>, options?: SendOptions]
    : [payload: PayloadOf<M>, options?: SendOptions]

/**
 * The verbs that the application and every handler share.
 * @example
 * const digestOf = (messenger: Messenger, text: string) => messenger.send(Digest, { text, rounds: 1 }, 'hasher/alice')
 * await digestOf(runtime, 'from the application')
 * await digestOf(ctx, 'from a handler')
 */
export interface Messenger {
  /**
   * Sends a request to `recipient` (`type/key`) and resolves with its answer. Settles exactly once.
   * @throws what the handler threw; ValidationError, UnknownAgentError, NoHandlerError, CallCycleError,
   *   CancelledError, TimeoutError, DeadlineError, OverloadedError, MessageDroppedError, ThreadLostError,
   *   AgentFailedError, PoisonedError, NotSerializableError, AgentCreationError, StoppedError
   * @example const digest = await ctx.send(Digest, { text: 'hello', rounds: 10 }, 'hasher/alice')
   */
  send<M extends RequestType>(
    message: M,
    payload: PayloadOf<M>,
    recipient: AgentId | string,
    options?: SendOptions,
  ): Promise<AnswerOf<M>>
  /**
   * Sends a request and resolves with what became of it; never rejects.
   * @example
   * const sent = await runtime.trySend(Digest, { text: 'hi', rounds: 1 }, 'hasher/alice', { timeout: 500 })
   * console.log(sent.ok ? sent.value : sent.error)
   */
  trySend<M extends RequestType>(
    message: M,
    payload: PayloadOf<M>,
    recipient: AgentId | string,
    options?: SendOptions,
  ): Promise<SendResult<AnswerOf<M>>>
  /**
   * Publishes an event to a topic. Each matching agent gets it once; nobody matching is no error.
   * @throws ValidationError, NotSerializableError, MessageDroppedError, StoppedError; with `until: 'handled'` also
   *   AggregateError
   * @example await ctx.publish(Hashed, { total: ctx.state.total })
   */
  publish<M extends EventType>(message: M, payload: PayloadOf<M>, options?: PublishOptions): Promise<void>
  /**
   * A typed address of one agent.
   * @param key default `'default'`
   * @throws InvalidNameError
   * @example const alice = ctx.handle(hasher, 'alice')
   */
  handle<H extends MessageType>(agent: AgentRef<H>, key?: string): Handle<H>
}

/**
 * What a handler gets beside its payload. Methods belong to the context: call them as `ctx.send(…)`.
 * @typeParam State the agent's state
 * @example
 * agent('hasher', { state: () => ({ total: 0 }) }).on(Digest, async ({ text }, ctx) => {
 *   ctx.state.total += 1
 *   await ctx.publish(Hashed, { total: ctx.state.total })
 *   return `${ctx.id.key} asked for ${text}`
 * })
 */
export interface Context<State = unknown> extends Messenger {
  /** The agent that is running. */
  readonly id: AgentId
  /** The agent's state: plain data, changed in place or replaced; it can be saved, restored and moved. */
  state: State
  /** The agent that sent the message, or undefined when the application did. */
  readonly sender: AgentId | undefined
  /** The topic, or undefined for a request. */
  readonly topic: TopicId | undefined
  /** Whether the sender waits for an answer. */
  readonly isRequest: boolean
  /** What the message is called in the event log; unique unless its sender chose it. */
  readonly messageId: string
  /** Aborts when the caller cancels, the deadline passes or the runtime stops. Made on first use. */
  readonly signal: AbortSignal
  /** The same as a plain read of shared memory, for loops that never yield. */
  readonly cancelled: boolean
  /**
   * Keeps the state as it is now outside the thread, so that the agent comes back with it if its thread ends.
   * @throws InvalidArgumentError if its type has no `checkpoint`
   * @example
   * agent('ledger', { state: () => ({ total: 0 }), checkpoint: 'on-demand' }).on(Hashed, ({ total }, ctx) => {
   *   ctx.state.total += total
   *   if (total > 1_000) ctx.checkpoint()
   * })
   */
  checkpoint(): void
  /** W3C trace context that came with the message; it goes on with what this turn sends. */
  readonly traceparent: string | undefined
  /**
   * Runs `work` once, in `ms` milliseconds, as a turn of this agent: in order with its messages, within its concurrency.
   * What it throws is reported like an event handler's error. It is gone when the agent stops; while the agent stops a
   * timer can be made and never fires. A pending timer does not count for `idle()`; its turn does.
   * @throws InvalidArgumentError when `ms` is not from 0 to 2^31 - 1
   * @example const reminder = ctx.after(60_000, ctx => ctx.publish(Hashed, ctx.state))
   */
  after(ms: number, work: (ctx: Context<State>) => void | Promise<void>): Timer
  /**
   * Waits `ms` milliseconds by the runtime's clock.
   * @throws CancelledError when `ctx.signal` aborts first; InvalidArgumentError when `ms` is not from 0 to 2^31 - 1
   * @example await ctx.sleep(1_000)
   */
  sleep(ms: number): Promise<void>
  /**
   * Asks this agent to stop: after this turn and what waits now, its loops and timers end and `onStop` runs. What comes
   * later makes it anew. Does not wait for it; what fails is reported.
   */
  stop(): void
}

/**
 * A timer of an agent, as `ctx.after` returns it.
 * @example
 * const late = ctx.after(5_000, ctx => ctx.publish(Hashed, ctx.state))
 * late.cancel()
 */
export interface Timer {
  /** It will not fire any more; a turn of it that is at work goes on. */
  cancel(): void
}

/**
 * What `onStart`, `onStop` and background loops get: a context without a message.
 * @example
 * const greet = (ctx: LifeContext<{ total: number }>) => ctx.publish(Hashed, { total: ctx.state.total })
 * agent('hasher', { state: () => ({ total: 0 }) }).onStart(greet)
 */
export type LifeContext<State = unknown> = Pick<
  Context<State>,
  | 'id'
  | 'state'
  | 'send'
  | 'trySend'
  | 'publish'
  | 'handle'
  | 'signal'
  | 'cancelled'
  | 'checkpoint'
  | 'after'
  | 'sleep'
  | 'stop'
>
