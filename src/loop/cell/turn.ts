// A turn: one handler at work on one message, and what it sees of it (the `ctx` of a handler). A turn is also the
// innermost link of the chain of calls that it makes.

import { checkMs } from '../../agent/check.js'
import type { Context, Handle, PublishOptions, SendOptions, SendResult, Timer } from '../../agent/context.js'
import { CancelledError, textOf } from '../../agent/errors.js'
import { type AgentId, agentId, type TopicId } from '../../agent/ids.js'
import type { AnswerOf, EventType, MessageType, PayloadOf, RequestType } from '../../agent/message.js'
import type { House } from '../../sync/status.js'
import type { Admission } from '../base/admission.js'
import { Cancellation, promised } from '../base/cancellation.js'
import type { ChainNode } from '../base/chain.js'
import type { Clock } from '../base/clock.js'
import type { Message } from '../base/message.js'
import type { Reports } from '../base/reports.js'
import type { Awaited } from '../base/waits.js'
import { handleOf, resultOf } from './handle.js'

/** What turns need of their loop. */
export interface TurnHost {
  readonly out: WayOut
  readonly clock: Clock
  readonly house: House
  readonly admission: Admission
  readonly reports: Reports
  /** Runs code of an agent that is no handler of a message, up to its first `await`: nobody else is charged with what it computes. */
  readonly aside: <T>(work: () => T) => T
  /** Whether a turn with a deadline is past it. */
  readonly late: (turn: { readonly deadlineAt: number }) => boolean
  /**
   * Number of the turn that began last. A chain names a turn by its agent and number, and may outlive the life of a loop: so each
   * life counts from a place of its own.
   */
  turns: number
}

/** The agent whose turn it is, as the turn sees it. */
export interface TurnAgent {
  readonly text: string
  readonly id: AgentId
  state: unknown
  readonly turnHost: TurnHost
  /** Whether somebody waits for room in its mailbox. */
  readonly waitedFor: boolean
  /** Whether a message that a turn waits for is in its mailbox still. @param key see Wait */
  holds(key: string): boolean
  /** Keeps its state as it is now. @throws InvalidArgumentError */
  checkpoint(): void
  /** Does something of its own, `ms` from now. */
  after(ms: number, work: (ctx: Context) => unknown): Timer
  /** It is to stop of itself. */
  endItself(): void
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

/** What `ctx` is. What its constructor sets is declared and not defined first, as in Message: one is made for each turn. */
export class Turn implements Context, ChainNode {
  declare readonly cell: TurnAgent
  declare readonly message: Message | undefined
  declare readonly depth: number
  declare readonly turn: number
  /** Whether the handler is still at work. */
  open = true
  /** Whether an outcome was given before the handler ended (its deadline passed). */
  answered = false
  /** When its deadline is, by the clock without what was lost; 0: it has none. */
  deadlineAt = 0
  /** Whether it was told that it is past its deadline, before its loop could tell its caller: what it answers then may be half done. */
  late = false
  /** What it has sent or published and waits for, as far as is known; the newest. */
  awaited: Awaited | undefined
  /** How often it sleeps. */
  asleep = 0
  /** Its neighbours among the turns at work of its cell. */
  older: Turn | undefined
  newer: Turn | undefined
  /** The wish to cancel this turn, if anybody could have it. Changed by {@link ownCancellation} alone. */
  declare cancellation: Cancellation | undefined

  /**
   * @param message undefined for `onStart`, `onStop` and background loops
   * @param parent the turn that waits for it
   */
  constructor(cell: TurnAgent, host: TurnHost, message: Message | undefined, parent = message?.chain) {
    host.turns = (host.turns + 1) | 0
    this.turn = host.turns
    this.cell = cell
    this.message = message
    this.depth = parent === undefined ? 1 : parent.depth + 1
    this.cancellation = message?.cancellation
  }

  get agent(): string {
    return this.cell.text
  }

  get parent(): ChainNode | undefined {
    return this.message?.chain
  }

  /** Gives its caller an outcome while the handler is still at work. */
  failEarly(error: unknown): void {
    const { message } = this
    if (this.answered || message === undefined) return
    this.answered = true
    if (message.reply !== undefined) message.reply.fail(message, error)
    else this.cell.turnHost.reports.unhandled(this.cell, message, error)
  }

  /** A wish of this turn's own, on top of its caller's. */
  ownCancellation(): Cancellation {
    if (this.cancellation === undefined || this.cancellation === this.message?.cancellation) {
      this.cancellation = new Cancellation(this.message?.cancellation, this.message?.cancellation?.flag)
      const { house, admission } = this.cell.turnHost
      if (house.stopping) this.cancellation.cancel(admission.reason)
    }
    return this.cancellation
  }

  /** It is not wanted any more, and waits for nothing any more: what it has begun before anybody could know has no other way to hear. */
  giveUp(reason: unknown): void {
    this.ownCancellation().cancel(reason)
    const begun: Awaited[] = []
    for (let one = this.awaited; one !== undefined; one = one.older) begun.push(one)
    for (const one of begun) one.giveUp(reason)
  }

  /** It waits for something that it has begun. */
  begin(one: Awaited): void {
    one.older = this.awaited
    if (this.awaited !== undefined) this.awaited.newer = one
    this.awaited = one
  }

  /** It does not any more. */
  over(one: Awaited): void {
    if (one.newer === undefined) this.awaited = one.older
    else one.newer.older = one.older
    if (one.older !== undefined) one.older.newer = one.newer
  }

  /** The message that it works on. */
  get works(): Message | undefined {
    return this.message
  }

  /** Whether whoever wanted its outcome does not any more, or its agent was stopped, or the runtime is. */
  get givenUp(): boolean {
    return this.cancellation?.cancelled === true || this.cell.turnHost.house.stopping
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
    this.cell.checkpoint()
  }

  get traceparent(): string | undefined {
    return this.message?.trace
  }

  get signal(): AbortSignal {
    return this.ownCancellation().signal
  }

  get cancelled(): boolean {
    const { late } = this.cell.turnHost
    if (this.late || this.givenUp) return true
    if (this.deadlineAt === 0 || !late(this)) return false
    this.late = true
    return true
  }

  send<M extends RequestType>(
    message: M,
    payload: PayloadOf<M>,
    recipient: AgentId | string,
    options?: SendOptions,
  ): Promise<AnswerOf<M>> {
    return this.cell.turnHost.out.send(this, message, payload, recipient, options) as Promise<AnswerOf<M>>
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
    return this.cell.turnHost.out.publish(this, message, payload, options)
  }

  handle<H extends MessageType>(agent: { readonly type: string }, key?: string): Handle<H> {
    return handleOf<H>(this, agent.type, key, agentId)
  }

  after(ms: number, work: (ctx: Context) => void | Promise<void>): Timer {
    checkMs(`${this.agent}: after()`, ms, 0)
    return this.cell.after(ms, work)
  }

  sleep(ms: number): Promise<void> {
    checkMs(`${this.agent}: sleep()`, ms, 0)
    this.asleep++
    const slept = new Promise<void>((resolve, reject) => {
      const fail = (reason: unknown): void => {
        alarm.cancel()
        const error = new CancelledError(`a sleep of ${this.agent} was cancelled: ${textOf(reason)}`, {
          agent: this.agent,
          cause: reason,
        })
        over()
        reject(error)
      }
      const wake = (): void => {
        detach()
        over()
        resolve()
      }
      let asleep = true
      const over = (): void => {
        if (asleep) this.asleep--
        asleep = false
      }
      const alarm = this.cell.turnHost.clock.after(ms, wake)
      const cancellation = this.ownCancellation()
      const detach = cancellation.onCancel(fail)
      if (cancellation.cancelled) fail(cancellation.reason ?? 'by its caller') // known from the shared flag alone
    })
    return promised(this, slept)
  }

  stop(): void {
    this.cell.endItself()
  }
}

/** The turn of `onStart` or `onStop`. */
export class HookTurn extends Turn {
  readonly hook: 'onStart' | 'onStop'
  readonly #first: Message | undefined

  /** @param first the message that makes the agent: who waits for it waits for `onStart` */
  constructor(cell: TurnAgent, hook: HookTurn['hook'], first?: Message) {
    super(cell, cell.turnHost, undefined, first?.chain)
    this.hook = hook
    this.#first = first
  }

  override get parent(): ChainNode | undefined {
    return this.#first?.chain
  }

  override get works(): Message | undefined {
    return this.#first
  }
}

/**
 * The turn of a background loop, which is at work as long as its agent is there. A lull holds it where it asks something of the
 * runtime, when it has been done: what it did at one go before is done whole.
 */
export class LoopTurn extends Turn {
  constructor(cell: TurnAgent) {
    super(cell, cell.turnHost, undefined)
  }

  /** When it may begin. */
  begun(): Promise<void> {
    return this.#passed() ?? Promise.resolve()
  }

  override send<M extends RequestType>(
    message: M,
    payload: PayloadOf<M>,
    recipient: AgentId | string,
    options?: SendOptions,
  ): Promise<AnswerOf<M>> {
    return this.#held(super.send(message, payload, recipient, options))
  }

  override publish<M extends EventType>(message: M, payload: PayloadOf<M>, options?: PublishOptions): Promise<void> {
    return this.#held(super.publish(message, payload, options))
  }

  override sleep(ms: number): Promise<void> {
    return this.#held(super.sleep(ms))
  }

  #held<T>(done: Promise<T>): Promise<T> {
    const passed = done.then(
      value => this.#passed()?.then(() => value) ?? value,
      error => {
        const passed = this.#passed()
        if (passed === undefined) throw error
        return passed.then(() => Promise.reject(error))
      },
    )
    return promised(this, passed)
  }

  /** When the lull is over, or the loop is to end; undefined: there is none. */
  #passed(): Promise<void> | undefined {
    const { lull } = this.cell.turnHost.admission
    if (!lull.on) return undefined
    return new Promise(resolve => {
      const detach = this.ownCancellation().onCancel(() => resolve())
      lull.pass(() => {
        detach()
        resolve()
      })
    })
  }
}
