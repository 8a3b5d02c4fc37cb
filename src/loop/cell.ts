// A cell: one agent on its loop, with its state, its mailbox and its turns. What it keeps: messages begin in the
// order in which they came, at most `limit` turns run at a time, the agent is made once however many first messages
// race, and every message that was put in has exactly one outcome.
import type { HandlerEntry } from '../agent/definition.js'
import {
  AgentCreationError,
  CallCycleError,
  NoHandlerError,
  OverloadedError,
  RingreeveError,
  textOf,
  UnknownAgentError,
} from '../agent/errors.js'
import type { AgentId } from '../agent/ids.js'
import { at } from '../sync/status.js'
import { Queue } from '../transport/queue.js'
import { cancelled } from './calls.js'
import { chainText } from './cancellation.js'
import type { HostedType } from './hosted.js'
import type { Loop } from './loop.js'
import type { Message } from './message.js'
import { Turn } from './turn.js'

/** Somebody who is told when a full mailbox has room again. */
export type RoomListener = () => void

/** One agent. */
export class Cell {
  readonly id: AgentId
  readonly text: string
  readonly type: HostedType
  readonly loop: Loop
  state: unknown
  /** Whether it is in the loop's line of cells that have something to do. */
  inLine = false
  /** Turns since its state was kept last. */
  unkept = 0
  #stage: 'new' | 'starting' | 'ready' | 'stopped' = 'new'
  readonly #mailbox = new Queue<Message>()
  /** Calls from its own call chain, which do not wait for the turns that wait for them. */
  readonly #inner = new Queue<Message>()
  readonly #turns = new Set<Turn>()
  #running = 0
  #waitingForRoom: RoomListener[] = []

  constructor(id: AgentId, type: HostedType, loop: Loop) {
    this.id = id
    this.text = id.toString()
    this.type = type
    this.loop = loop
  }

  get ready(): boolean {
    return this.#stage === 'ready'
  }

  /** The turns at work. */
  get turns(): Iterable<Turn> {
    return this.#turns
  }

  /** Whether there is a message that may begin now. */
  get runnable(): boolean {
    if (this.#inner.length > 0) return true
    return this.#mailbox.length > 0 && this.#running < this.type.limit && this.#stage !== 'starting'
  }

  /** Whether more messages wait than the mailbox holds. */
  get overfull(): boolean {
    return this.#mailbox.length > this.type.capacity
  }

  /** Puts a message in. Its outcome, also when it is refused here, goes to its reply. */
  put(message: Message): void {
    const { loop, type } = this
    loop.counters.add(at.accepted, 1)
    if (loop.closed) return this.#fail(message, undefined, loop.stopReason()) // its agents have stopped or will
    if (message.chain !== undefined && this.#running >= type.limit && this.#comesBack(message)) return
    if (this.#mailbox.length >= type.capacity && type.overflow !== 'wait') {
      const refused = type.overflow === 'reject' ? message : (this.#mailbox.shift() as Message)
      if (refused !== message) loop.counters.add(at.queued, -1)
      this.#refuse(refused)
      if (refused === message) return
    }
    this.#mailbox.push(message)
    loop.counters.add(at.queued, 1)
    loop.ready(this)
  }

  /** Whether somebody waits for room in the mailbox. */
  get waitedFor(): boolean {
    return this.#waitingForRoom.length > 0
  }

  /** Tells `listener` once the mailbox is no longer overfull. */
  whenRoom(listener: RoomListener): void {
    this.#waitingForRoom.push(listener)
  }

  /** Begins with the next message. Call only when {@link runnable}. */
  runNext(): void {
    const message = this.#inner.shift() ?? (this.#mailbox.shift() as Message)
    this.loop.counters.add(at.queued, -1)
    if (this.#waitingForRoom.length > 0 && this.#mailbox.length <= this.type.capacity >> 1) this.#tellRoom()
    if (this.#stage === 'ready') this.#begin(message)
    else this.#create(message)
  }

  /** Makes the agent if it is not there. @throws AgentCreationError */
  async ensure(): Promise<void> {
    if (this.#stage === 'ready') return
    if (this.#stage !== 'starting') this.#starting = this.#start()
    try {
      await this.#starting
    } finally {
      this.loop.ready(this) // what queued meanwhile: it runs, or it tries again
    }
  }

  #starting: Promise<void> | undefined

  #create(first: Message): void {
    const { keys } = this.type
    if (keys !== undefined && !keys.has(this.id.key)) {
      this.#fail(first, undefined, this.#noSuchKey())
      this.loop.forget(this)
      return
    }
    const { state } = this.type.spec.options
    if (this.type.spec.onStart === undefined && this.loop.checkpoints.left(this.text) === undefined) {
      let made: unknown
      try {
        made = state?.(this.id)
      } catch (error) {
        this.#fail(first, undefined, this.#creationFailed(error))
        return
      }
      if (!isPromise(made)) {
        this.#ready(made)
        this.#begin(first)
        return
      }
      this.#stage = 'starting'
      this.#starting = made.then(
        late => this.#ready(late),
        error => this.#startFailed(error),
      )
    } else {
      this.#starting = this.#start()
    }
    this.#starting.then(
      () => {
        this.#begin(first)
        this.loop.ready(this)
      },
      error => {
        this.#fail(first, undefined, error)
        for (const message of this.#drainMailbox()) this.#fail(message, undefined, error)
        this.#tellRoom()
      },
    )
  }

  async #start(): Promise<void> {
    this.#stage = 'starting'
    try {
      if (this.type.keys !== undefined && !this.type.keys.has(this.id.key)) throw this.#noSuchKey()
      this.state = await this.type.spec.options.state?.(this.id)
      await this.type.spec.onStart?.(new Turn(this, undefined))
      const left = this.loop.checkpoints.left(this.text)
      if (left?.state !== undefined) this.state = left.state.value
      if (left !== undefined) await this.type.spec.onRestart?.(new Turn(this, undefined))
    } catch (error) {
      this.#startFailed(error)
    }
    this.#ready(this.state)
  }

  #ready(state: unknown): void {
    this.state = state
    this.#stage = 'ready'
    this.loop.counters.add(at.agents, 1)
    this.loop.observer.create(this)
    this.loop.checkpoints.begun(this)
    this.loop.ready(this)
  }

  #startFailed(error: unknown): never {
    this.#stage = 'new'
    throw error instanceof UnknownAgentError ? error : this.#creationFailed(error)
  }

  #noSuchKey(): UnknownAgentError {
    const keys = [...(this.type.keys ?? [])].join(', ')
    return new UnknownAgentError(`there is no agent ${this.text}; keys of '${this.id.type}' are: ${keys}`, {
      agent: this.text,
    })
  }

  #creationFailed(error: unknown): AgentCreationError {
    const why = textOf(error)
    const failure = new AgentCreationError(`agent ${this.text} could not be made: ${why}`, {
      agent: this.text,
      cause: error,
    })
    this.loop.observer.failed(this, undefined, failure)
    return failure
  }

  #begin(message: Message): void {
    const { cancellation } = message
    if (cancellation?.cancelled === true) {
      this.#fail(message, undefined, cancelled(this.text, message.name, cancellation.reason ?? 'by its caller'))
      return
    }
    const turn = new Turn(this, message)
    let entry: HandlerEntry | undefined
    try {
      entry = this.#handlerFor(message, turn)
    } catch (error) {
      this.#fail(message, turn, error)
      return
    }
    if (entry === undefined) {
      this.#unhandled(message)
      return
    }
    this.#run(message, turn, entry)
  }

  #handlerFor(message: Message, turn: Turn): HandlerEntry | undefined {
    const entries = this.type.handlers.get(message.name)
    if (entries === undefined) return undefined
    for (const entry of entries) {
      if (entry.when === undefined || entry.when(message.payload, turn)) return entry
    }
    return undefined
  }

  #unhandled(message: Message): void {
    if (message.isRequest) {
      const handles = [...this.type.handlers.keys()].join(', ') || 'nothing'
      const error = new NoHandlerError(
        `agent ${this.text} has no handler for request '${message.name}'; it handles: ${handles}`,
        {
          agent: this.text,
          message: message.name,
        },
      )
      this.#fail(message, undefined, error)
    } else {
      this.loop.observer.dropped(message, 'no handler')
      this.#succeed(message, undefined, undefined)
    }
  }

  #run(message: Message, turn: Turn, entry: HandlerEntry): void {
    const { loop } = this
    this.#running++
    this.#turns.add(turn)
    loop.counters.add(at.running, 1)
    if (this.type.deadline > 0) loop.deadlines.begin(turn, this.type.deadline)
    if (this.type.softDeadline > 0) loop.slow.begin(turn, this.type.softDeadline)
    if (loop.observer.active) loop.observer.process(message)
    let outcome: unknown
    try {
      outcome = entry.handle(message.payload, turn)
    } catch (error) {
      this.#end(turn)
      this.#fail(message, turn, error)
      return
    }
    if (isPromise(outcome)) {
      outcome.then(
        value => {
          this.#end(turn)
          this.#answer(message, turn, entry, value)
          loop.ready(this)
        },
        error => {
          this.#end(turn)
          this.#fail(message, turn, error)
          loop.ready(this)
        },
      )
      return
    }
    this.#end(turn)
    this.#answer(message, turn, entry, outcome)
  }

  #end(turn: Turn): void {
    turn.open = false
    this.#running--
    this.#turns.delete(turn)
    this.loop.counters.add(at.running, -1)
    if (turn.deadlineAt !== 0) this.loop.deadlines.end(turn)
    if (this.type.softDeadline > 0) this.loop.slow.end(turn)
    if (this.type.checkpoint !== undefined) this.loop.checkpoints.turnEnded(this)
    if (turn.cancellation !== turn.message?.cancellation) turn.cancellation?.release()
  }

  #answer(message: Message, turn: Turn, entry: HandlerEntry, value: unknown): void {
    if (!message.isRequest) {
      this.#succeed(message, turn, undefined)
      return
    }
    let checked: unknown
    try {
      checked = this.loop.outgoing.checkAnswer(message, entry.message, value)
    } catch (error) {
      this.#fail(message, turn, error)
      return
    }
    if (isPromise(checked)) {
      checked.then(
        late => this.#succeed(message, turn, late),
        error => this.#fail(message, turn, error),
      )
    } else this.#succeed(message, turn, checked)
  }

  #succeed(message: Message, turn: Turn | undefined, value: unknown): void {
    const { loop } = this
    loop.counters.add(at.handled, 1)
    loop.counters.add(at.done, 1)
    if (message.isRequest && loop.observer.active) loop.observer.respond(message)
    if (turn?.answered !== true) message.reply?.answer(message, value)
    loop.settled()
  }

  #fail(message: Message, turn: Turn | undefined, error: unknown): void {
    const { loop } = this
    loop.counters.add(at.failed, 1)
    loop.counters.add(at.done, 1)
    if (turn !== undefined || !(error instanceof RingreeveError)) loop.observer.failed(this, message, error)
    if (turn?.answered !== true) {
      if (message.reply !== undefined) message.reply.fail(message, error)
      else loop.unhandled(this, message, error)
    }
    loop.settled()
  }

  /** Gives a turn's caller an outcome while the handler is still at work. */
  failEarly(turn: Turn, error: unknown): void {
    if (turn.answered || turn.message === undefined) return
    turn.answered = true
    if (turn.message.reply !== undefined) turn.message.reply.fail(turn.message, error)
    else this.loop.unhandled(this, turn.message, error)
  }

  /** Drops what waits, with `error` as its outcome, and tells the turns at work that they are not wanted. */
  abandon(error: RingreeveError): void {
    for (const message of this.#drainMailbox()) this.#fail(message, undefined, error)
    for (const turn of this.#turns) {
      this.failEarly(turn, error)
      turn.cancellation?.cancel(error)
    }
    this.#tellRoom()
  }

  /** Runs `onStop`, once, if the agent was made. */
  async stop(): Promise<void> {
    if (this.#stage === 'starting') await this.#starting?.catch(() => {})
    if (this.#stage !== 'ready') return
    this.#stage = 'stopped'
    await this.type.spec.onStop?.(new Turn(this, undefined))
  }

  /** Whether the message was dealt with here because it comes back to a turn that waits for it. */
  #comesBack(message: Message): boolean {
    let waiting = 0
    for (let node = message.chain; node !== undefined; node = node.parent) {
      if (node.agent !== this.text) continue
      for (const turn of this.#turns) if (turn.turn === node.turn) waiting++
    }
    if (waiting === 0) return false
    if (this.type.reentrant) {
      this.#inner.push(message)
      this.loop.counters.add(at.queued, 1)
      this.loop.ready(this)
      return true
    }
    if (waiting < this.type.limit) return false
    const cycle = [...chainText(message.chain), this.text]
    const text = `'${message.name}' for ${this.text} would wait for itself: ${cycle.join(' → ')}. Answer first, or give '${this.id.type}' concurrency 'callchain'`
    this.#fail(message, undefined, new CallCycleError(text, cycle, { agent: this.text, message: message.name }))
    return true
  }

  #refuse(message: Message): void {
    this.loop.counters.add(at.dropped, 1)
    this.loop.observer.dropped(message, 'mailbox full')
    if (message.reply === undefined) {
      this.loop.counters.add(at.done, 1)
      this.loop.settled()
      return
    }
    const text = `the mailbox of ${this.text} is full (${this.type.capacity} messages; overflow: '${this.type.overflow}')`
    this.#fail(message, undefined, new OverloadedError(text, { agent: this.text, message: message.name }))
  }

  #drainMailbox(): Message[] {
    const all = [...this.#inner.drain(), ...this.#mailbox.drain()]
    this.loop.counters.add(at.queued, -all.length)
    return all
  }

  #tellRoom(): void {
    const listeners = this.#waitingForRoom
    this.#waitingForRoom = []
    for (const listener of listeners) listener()
  }
}

/** Whether to wait for a value. Handlers may return any thenable. */
export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
