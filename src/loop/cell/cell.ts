// A cell: one agent on its loop, with its state, its mailbox and its turns; how it is made and how it ends is its life
// (life.ts). What it keeps: messages begin in the order in which they came, at most `limit` turns run at a time, and every
// message that was put in has exactly one outcome.
import type { Context, Timer as TimerHandle } from '../../agent/context.js'
import { InvalidArgumentError, OverloadedError, type RingreeveError } from '../../agent/errors.js'
import { STOP, TIMER } from '../../agent/message.js'
import { type Message, noteTo, type Origin, type Reply } from '../base/message.js'
import type { Recipient } from '../base/recipient.js'
import type { Waits } from '../base/waits.js'
import type { HostedType } from '../hosted.js'
import { Boxed } from './boxed.js'
import type { Housing } from './housing.js'
import { type Blockers, JammedQueue, keyOf, waitingIn } from './jammed.js'
import { Life } from './life.js'
import type { Mailbox } from './mailbox.js'
import { isTick } from './timer.js'
import type { Turn } from './turn.js'
import type { WorkHost } from './turning.js'

/** What cells need of their loop. */
export interface CellHost extends WorkHost {
  readonly agents: Kin
}

/** The other agents of the loop. */
export interface Kin {
  /** The cell of an agent that lives here. */
  of(agent: string): Cell
  /** Where messages of agents to themselves are sent. */
  readonly origin: Origin
  readonly waits: Waits
}

/** One agent. */
export class Cell extends Boxed implements Recipient, Housing {
  readonly #host: CellHost
  /** Undefined while there is nothing to say of it but its stage, as of most agents. */
  #life: Life | undefined

  constructor(text: string, type: HostedType, host: CellHost) {
    super(text, type, host)
    this.#host = host
  }

  // ---- messages on their way in -----------------------------------------------------------------------------------

  /** Puts a message in. Its outcome, also when it is refused here, goes to its reply. */
  put(message: Message): void {
    const { type } = this
    const { ledger, line, turn, contexts, agents } = this.#host
    ledger.accept()
    if (contexts !== undefined && message.origin === agents.origin.text) contexts.remember(message)
    if (turn.admission.closed) return this.fail(message, undefined, turn.admission.reason) // its agents have stopped or will
    if (message.chain !== undefined && (this.running >= type.limit || this.#life !== undefined)) {
      if (this.#letIn(message)) return
    }
    const mailbox = this.box
    if (mailbox.isToPurge(type.capacity)) this.#purge(mailbox)
    if (mailbox.length >= type.capacity && type.overflow !== 'wait' && message.name !== STOP) {
      const refused = type.overflow === 'reject' ? message : mailbox.takeOldest()
      if (refused !== undefined && refused !== message) ledger.queue(-1)
      if (refused !== undefined) this.#refuse(refused)
      if (refused === message) return
    }
    mailbox.push(message)
    ledger.queue(1)
    line.ready(this)
    if (message.chain === undefined) return
    if (this.running >= type.limit || mailbox.length > 1 || this.#life !== undefined) this.#watchQueue()
  }

  /** What waits in the queue may wait for itself. */
  #watchQueue(): void {
    const { waits } = this.#host.agents
    if (!waits.watches(this)) waits.watch(this, new JammedQueue(this))
  }

  override whenRoom(listener: (room: number) => void): void {
    super.whenRoom(listener)
    if (this.waitedFor) this.#watchQueue()
  }

  /** Puts in what the agent sends itself. It has its place in the order, and is no matter of the mailbox's bound. */
  tell(name: string, payload: unknown, reply: Reply): void {
    const { ledger, line, agents, turn } = this.#host
    if (turn.admission.closed) return // it is about to stop, and does nothing of itself any more
    const note = noteTo(this.id, agents.origin, name, payload, reply)
    this.box.push(note)
    ledger.acceptOwn()
    ledger.queue(1)
    line.ready(this)
  }

  /**
   * Deals with a message that comes back to who may wait for it.
   * @returns whether it was let in: then it waits for none of the turns at work
   */
  #letIn(message: Message): boolean {
    const { limit, reentrant } = this.type
    const ending = this.stage === 'ending'
    if (this.#life?.hook !== undefined || (this.running < limit && !ending)) return false
    const waiting = waitingIn(message, this.text, () => this.turns()).length
    if (waiting === 0) return false
    // an agent that stops waits for its turns, and holds back all else: what they wait for must not be among it
    if (!reentrant && !(ending && waiting + (this.mailbox?.inner ?? 0) < limit)) return false
    this.box.pushInner(message)
    this.#host.ledger.queue(1)
    this.#host.line.ready(this)
    return true
  }

  get blockers(): Blockers | undefined {
    const hook = this.#life?.hook
    if (hook !== undefined) return { turns: [hook], each: true, hook: hook.hook }
    const each = this.stage === 'ending'
    if (!each && (this.paused || this.running < this.type.limit)) return undefined
    const turns = [...this.turns()]
    return turns.length === 0 ? undefined : { turns, each, hook: undefined }
  }

  /** Takes a message that turns wait for out of the queue, with this outcome. */
  refuse(key: string, error: RingreeveError): void {
    const { mailbox } = this
    const message = mailbox?.take(one => one.chain !== undefined && keyOf(one) === key)
    if (mailbox === undefined || message === undefined) return
    mailbox.tellIfRoom(this.type.capacity >> 1)
    this.#host.ledger.queue(-1)
    this.fail(message, undefined, error)
    this.dropBox()
  }

  /** Callers of who hangs give up, and others come: what those sent is not kept. It fails as if it had its turn. */
  #purge(mailbox: Mailbox): void {
    const unwanted = mailbox.purge()
    this.#host.ledger.queue(-unwanted.length)
    for (const message of unwanted) this.failUnwanted(message)
    mailbox.tellIfRoom(this.type.capacity >> 1)
  }

  #refuse(message: Message): void {
    const { ledger, reports } = this.#host
    ledger.dropped()
    const untold = message.reply === undefined
    if (untold || message.isRequest) reports.observer.dropped(message, 'mailbox full') // an event that fails is told of there
    if (untold) return ledger.finish()
    const text = `the mailbox of ${this.text} is full (${this.type.capacity} messages; overflow: '${this.type.overflow}')`
    this.#refused(message, new OverloadedError(text, { agent: this.text, message: message.name }))
  }

  /** A message that will not have its turn. Only the wish to stop is granted all the same. */
  #refused(message: Message, error: unknown): void {
    if (message.name !== STOP) return this.fail(message, undefined, error)
    this.stopFor(message)
    this.#host.ledger.finish()
  }

  // ---- turns ------------------------------------------------------------------------------------------------------

  /** Begins with the next message. Call only when {@link runnable}. */
  runNext(): void {
    const message = this.box.next(this.type.capacity >> 1)
    this.#host.ledger.queue(-1)
    this.dropBox()
    if (this.absent) this.#create(message)
    else this.begin(message)
  }

  protected turnEnded(turn: Turn): void {
    this.#life?.turnEnded(turn)
  }

  // ---- its life ---------------------------------------------------------------------------------------------------

  /** The life, which is there once it is asked for. To look at it is {@link #life}, which makes none. */
  get #lively(): Life {
    this.#life ??= new Life(this)
    return this.#life
  }

  /** Whether the state of the agent is here: it is there, or on its way out with its state, which comes back with it. */
  get hasState(): boolean {
    return this.ready || (this.stage === 'ending' && this.#life?.keepsState === true)
  }

  /** Whether a one-shot timer of it is pending. */
  get promised(): boolean {
    return this.#life?.promised === true
  }

  /** What may be at work beside its turns: a hook, or the factory of its state; or a loop that is not asleep. */
  get beside(): 'a hook' | 'a loop' | undefined {
    return this.stage === 'starting' ? 'a hook' : this.#life?.beside
  }

  /** What it is at, for who waits until it ends; undefined if nothing. */
  get atWork(): string | undefined {
    const own = this.#life?.atWork
    if (own !== undefined) return own
    for (const { message } of this.turns())
      if (message !== undefined) return isTick(message) ? 'a tick' : `'${message.name}'`
    return this.waiting > 0 ? `${this.waiting} messages wait` : undefined
  }

  #create(first: Message): void {
    if (first.name === STOP || first.name === TIMER) {
      if (first.name === STOP) this.#refused(first, undefined)
      else this.succeed(first, undefined, undefined) // of a start that failed
      if (this.waiting === 0) this.retire()
      return
    }
    let there: boolean
    try {
      there = this.#lively.start(first)
    } catch (error) {
      this.fail(first, undefined, error)
      return this.#forgetUnmade()
    }
    if (there) this.made(first, false)
  }

  /** Makes the agent if it is not there. @throws AgentCreationError, UnknownAgentError, StoppedError */
  async ensure(): Promise<void> {
    const { ledger } = this.#host
    ledger.acceptOwn() // who waits for idle waits for this too, and sees it at once
    try {
      await this.#ensure()
    } finally {
      ledger.finish()
    }
  }

  async #ensure(): Promise<void> {
    const { admission } = this.#host.turn
    if (admission.closed) throw admission.reason
    const { stage } = this
    if (stage === 'ready') return
    if (stage === 'gone' || stage === 'ending') {
      await this.#life?.turned()
      return this.#host.agents.of(this.text).#ensure()
    }
    if (stage === 'absent' && this.#startAlone()) return
    await this.#life?.turned()
  }

  /** Makes the agent without a message. @returns whether it is there now. @throws AgentCreationError, UnknownAgentError */
  #startAlone(): boolean {
    try {
      if (!this.#lively.start(undefined)) return false
    } catch (error) {
      this.unmade(undefined, error as RingreeveError)
      throw error
    }
    this.made(undefined, true)
    return true
  }

  made(first: Message | undefined, late: boolean): void {
    const { ledger, line, turn } = this.#host
    if (this.#life?.plain === true) this.#life = undefined
    if (first !== undefined) {
      if (turn.admission.closed) this.fail(first, undefined, turn.admission.reason)
      else if (!late || !line.running) this.begin(first)
      else {
        // to the front: it has its turn in the next chunk, when loops have begun; and none while the agent is paused
        this.box.unshift(first)
        ledger.queue(1)
      }
    }
    if (late) line.ready(this)
  }

  unmade(first: Message | undefined, error: RingreeveError): void {
    if (first === undefined) {
      this.#forgetUnmade()
      return this.#host.line.ready(this) // what queued meanwhile tries again
    }
    this.fail(first, undefined, error)
    const mailbox = this.mailbox
    for (const message of this.#drain()) this.#refused(message, error)
    mailbox?.tellRoom()
    this.#forgetUnmade()
  }

  /** An agent that could not be made, and that nobody waits for, is nothing to remember. */
  #forgetUnmade(): void {
    if (this.#life?.plain === true) this.#life = undefined
    if (this.absent && this.waiting === 0 && !this.paused) this.retire()
  }

  pause(): void {
    if (!this.#host.turn.admission.resting) this.paused = true // else it is to work off what waits
  }

  resume(): void {
    this.paused = false
    this.#host.line.ready(this)
    if (this.absent && this.waiting === 0) this.retire()
  }

  after(ms: number, work: (ctx: Context) => unknown): TimerHandle {
    return this.#lively.after(ms, work as (turn: Turn) => unknown)
  }

  endItself(): void {
    this.#lively.endItself()
  }

  checkpoint(): void {
    if (this.type.checkpoint === undefined) {
      const text = `${this.text} has no checkpoints: give agent '${this.type.spec.type}' the option checkpoint`
      throw new InvalidArgumentError(text)
    }
    this.#host.life.checkpoints.save(this)
  }

  /** See {@link Life.stopFor}. */
  stopFor(message: Message): void {
    this.#lively.stopFor(message)
  }

  /** See {@link Life.stop}. */
  stop(hurry: boolean): Promise<void> {
    return this.absent || this.stage === 'gone' ? Promise.resolve() : this.#lively.stop({ hurry, timed: true })
  }

  /** See {@link Life.unload}. */
  unload(): Promise<void> {
    return this.#lively.unload()
  }

  /** See {@link Life.drop}. */
  drop(ms: number): Promise<void> {
    return this.#lively.drop(ms)
  }

  /** Stops what the agent does of itself, and resumes it if it was paused. @returns when its loops have ended */
  rest(): Promise<void> | undefined {
    if (this.paused) this.resume()
    return this.#life?.rest()
  }

  /** Drops what waits, with `error` as its outcome, and tells the turns at work that they are not wanted. */
  abandon(error: RingreeveError): void {
    Object.preventExtensions(error) // told to many: the site of none of them is put under its stack
    void this.#life?.rest()
    const first = this.#life?.giveUpFirst(error)
    if (first !== undefined) this.#refused(first, error)
    const mailbox = this.mailbox
    for (const message of this.#drain()) this.#refused(message, error)
    for (const turn of this.turns()) {
      turn.failEarly(error)
      turn.giveUp(error) // its own wish: its message may be others', too
    }
    mailbox?.tellRoom()
  }

  /**
   * The agent is gone, and its cell with it: a turn that goes on all the same keeps the state it knew, and holds up nobody.
   * What came meanwhile, or that the agent is paused, goes to the cell of the next one.
   */
  retire(): void {
    const { life, agents } = this.#host
    const mailbox = this.mailbox
    const waiting: Message[] = []
    for (const message of this.#drain()) {
      if (message.name === TIMER) this.succeed(message, undefined, undefined)
      else waiting.push(message)
    }
    this.to('gone')
    this.#life?.look()
    life.forget(this)
    if (waiting.length > 0 || this.paused) agents.of(this.text).#inherit(waiting, this.paused)
    mailbox?.tellRoom()
  }

  #inherit(waiting: readonly Message[], paused: boolean): void {
    const { ledger, line } = this.#host
    this.paused = paused
    for (const message of waiting) this.box.push(message)
    ledger.queue(waiting.length)
    line.ready(this)
    if (waiting.some(({ chain }) => chain !== undefined)) this.#watchQueue()
  }

  /** The agent begins to stop. What waits is for the next one, but for what its own turns wait for. */
  letBack(): void {
    const { ledger } = this.#host
    const mailbox = this.mailbox
    if (this.running === 0 || this.type.limit === 1 || mailbox === undefined) return
    for (const message of mailbox.drainLine()) {
      ledger.queue(-1)
      if (message.chain !== undefined && this.#letIn(message)) continue
      mailbox.push(message)
      ledger.queue(1)
    }
  }

  #drain(): Message[] {
    const all = this.mailbox?.drain() ?? []
    if (this.mailbox?.waitedFor !== true) this.mailbox = undefined
    this.#host.ledger.queue(-all.length)
    return all
  }
}
