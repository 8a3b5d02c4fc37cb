// A cell: one agent on its loop, with its state, its mailbox and its turns; how it is made and how it ends is its life
// (life.ts). What it keeps: messages begin in the order in which they came, at most `limit` turns run at a time, the
// agent is made once however many first messages race, and every message that was put in has exactly one outcome.
import type { HandlerEntry } from '../../agent/definition.js'
import { CallCycleError, NoHandlerError, OverloadedError, RingreeveError } from '../../agent/errors.js'
import type { AgentId } from '../../agent/ids.js'
import { type MessageType, STOP, TIMER } from '../../agent/message.js'
import type { Admission } from '../base/admission.js'
import { cancelled } from '../base/cancellation.js'
import { chainText } from '../base/chain.js'
import type { Ledger } from '../base/ledger.js'
import type { Line, Runnable } from '../base/line.js'
import { MessageLine } from '../base/mailbox-line.js'
import { isPromise, type Message, type Reply } from '../base/message.js'
import type { Recipient } from '../base/recipient.js'
import type { Reports } from '../base/reports.js'
import type { HostedType } from '../hosted.js'
import type { Agents } from './agents.js'
import { Life, type LifeHost, type Stage } from './life.js'
import { noteOf } from './timer.js'
import { Turn, type TurnHost } from './turn.js'

/** What agents need of their loop. */
export interface CellHost {
  readonly agents: Agents
  readonly ledger: Ledger
  readonly line: Line
  readonly admission: Admission
  readonly reports: Reports
  readonly answers: Answers
  readonly life: LifeHost
  readonly turn: TurnHost
}

/** The way out of answers. */
export interface Answers {
  /** @returns the value as it goes to the caller, or a promise of it. @throws what an interceptor throws, ValidationError */
  answer(message: Message, type: MessageType, value: unknown): unknown
}

/** One agent. */
export class Cell implements Recipient, Runnable {
  readonly text: string
  readonly type: HostedType
  readonly host: CellHost
  state: unknown
  #id: AgentId | undefined
  /** Whether it is in the loop's line of cells that have something to do. */
  lined = false
  /** Turns since its state was kept last. */
  unkept = 0
  /** Undefined while it is there and nothing more can be said of it, as of most agents. */
  #life: Life | undefined
  #made = false
  /** The message that makes the agent, as long as that takes. */
  #making: Message | undefined
  /** While set no message begins: the agent is being made, or stops, or is paused. */
  held = false
  /** Whether the life wants to know of the end of turns. */
  watched = false
  /** Undefined while it is empty, as most are. */
  #mailbox: MessageLine | undefined
  /** Calls from its own call chain, which wait neither for the turns that wait for them nor for its end. */
  #inner: MessageLine | undefined
  /** The newest of the turns at work; each knows the one before. */
  #newest: Turn | undefined
  #running = 0
  #waitingForRoom: (() => void)[] | undefined
  /** Whether its loop knows it no more. */
  forgotten = false

  constructor(text: string, type: HostedType, host: CellHost) {
    this.text = text
    this.type = type
    this.host = host
  }

  /** The same one as long as the agent is there, and kept only if it is asked for: it takes half as much as all else. */
  get id(): AgentId {
    this.#id ??= this.host.agents.idOf(this.text)
    return this.#id
  }

  get life(): Life {
    this.#life ??= new Life(this, false, this.#made)
    return this.#life
  }

  get stage(): Stage {
    return this.#life?.stage ?? (this.#made ? 'ready' : 'new')
  }

  /** Whether the state of the agent is here: it is there, or on its way out with its state, which comes back with it. */
  get hasState(): boolean {
    return this.#life?.hasState ?? this.#made
  }

  /** Stops what the agent does of itself, and resumes it if it was paused. @returns when its loops have ended */
  rest(): Promise<void> | undefined {
    if (this.#life?.paused === true) this.#life.resume()
    return this.#life?.rest()
  }

  /** Turns at work. */
  get running(): number {
    return this.#running
  }

  /** Messages that have not begun. */
  get waiting(): number {
    return this.#queued + (this.#inner?.length ?? 0)
  }

  /** The turns at work. */
  *turns(): Iterable<Turn> {
    for (let turn = this.#newest; turn !== undefined; turn = turn.older) yield turn
  }

  /** Whether there is a message that may begin now. */
  get runnable(): boolean {
    if (this.#inner !== undefined && this.#inner.length > 0 && (this.type.reentrant || this.#running < this.type.limit))
      return true
    return this.#mailbox !== undefined && this.#running < this.type.limit && !this.held
  }

  /** Whether more messages wait than the mailbox holds. */
  get overfull(): boolean {
    return this.#queued > this.type.capacity && this.type.overflow === 'wait'
  }

  get #queued(): number {
    return this.#mailbox?.length ?? 0
  }

  #push(message: Message): void {
    this.#mailbox ??= new MessageLine()
    this.#mailbox.push(message)
  }

  /** Puts a message in. Its outcome, also when it is refused here, goes to its reply. */
  put(message: Message): void {
    const { type } = this
    const { ledger, line, admission } = this.host
    ledger.accept()
    if (admission.closed) return this.#fail(message, undefined, admission.reason) // its agents have stopped or will
    if (message.chain !== undefined && (this.#running >= type.limit || this.#life !== undefined)) {
      if (this.#comesBack(message)) return
    }
    if (this.#queued >= type.capacity && type.overflow !== 'wait' && message.name !== STOP) {
      // never a tick: what the agent sends itself is no matter of the bound, and a one-shot timer would be gone
      const refused = type.overflow === 'reject' ? message : this.#mailbox?.take(({ name }) => name !== TIMER)
      if (refused !== undefined && refused !== message) ledger.queue(-1)
      if (refused !== undefined) this.#refuse(refused)
      if (refused === message) return
    }
    this.#push(message)
    ledger.queue(1)
    line.ready(this)
  }

  /** Puts in what the agent sends itself. It has its place in the order, and is no matter of the mailbox's bound. */
  tell(name: string, payload: unknown, reply: Reply): void {
    this.#push(noteOf(this, name, payload, reply))
    this.host.ledger.acceptOwn()
    this.host.ledger.queue(1)
    this.host.line.ready(this)
  }

  /** Whether somebody waits for room in the mailbox. */
  get waitedFor(): boolean {
    return this.#waitingForRoom !== undefined
  }

  /** Tells `listener` once the mailbox is no longer overfull. */
  whenRoom(listener: () => void): void {
    this.#waitingForRoom ??= []
    this.#waitingForRoom.push(listener)
  }

  /** Begins with the next message. Call only when {@link runnable}. */
  runNext(): void {
    const message = this.#inner?.shift() ?? (this.#mailbox?.shift() as Message)
    if (this.#mailbox?.length === 0) this.#mailbox = undefined
    this.host.ledger.queue(-1)
    if (this.#waitingForRoom !== undefined && this.#queued <= this.type.capacity >> 1) this.#tellRoom()
    const { stage } = this
    if (stage === 'ready' || stage === 'stopping') this.#begin(message)
    else this.#create(message)
  }

  /** Makes the agent if it is not there. @throws AgentCreationError, UnknownAgentError */
  async ensure(): Promise<void> {
    const { life } = this
    if (life.stage === 'ready') return
    if (life.stage === 'stopping') {
      await life.stop().catch(() => {}) // who stops it is told
      return this.host.agents.of(this.text).ensure()
    }
    try {
      await life.start()
      life.release()
    } finally {
      this.#forgetUnmade()
      this.host.line.ready(this) // what queued meanwhile: it runs, or it tries again
    }
  }

  #create(first: Message): void {
    const { life } = this
    if (first.name === STOP) {
      this.#refused(first, undefined)
      if (this.waiting === 0) this.retire()
      return
    }
    let starting: Promise<void> | undefined
    try {
      starting = life.start(first.chain)
    } catch (error) {
      this.#fail(first, undefined, error)
      this.#forgetUnmade()
      return
    }
    if (starting === undefined) {
      this.#made = true
      if (life.plain) this.#life = undefined
      this.#begin(first)
      return
    }
    this.#making = first
    const made = (): boolean => {
      const waits = this.#making === first // else it was told already that it is not wanted
      this.#making = undefined
      return waits
    }
    starting.then(
      () => {
        if (made()) {
          if (this.host.admission.closed) this.#fail(first, undefined, this.host.admission.reason)
          else this.#begin(first)
        }
        life.release()
        this.host.line.ready(this)
      },
      error => {
        if (made()) this.#fail(first, undefined, error)
        for (const message of this.#drainMailbox()) this.#refused(message, error)
        this.#tellRoom()
        this.#forgetUnmade()
      },
    )
  }

  /** It could not be made: the next attempt begins with nothing of this one. */
  unmade(paused: boolean): void {
    this.#life = paused ? new Life(this, true) : undefined
    this.held = paused
  }

  /** An agent that could not be made, and that nobody waits for, is nothing to remember. */
  #forgetUnmade(): void {
    if (this.stage === 'new' && this.waiting === 0 && this.#life?.paused !== true) this.host.agents.forget(this)
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
      const handles = [...new Set(this.type.spec.handlers.map(entry => entry.message.name))].join(', ') || 'nothing'
      const error = new NoHandlerError(
        `agent ${this.text} has no handler for request '${message.name}'; it handles: ${handles}`,
        {
          agent: this.text,
          message: message.name,
        },
      )
      this.#fail(message, undefined, error)
    } else {
      this.host.reports.observer.dropped(message, 'no handler')
      this.#succeed(message, undefined, undefined)
    }
  }

  #run(message: Message, turn: Turn, entry: HandlerEntry): void {
    const { ledger, line, reports, turn: watched } = this.host
    this.#running++
    turn.older = this.#newest
    if (this.#newest !== undefined) this.#newest.newer = turn
    this.#newest = turn
    ledger.begin()
    if (this.type.timed) watched.watch.begin(turn)
    if (reports.observer.active) reports.observer.process(message)
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
          line.ready(this)
        },
        error => {
          this.#end(turn)
          this.#fail(message, turn, error)
          line.ready(this)
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
    if (turn.newer === undefined) this.#newest = turn.older
    else turn.newer.older = turn.older
    if (turn.older !== undefined) turn.older.newer = turn.newer
    const { ledger, turn: watched, life } = this.host
    ledger.end()
    if (this.type.timed) watched.watch.end(turn)
    if (this.type.checkpoint !== undefined) life.checkpoints.turnEnded(this)
    if (turn.cancellation !== turn.message?.cancellation) turn.cancellation?.release()
    if (this.watched) this.life.turnEnded(turn)
  }

  #answer(message: Message, turn: Turn, entry: HandlerEntry, value: unknown): void {
    if (!message.isRequest || turn.answered) {
      this.#succeed(message, turn, undefined)
      return
    }
    let checked: unknown
    try {
      checked = this.host.answers.answer(message, entry.message, value)
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
    const { ledger, reports } = this.host
    ledger.handled()
    if (reports.observer.active) {
      if (message.isRequest) reports.observer.respond(message)
      else if (turn !== undefined) reports.observer.handled(message)
    }
    if (turn?.answered !== true) message.reply?.answer(message, value)
    ledger.finish()
  }

  #fail(message: Message, turn: Turn | undefined, error: unknown): void {
    const { ledger, reports } = this.host
    ledger.failed()
    if (turn !== undefined || !(error instanceof RingreeveError)) reports.observer.failed(this, message, error)
    if (turn?.answered !== true) {
      if (message.reply !== undefined) message.reply.fail(message, error)
      else reports.unhandled(this, message, error)
    }
    ledger.finish()
  }

  /** Gives a turn's caller an outcome while the handler is still at work. */
  failEarly(turn: Turn, error: unknown): void {
    if (turn.answered || turn.message === undefined) return
    turn.answered = true
    if (turn.message.reply !== undefined) turn.message.reply.fail(turn.message, error)
    else this.host.reports.unhandled(this, turn.message, error)
  }

  /** Drops what waits, with `error` as its outcome, and tells the turns at work that they are not wanted. */
  abandon(error: RingreeveError): void {
    Object.preventExtensions(error) // told to many: the place of none of them is put under its stack
    void this.#life?.rest()
    const making = this.#making
    this.#making = undefined
    if (making !== undefined) this.#refused(making, error)
    for (const message of this.#drainMailbox()) this.#refused(message, error)
    for (const turn of this.turns()) {
      this.failEarly(turn, error)
      turn.cancellation?.cancel(error)
    }
    this.#tellRoom()
  }

  /**
   * The agent is gone, and its cell with it: a turn that goes on all the same keeps the state it knew, and holds up nobody.
   * What came meanwhile, or that the agent is paused, goes to the cell of the next one.
   */
  retire(): void {
    const { life } = this
    const { agents } = this.host
    const waiting: Message[] = []
    for (const message of this.#drainMailbox()) {
      if (message.name === TIMER) this.#succeed(message, undefined, undefined)
      else waiting.push(message)
    }
    life.stage = 'gone'
    life.look()
    agents.forget(this)
    if (waiting.length > 0 || life.paused) agents.of(this.text).#inherit(waiting, life.paused)
    this.#tellRoom()
  }

  #inherit(waiting: readonly Message[], paused: boolean): void {
    if (paused) this.#life = new Life(this, true)
    this.held = paused
    for (const message of waiting) this.#push(message)
    this.host.ledger.queue(waiting.length)
    this.host.line.ready(this)
  }

  /** The agent begins to stop. What waits is for the next one, but for what its own turns wait for. */
  letBack(): void {
    if (this.#running === 0 || this.type.limit === 1) return
    const waiting = this.#mailbox?.drain() ?? []
    this.#mailbox = undefined
    for (const message of waiting) {
      this.host.ledger.queue(-1)
      if (message.chain !== undefined && this.#comesBack(message)) continue
      this.#push(message)
      this.host.ledger.queue(1)
    }
  }

  /** Whether the message was dealt with here because it comes back to a turn that waits for it. */
  #comesBack(message: Message): boolean {
    const hook = this.#life?.hookIn(message.chain)
    if (hook !== undefined) {
      const instead = hook === 'onStart' ? 'after onStart, from a handler or ctx.after' : 'before the agent stops'
      this.#refuseCycle(message, `Its ${hook} is not over before that: send ${instead}`)
      return true
    }
    if (this.#running < this.type.limit && this.stage !== 'stopping') return false
    let waiting = 0
    for (let node = message.chain; node !== undefined; node = node.parent) {
      if (node.agent !== this.text) continue
      for (const turn of this.turns()) if (turn.turn === node.turn) waiting++
    }
    if (waiting === 0) return false
    // an agent that stops waits for its turns, and holds back all else: what they wait for must not be among it
    if (this.type.reentrant || (waiting < this.type.limit && this.stage === 'stopping')) {
      this.#inner ??= new MessageLine()
      this.#inner.push(message)
      this.host.ledger.queue(1)
      this.host.line.ready(this)
      return true
    }
    if (waiting < this.type.limit) return false
    this.#refuseCycle(message, `Answer first, or give '${this.type.spec.type}' concurrency 'callchain'`)
    return true
  }

  #refuseCycle(message: Message, advice: string): void {
    const cycle = [...chainText(message.chain), this.text]
    const text = `'${message.name}' for ${this.text} would wait for itself: ${cycle.join(' → ')}. ${advice}`
    this.#fail(message, undefined, new CallCycleError(text, cycle, { agent: this.text, message: message.name }))
  }

  /** A message that will not have its turn. Only the wish to stop is granted all the same. */
  #refused(message: Message, error: unknown): void {
    if (message.name !== STOP) return this.#fail(message, undefined, error)
    this.life.stopFor(message)
    this.host.ledger.finish()
  }

  #refuse(message: Message): void {
    this.host.ledger.dropped()
    this.host.reports.observer.dropped(message, 'mailbox full')
    if (message.reply === undefined) {
      this.host.ledger.finish()
      return
    }
    const text = `the mailbox of ${this.text} is full (${this.type.capacity} messages; overflow: '${this.type.overflow}')`
    this.#refused(message, new OverloadedError(text, { agent: this.text, message: message.name }))
  }

  #drainMailbox(): Message[] {
    const all = [...(this.#inner?.drain() ?? []), ...(this.#mailbox?.drain() ?? [])]
    this.#mailbox = undefined
    this.host.ledger.queue(-all.length)
    return all
  }

  #tellRoom(): void {
    const listeners = this.#waitingForRoom
    this.#waitingForRoom = undefined
    for (const listener of listeners ?? []) listener()
  }
}
