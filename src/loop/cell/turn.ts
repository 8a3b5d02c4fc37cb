// A turn: one handler at work on one message, and what it sees of it (the `ctx` of a handler). A turn is also the
// innermost link of the chain of calls that it makes.

import { checkMs } from '../../agent/check.js'
import type { Context, Handle, Payload, PublishOptions, SendOptions, SendResult, Timer } from '../../agent/context.js'
import { CancelledError, InvalidArgumentError, textOf } from '../../agent/errors.js'
import { type AgentId, agentId, type TopicId } from '../../agent/ids.js'
import type { AnswerOf, EventType, MessageType, PayloadOf, RequestType } from '../../agent/message.js'
import type { House } from '../../sync/status.js'
import type { Admission } from '../base/admission.js'
import { Cancellation } from '../base/cancellation.js'
import type { ChainNode } from '../base/chain.js'
import type { Clock } from '../base/clock.js'
import type { Message } from '../base/message.js'
import type { Cell } from './cell.js'
import type { Checkpoints } from './checkpoints.js'
import type { TurnWatch } from './turn-watch.js'

let turns = 0

/** What a turn needs of its loop. */
export interface TurnHost {
  readonly out: WayOut
  readonly clock: Clock
  readonly house: House
  readonly admission: Admission
  readonly checkpoints: Checkpoints
  /** Of the turns of types with deadlines. */
  readonly watch: TurnWatch
}

/** The way out of the messages of a turn, or (undefined) of the application. Never throws; everything is in the promise. */
export interface WayOut {
  send(
    turn: Turn | undefined,
    message: RequestType,
    payload: unknown,
    recipient: AgentId | string,
    options: SendOptions | undefined,
  ): Promise<unknown>
  publish(
    turn: Turn | undefined,
    message: EventType,
    payload: unknown,
    options: PublishOptions | undefined,
  ): Promise<void>
}

/** What `ctx` is. */
export class Turn implements Context, ChainNode {
  readonly cell: Cell
  readonly message: Message | undefined
  readonly agent: string
  readonly parent: ChainNode | undefined
  readonly depth: number
  readonly turn = ++turns | 0
  /** Whether the handler is still at work. */
  open = true
  /** Whether an outcome was given before the handler ended (its deadline passed). */
  answered = false
  deadlineAt = 0
  /** Its neighbours among the turns at work of its cell. */
  older: Turn | undefined
  newer: Turn | undefined
  /** The wish to cancel this turn, if anybody could have it. Changed by {@link ownCancellation} alone. */
  cancellation: Cancellation | undefined

  /**
   * @param message undefined for `onStart`, `onStop` and background loops
   * @param parent the turn that waits for it
   */
  constructor(cell: Cell, message: Message | undefined, parent = message?.chain) {
    this.cell = cell
    this.message = message
    this.agent = cell.text
    this.parent = parent
    this.depth = parent === undefined ? 1 : parent.depth + 1
    this.cancellation = message?.cancellation
  }

  /** A wish of this turn's own, on top of its caller's. */
  ownCancellation(): Cancellation {
    if (this.cancellation === undefined || this.cancellation === this.message?.cancellation) {
      this.cancellation = new Cancellation(this.message?.cancellation, this.message?.cancellation?.flag)
      const { house, admission } = this.cell.host.turn
      if (house.stopping) this.cancellation.cancel(admission.reason)
    }
    return this.cancellation
  }

  get id(): AgentId {
    return this.cell.id
  }

  get state(): unknown {
    return this.cell.state
  }

  set state(state: unknown) {
    this.cell.state = state
  }

  get sender(): AgentId | undefined {
    return this.message?.sender
  }

  get topic(): TopicId | undefined {
    return this.message?.topic
  }

  get isRequest(): boolean {
    return this.message?.isRequest ?? false
  }

  get messageId(): string {
    return this.message?.id ?? ''
  }

  checkpoint(): void {
    const { host, type, text } = this.cell
    if (type.checkpoint === undefined) {
      throw new InvalidArgumentError(
        `${text} has no checkpoints: give agent '${this.cell.id.type}' the option checkpoint`,
      )
    }
    host.turn.checkpoints.save(this.cell)
  }

  get traceparent(): string | undefined {
    return this.message?.trace
  }

  get signal(): AbortSignal {
    return this.ownCancellation().signal
  }

  get cancelled(): boolean {
    const { house, clock } = this.cell.host.turn
    if (this.cancellation?.cancelled === true || house.stopping) return true
    return this.deadlineAt !== 0 && clock.now() >= this.deadlineAt
  }

  send<M extends RequestType>(
    message: M,
    payload: PayloadOf<M>,
    recipient: AgentId | string,
    options?: SendOptions,
  ): Promise<AnswerOf<M>> {
    return this.cell.host.turn.out.send(this, message, payload, recipient, options) as Promise<AnswerOf<M>>
  }

  trySend<M extends RequestType>(
    message: M,
    payload: PayloadOf<M>,
    recipient: AgentId | string,
    options?: SendOptions,
  ): Promise<SendResult<AnswerOf<M>>> {
    return resultOf(this.send(message, payload, recipient, options))
  }

  publish<M extends EventType>(message: M, payload: PayloadOf<M>, options?: PublishOptions): Promise<void> {
    return this.cell.host.turn.out.publish(this, message, payload, options)
  }

  handle<H extends MessageType>(agent: { readonly type: string }, key?: string): Handle<H> {
    return handleOf<H>(this, agent.type, key, agentId)
  }

  after(ms: number, work: (ctx: Context) => void | Promise<void>): Timer {
    checkMs(`${this.agent}: after()`, ms, 0)
    const { own } = this.cell.life
    const timer = own.after(ms, work)
    return {
      cancel: () => {
        timer.cancel()
        own.forget(timer)
      },
    }
  }

  sleep(ms: number): Promise<void> {
    checkMs(`${this.agent}: sleep()`, ms, 0)
    return new Promise((resolve, reject) => {
      const fail = (reason: unknown): void => {
        alarm.cancel()
        const error = new CancelledError(`a sleep of ${this.agent} was cancelled: ${textOf(reason)}`, {
          agent: this.agent,
          cause: reason,
        })
        reject(error)
      }
      const wake = (): void => {
        detach()
        resolve()
      }
      const alarm = this.cell.host.turn.clock.after(ms, wake)
      const cancellation = this.ownCancellation()
      const detach = cancellation.onCancel(fail)
      if (cancellation.cancelled) fail(cancellation.reason) // known from the shared flag alone
    })
  }

  stop(): void {
    this.cell.life.endItself()
  }
}

/** The turn of `onStart` or `onStop`. */
export class HookTurn extends Turn {
  readonly hook: 'onStart' | 'onStop'

  /** @param behind who waits for the message that makes the agent, and so for `onStart` */
  constructor(cell: Cell, hook: HookTurn['hook'], behind?: ChainNode) {
    super(cell, undefined, behind)
    this.hook = hook
  }
}

/** The outcome of a send as a value. */
export function resultOf<T>(sent: Promise<T>): Promise<SendResult<T>> {
  return sent.then(
    value => ({ ok: true, value }),
    error => ({ ok: false, error }),
  )
}

/** A handle that sends through `out`. */
export function handleOf<H extends MessageType>(
  out: Pick<Context, 'send'>,
  type: string,
  key: string | undefined,
  toId: (type: string, key?: string) => AgentId,
): Handle<H> {
  if (typeof type !== 'string') {
    throw new InvalidArgumentError("handle() takes an agent definition, or { type: 'hasher' }, and then the key")
  }
  const id = toId(type, key)
  return {
    id,
    send<M extends H & RequestType>(message: M, ...[payload, options]: Payload<M>): Promise<AnswerOf<M>> {
      return out.send(message, payload as PayloadOf<M>, id, options)
    },
    trySend<M extends H & RequestType>(
      message: M,
      ...[payload, options]: Payload<M>
    ): Promise<SendResult<AnswerOf<M>>> {
      return resultOf(out.send(message, payload as PayloadOf<M>, id, options))
    },
  }
}
