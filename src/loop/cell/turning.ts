// The turns of one agent, and the outcomes of its messages. What it keeps: at most `limit` turns run at a time (whoever begins one
// has looked), each is counted from its beginning to its end, and every message has exactly one outcome.
import type { Context, Timer as TimerHandle } from '../../agent/context.js'
import type { HandlerEntry } from '../../agent/definition.js'
import { Late, later, saidAtOnce } from '../../agent/edge.js'
import { NoHandlerError, RingreeveError } from '../../agent/errors.js'
import type { AgentId } from '../../agent/ids.js'
import { type MessageType, STOP, TIMER } from '../../agent/message.js'
import { cancelled } from '../base/cancellation.js'
import type { Contexts } from '../base/contexts.js'
import type { Ledger } from '../base/ledger.js'
import type { Line, Runnable } from '../base/line.js'
import type { Message } from '../base/message.js'
import type { Reports } from '../base/reports.js'
import type { HostedType } from '../hosted.js'
import type { Keepable } from './checkpoints.js'
import type { LifeHost } from './housing.js'
import { Staged } from './stage.js'
import type { Timer } from './timer.js'
import { Turn, type TurnAgent, type TurnHost } from './turn.js'
import type { TurnWatch } from './turn-watch.js'

/** What agents need of their loop for their turns. */
export interface WorkHost {
  readonly ledger: Ledger
  readonly line: Line
  readonly reports: Reports
  readonly answers: Answers
  readonly watch: TurnWatch
  /** Undefined: handlers run in nobody's. */
  readonly contexts: Contexts | undefined
  readonly turn: TurnHost
  readonly life: LifeHost
}

/** The way out of answers. */
export interface Answers {
  /** @returns the value as it goes to the caller; if that takes time, {@link Late}. @throws what an interceptor throws, ValidationError */
  answer(message: Message, type: MessageType, value: unknown): unknown
}

/** What every agent handles beside its own messages: the tick of one of its timers, and the wish that it stops. */
const ofEveryAgent: ReadonlyMap<string, HandlerEntry> = new Map<string, HandlerEntry>([
  [
    TIMER,
    {
      message: { kind: 'event', name: TIMER },
      handle: (timer, turn) => (timer as Timer).run(turn as Turn),
      when: undefined,
    },
  ],
  [
    STOP,
    {
      message: { kind: 'request', name: STOP },
      handle: (_, ctx) => {
        const { cell, message } = ctx as Turn & { cell: Turning; message: Message }
        ;(ctx as Turn).answered = true // when it has stopped, and that is not before this turn has ended
        cell.stopFor(message)
      },
      when: undefined,
    },
  ],
])

/** The first handler whose condition holds. @throws what a condition throws */
function entryFor(entries: readonly HandlerEntry[], payload: unknown, turn: Turn): HandlerEntry | undefined {
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as HandlerEntry
    if (entry.when === undefined) return entry
    const said: unknown = entry.when(payload, turn)
    if (said === true || (said !== false && saidAtOnce(`when of '${entry.message.name}'`, said))) return entry
  }
  return undefined
}

/** An agent with turns. */
export abstract class Turning extends Staged implements Runnable, TurnAgent, Keepable {
  readonly text: string
  readonly type: HostedType
  readonly #host: WorkHost
  state: unknown
  #id: AgentId | undefined
  /** Turns since its state was kept last. */
  unkept = 0
  /** The newest of the turns at work; each knows the one before. */
  #newest: Turn | undefined
  #running = 0

  constructor(text: string, type: HostedType, host: WorkHost) {
    super()
    this.text = text
    this.type = type
    this.#host = host
  }

  abstract readonly waitedFor: boolean
  abstract holds(key: string): boolean
  abstract after(ms: number, work: (ctx: Context) => unknown): TimerHandle
  abstract endItself(): void
  abstract checkpoint(): void
  abstract readonly runnable: boolean
  abstract runNext(): void
  /** A turn has ended. */
  protected abstract turnEnded(turn: Turn): void
  /** A message asks it to stop. */
  abstract stopFor(message: Message): void

  /** The same one as long as the agent is there, and kept only if it is asked for: it takes half as much as all else. */
  get id(): AgentId {
    this.#id ??= this.#host.life.idOf(this.text)
    return this.#id
  }

  get turnHost(): TurnHost {
    return this.#host.turn
  }

  get lifeHost(): LifeHost {
    return this.#host.life
  }

  /** Turns at work. */
  get running(): number {
    return this.#running
  }

  /** The turns at work. */
  *turns(): Iterable<Turn> {
    for (let turn = this.#newest; turn !== undefined; turn = turn.older) yield turn
  }

  /** Begins with a message that was taken out of its mailbox. */
  protected begin(message: Message): void {
    if (message.cancellation?.cancelled === true) return this.failUnwanted(message)
    const { name } = message
    const turn = new Turn(this, this.#host.turn, message)
    let entry: HandlerEntry | undefined
    try {
      const { type } = this
      const entries = (message.isRequest ? type.requests : type.events).get(name)
      if (entries === undefined) entry = ofEveryAgent.get(name)
      else if (entries.length === 1 && entries[0]?.when === undefined) entry = entries[0]
      else entry = this.#host.watch.aside(() => entryFor(entries, message.payload, turn))
    } catch (error) {
      return this.fail(message, turn, error)
    }
    if (entry === undefined) this.#unhandled(message)
    else this.#run(message, turn, entry)
  }

  protected failUnwanted(message: Message): void {
    const reason = message.cancellation?.reason ?? 'by its caller'
    this.fail(message, undefined, cancelled(this.text, message.name, reason))
  }

  #unhandled(message: Message): void {
    const { reports } = this.#host
    if (!message.isRequest) {
      // handlers with conditions may well leave an event; one of which the type knows nothing was hardly meant to come
      if (this.type.events.has(message.name)) reports.observer.dropped(message, 'no handler')
      else reports.observer.lost(message, 'no handler')
      return this.succeed(message, undefined, undefined)
    }
    const { requests, events } = this.type
    const handles = [...requests.keys(), ...[...events.keys()].map(name => `${name} (event)`)].join(', ') || 'nothing'
    const text = `agent ${this.text} has no handler for request '${message.name}'; it handles: ${handles}`
    this.fail(message, undefined, new NoHandlerError(text, { agent: this.text, message: message.name }))
  }

  #run(message: Message, turn: Turn, entry: HandlerEntry): void {
    const { ledger, line, reports, watch, contexts } = this.#host
    this.#running++
    turn.older = this.#newest
    if (this.#newest !== undefined) this.#newest.newer = turn
    this.#newest = turn
    ledger.begin()
    if (this.type.timed) watch.begin(turn, this.type)
    if (reports.observer.active) reports.observer.process(message)
    let outcome: unknown
    let late: Promise<unknown> | undefined
    watch.enter(turn)
    try {
      const ctx = turn as Context
      outcome =
        contexts === undefined
          ? entry.handle(message.payload, ctx)
          : contexts.run(message, () => entry.handle(message.payload, ctx))
      late = later(outcome)
      watch.leave()
      // in here: what only has the looks of a promise throws when it is waited for, which is the handler's doing
      late?.then(
        value => {
          this.#returned(message, turn, entry, value)
          line.ready(this)
        },
        error => {
          this.#threw(message, turn, error)
          line.ready(this)
        },
      )
    } catch (error) {
      watch.leave()
      this.#threw(message, turn, error)
      return
    }
    if (late === undefined) this.#returned(message, turn, entry, outcome)
  }

  #returned(message: Message, turn: Turn, entry: HandlerEntry, value: unknown): void {
    const kept = this.#end(turn)
    if (kept === undefined) this.#answer(message, turn, entry, value)
    else void kept.then(() => this.#answer(message, turn, entry, value))
  }

  #threw(message: Message, turn: Turn, error: unknown): void {
    const kept = this.#end(turn)
    if (kept === undefined) this.fail(message, turn, error)
    else void kept.then(() => this.fail(message, turn, error))
  }

  /** @returns see {@link Checkpoints.turnEnded} */
  #end(turn: Turn): Promise<void> | undefined {
    const { ledger, watch, life } = this.#host
    const { type } = this
    turn.open = false
    this.#running--
    if (turn.newer === undefined) this.#newest = turn.older
    else turn.newer.older = turn.older
    if (turn.older !== undefined) turn.older.newer = turn.newer
    ledger.end()
    if (type.timed) watch.end(turn, type)
    const kept = type.checkpoint === undefined ? undefined : life.checkpoints.turnEnded(this)
    if (turn.cancellation !== turn.message?.cancellation) turn.cancellation?.letGo()
    if (this.watched) this.turnEnded(turn)
    return kept
  }

  // ---- outcomes ---------------------------------------------------------------------------------------------------

  #answer(message: Message, turn: Turn, entry: HandlerEntry, value: unknown): void {
    if (!message.isRequest || turn.answered) return this.succeed(message, turn, undefined)
    let checked: unknown
    try {
      checked = this.#host.answers.answer(message, entry.message, value)
    } catch (error) {
      return this.fail(message, turn, error)
    }
    if (!(checked instanceof Late)) return this.succeed(message, turn, checked)
    checked.promise.then(
      value => this.succeed(message, turn, value),
      error => this.fail(message, turn, error),
    )
  }

  /** Gives a message its outcome. */
  protected succeed(message: Message, turn: Turn | undefined, value: unknown): void {
    const { ledger, reports } = this.#host
    ledger.handled()
    if (reports.observer.active) {
      if (message.isRequest) reports.observer.respond(message)
      else if (turn !== undefined) reports.observer.handled(message)
    }
    if (turn?.answered !== true) message.reply?.answer(message, value)
    ledger.finish()
  }

  /** Gives a message its outcome. */
  protected fail(message: Message, turn: Turn | undefined, error: unknown): void {
    const { ledger, reports } = this.#host
    ledger.failed()
    const untold = turn?.answered !== true
    if (untold) message.reply?.fail(message, error)
    // told before it is finished: who waits for idle has seen it. Whatever was thrown, to tell of it does not throw
    if (turn !== undefined || !(error instanceof RingreeveError)) reports.observer.failed(this, message, error)
    else if (!message.isRequest) reports.observer.dropped(message, error.message)
    if (untold && message.reply === undefined) reports.unhandled(this, message, error)
    ledger.finish()
  }
}
