// A turn: one handler at work on one message, and what it sees of it (the `ctx` of a handler). A turn is also the
// innermost link of the chain of calls that it makes.

import { checkMs } from '../../agent/check.js'
import type { Context, Handle, Payload, PublishOptions, SendOptions, SendResult, Timer } from '../../agent/context.js'
import { CancelledError, InvalidArgumentError, textOf } from '../../agent/errors.js'
import type { AgentId, TopicId } from '../../agent/ids.js'
import type { AnswerOf, EventType, MessageType, PayloadOf, RequestType } from '../../agent/message.js'
import { Cancellation } from '../base/cancellation.js'
import type { ChainNode, Message } from '../base/message.js'
import type { Cell } from './cell.js'

let turns = 0

/** What `ctx` is. */
export class Turn implements Context, ChainNode {
  readonly cell: Cell
  readonly message: Message | undefined
  readonly turn = ++turns | 0
  /** Whether the handler is still at work. */
  open = true
  /** Whether an outcome was given before the handler ended (its deadline passed). */
  answered = false
  deadlineAt = 0
  /** Its neighbours among the turns at work of its cell. */
  older: Turn | undefined
  newer: Turn | undefined
  #cancellation: Cancellation | undefined

  /** @param message undefined for `onStart`, `onStop` and background loops */
  constructor(cell: Cell, message: Message | undefined) {
    this.cell = cell
    this.message = message
    this.#cancellation = message?.cancellation
  }

  get agent(): string {
    return this.cell.text
  }

  get parent(): ChainNode | undefined {
    return this.message?.chain
  }

  get depth(): number {
    return 1 + (this.parent?.depth ?? 0)
  }

  /** The wish to cancel this turn, if anybody could have it. */
  get cancellation(): Cancellation | undefined {
    return this.#cancellation
  }

  /** A wish of this turn's own, on top of its caller's. */
  ownCancellation(): Cancellation {
    if (this.#cancellation === undefined || this.#cancellation === this.message?.cancellation) {
      this.#cancellation = new Cancellation(this.message?.cancellation, this.message?.cancellation?.flag)
      if (this.cell.loop.house.stopping) this.#cancellation.cancel(this.cell.loop.stopReason())
    }
    return this.#cancellation
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
    const { loop, type, text } = this.cell
    if (type.checkpoint === undefined) {
      throw new InvalidArgumentError(
        `${text} has no checkpoints: give agent '${this.cell.id.type}' the option checkpoint`,
      )
    }
    loop.checkpoints.save(this.cell)
  }

  get traceparent(): string | undefined {
    return this.message?.trace
  }

  get signal(): AbortSignal {
    return this.ownCancellation().signal
  }

  get cancelled(): boolean {
    const { loop } = this.cell
    if (this.#cancellation?.cancelled === true || loop.house.stopping) return true
    return this.deadlineAt !== 0 && loop.clock.now() >= this.deadlineAt
  }

  send<M extends RequestType>(
    message: M,
    payload: PayloadOf<M>,
    recipient: AgentId | string,
    options?: SendOptions,
  ): Promise<AnswerOf<M>> {
    return this.cell.loop.outgoing.send(this, message, payload, recipient, options) as Promise<AnswerOf<M>>
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
    return this.cell.loop.outgoing.publish(this, message, payload, options)
  }

  handle<H extends MessageType>(agent: { readonly type: string }, key?: string): Handle<H> {
    return handleOf<H>(this, agent.type, key, this.cell.loop.agentId)
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
      const alarm = this.cell.loop.clock.after(ms, wake)
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
  readonly #behind: ChainNode | undefined

  /** @param behind who waits for the message that makes the agent, and so for `onStart` */
  constructor(cell: Cell, hook: HookTurn['hook'], behind?: ChainNode) {
    super(cell, undefined)
    this.hook = hook
    this.#behind = behind
  }

  override get parent(): ChainNode | undefined {
    return this.#behind
  }
}

/** The outcome of a send as a value. */
export function resultOf<T>(sent: Promise<T>): Promise<SendResult<T>> {
  return sent.then(
    value => ({ ok: true, value }),
    error => ({ ok: false, error }),
  )
}

/** A handle that sends through `messenger`. */
export function handleOf<H extends MessageType>(
  messenger: Pick<Context, 'send'>,
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
      return messenger.send(message, payload as PayloadOf<M>, id, options)
    },
    trySend<M extends H & RequestType>(
      message: M,
      ...[payload, options]: Payload<M>
    ): Promise<SendResult<AnswerOf<M>>> {
      return resultOf(messenger.send(message, payload as PayloadOf<M>, id, options))
    },
  }
}
