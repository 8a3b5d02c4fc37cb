// The life of one agent: how it is made, what it does of itself (intervals, background loops, timers), and how it ends.
// What it keeps: messages wait until the agent was made and while it stops; `onStop` runs exactly once for each time it
// was made, after its loops and turns have ended; when it has stopped nothing of it is left, and the next message makes
// it anew.
import type { BackgroundEntry, OnError } from '../agent/definition.js'
import {
  AgentCreationError,
  CancelledError,
  type RingreeveError,
  StoppedError,
  textOf,
  UnknownAgentError,
} from '../agent/errors.js'
import { STOP, TIMER } from '../agent/message.js'
import { at } from '../sync/status.js'
import type { Cell } from './cell.js'
import type { Alarm, Clock } from './clock.js'
import { within } from './loop.js'
import { isPromise, Message, type Reply } from './message.js'
import { type Task, Timer, type TimerOwner } from './timer.js'
import { Turn } from './turn.js'

/** How one agent is to stop. */
export interface StopWish {
  readonly drain: boolean
  /** Milliseconds after which what is left is dropped; undefined: as long as it takes. */
  readonly timeout: number | undefined
}

/** Milliseconds that loops and turns at work get to end, where nobody says how long. */
const PATIENCE_MS = 5_000

/** One agent, from the message that makes it to the end. */
export class Life implements TimerOwner {
  stage: 'new' | 'starting' | 'ready' | 'stopping' | 'gone' = 'new'
  readonly #cell: Cell
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #paused: boolean
  readonly #timers = new Map<Timer, OnError>()
  readonly #loops = new Map<Turn, Promise<void>>()
  /** What loops and timers threw that ended the agent, or on their way out. */
  readonly #errors: unknown[] = []
  /** The turn of `onStart`, whose signal aborts if the agent is to stop. */
  #starter: Turn | undefined
  #unloading: Alarm | undefined
  /** Whether the state stays in memory when the agent is gone. */
  #keep = false
  #ending = false
  #lastTurn = 0
  /** Told when the last turn has ended, or is not waited for any longer. */
  #still: (() => void) | undefined

  constructor(cell: Cell, paused = false) {
    this.#cell = cell
    this.#paused = paused
  }

  get clock(): Clock {
    return this.#cell.loop.clock
  }

  get paused(): boolean {
    return this.#paused
  }

  // ---- beginning --------------------------------------------------------------------------------------------------

  /**
   * Makes the agent. If that takes time its messages are held until {@link release}.
   * @returns undefined when it is there now. @throws AgentCreationError, UnknownAgentError
   */
  start(): Promise<void> | undefined {
    if (this.#starting !== undefined) return this.#starting
    const { id, text, type, loop } = this.#cell
    if (type.keys !== undefined && !type.keys.has(id.key)) {
      if (!this.#paused) loop.forget(this.#cell)
      throw this.#noSuchKey()
    }
    this.stage = 'starting'
    this.#hold()
    const { onStart, options } = type.spec
    let state: unknown
    try {
      state = loop.unloaded.has(text) ? loop.unloaded.get(text) : options.state?.(id)
    } catch (error) {
      throw this.#failed(error)
    }
    if (onStart === undefined && !isPromise(state)) {
      this.#ready(state)
      this.release()
      return undefined
    }
    this.#starting = this.#finish(state)
    return this.#starting
  }

  async #finish(state: unknown): Promise<void> {
    try {
      this.#cell.state = await state
      this.#starter = new Turn(this.#cell, undefined)
      await this.#cell.type.spec.onStart?.(this.#starter)
    } catch (error) {
      throw this.#failed(error)
    }
    this.#ready(this.#cell.state)
  }

  /** The message that made the agent has begun: now the others may. */
  release(): void {
    this.#hold()
  }

  #ready(state: unknown): void {
    const cell = this.#cell
    const { loop, type } = cell
    cell.state = state
    loop.unloaded.delete(cell.text)
    this.stage = 'ready'
    loop.counters.add(at.agents, 1)
    loop.observer.create(cell)
    if (loop.resting) return
    for (const { ms, work, immediate, onError } of type.spec.intervals) {
      this.#begin(new Timer(this, work as (turn: Turn) => unknown, ms), immediate ? 0 : ms, onError)
    }
    for (const entry of type.spec.loops) this.#background(entry)
    if (type.unloadAfter > 0) {
      cell.watched = true
      this.#lastTurn = this.clock.now()
      this.#unloadIn(type.unloadAfter)
    }
  }

  #failed(error: unknown): RingreeveError {
    this.#starting = undefined
    this.#ending = false
    this.stage = 'new'
    this.#hold()
    const { text, loop } = this.#cell
    const failure = new AgentCreationError(`agent ${text} could not be made: ${textOf(error)}`, {
      agent: text,
      cause: error,
    })
    loop.observer.failed(this.#cell, undefined, failure)
    return failure
  }

  #noSuchKey(): UnknownAgentError {
    const { id, text, type } = this.#cell
    const keys = [...(type.keys ?? [])].join(', ')
    return new UnknownAgentError(`there is no agent ${text}; keys of '${id.type}' are: ${keys}`, { agent: text })
  }

  // ---- what it does of itself -------------------------------------------------------------------------------------

  /** A one-shot timer. While the agent stops it is made and never fires. */
  after(ms: number, work: (turn: Turn) => unknown): Timer {
    const timer = new Timer(this, work, undefined)
    const alive = this.stage === 'ready' || this.stage === 'starting'
    if (alive && !this.#cell.loop.resting) this.#begin(timer, ms, 'report')
    else timer.cancel()
    return timer
  }

  #begin(timer: Timer, ms: number, onError: OnError): void {
    this.#timers.set(timer, onError)
    timer.start(ms)
  }

  forget(timer: Timer): void {
    this.#timers.delete(timer)
  }

  due(timer: Timer): void {
    if (timer.period === undefined) this.#timers.delete(timer)
    this.#cell.tell(this.#note(TIMER, timer, timer))
  }

  timerFailed(timer: Timer, error: unknown): void {
    this.#report(error, this.#timers.get(timer) ?? 'report')
  }

  #background({ work, onError }: BackgroundEntry): void {
    const cell = this.#cell
    const turn = new Turn(cell, undefined)
    const { signal } = turn
    const fail = (error: unknown): void => {
      if (signal.aborted && isEcho(error, signal)) return
      if (signal.aborted) this.#errors.push(error)
      else {
        if (onError === 'report') cell.loop.observer.failed(cell, undefined, error)
        this.#report(error, onError)
      }
    }
    const running = Promise.resolve()
      .then(() => work(turn, signal))
      .catch(fail)
      .then(() => {
        turn.open = false
        this.#loops.delete(turn)
        this.#look()
      })
    this.#loops.set(turn, running)
  }

  #report(error: unknown, onError: OnError): void {
    if (onError === 'report') this.#cell.loop.unhandled(this.#cell, undefined, error)
    else {
      this.#errors.push(error)
      this.endItself(onError === 'stop-runtime')
    }
  }

  /** What the agent sends itself. */
  #note(name: string, task: Task, reply: Reply): Message {
    const { id, loop } = this.#cell
    return new Message({
      name,
      isRequest: false,
      payload: task,
      sender: id,
      recipient: id,
      topic: undefined,
      origin: loop.origin,
      sequence: loop.nextSequence(),
      id: undefined,
      trace: undefined,
      chain: undefined,
      cancellation: undefined,
      reply,
      slot: 0,
      generation: 0,
    })
  }

  // ---- pausing ----------------------------------------------------------------------------------------------------

  pause(): void {
    if (this.#cell.loop.resting) return // it is to work off what waits
    this.#paused = true
    this.#hold()
  }

  resume(): void {
    this.#paused = false
    this.#hold()
    this.#cell.loop.ready(this.#cell)
  }

  #hold(): void {
    this.#cell.held = this.#paused || this.stage === 'starting' || this.stage === 'stopping'
  }

  // ---- ending -----------------------------------------------------------------------------------------------------

  /**
   * Stops the agent once what waits for it now is handled, or (without `drain`) refused.
   * @throws what its loops threw on their way out, and what `onStop` threw
   */
  async end({ drain, timeout }: StopWish): Promise<void> {
    const cell = this.#cell
    this.#keep = false
    cell.loop.unloaded.delete(cell.text)
    if (this.#paused) this.resume()
    const reason = new StoppedError(`agent ${cell.text} was stopped`, { agent: cell.text })
    if (!drain) cell.abandon(reason)
    if (this.stage === 'new' && cell.waiting === 0) return cell.retire()
    if (this.#stopping !== undefined || cell.loop.closed) return this.stop()
    const stopped = new Promise<void>((resolve, reject) => {
      const run = () => void this.stop(timeout ?? PATIENCE_MS).then(resolve, reject)
      // a message like any other: it has its turn, or is refused, when those before it have had theirs
      cell.tell(this.#note(STOP, { run }, { answer: () => {}, fail: run }))
    })
    if (timeout === undefined) return stopped
    if (await within(timeout, stopped)) return
    cell.abandon(reason)
    return this.stop()
  }

  /** The same for the agent itself; nobody waits, so what fails is reported. */
  endItself(andTheRuntime = false): void {
    if (this.#ending) return
    this.#ending = true
    const { loop } = this.#cell
    this.end({ drain: true, timeout: undefined }).catch(error => {
      this.#stopFailed(error)
      if (andTheRuntime) loop.stopRuntime(error)
    })
  }

  #stopFailed(error: unknown): void {
    const { loop } = this.#cell
    loop.observer.failed(this.#cell, undefined, error)
    loop.unhandled(this.#cell, undefined, error)
  }

  /** Stops what the agent does of itself. @returns when its loops have ended */
  async rest(): Promise<void> {
    const { loop, text } = this.#cell
    this.#unloading?.cancel()
    for (const timer of this.#timers.keys()) timer.cancel()
    this.#timers.clear()
    const reason = loop.resting ? loop.stopReason() : new StoppedError(`agent ${text} stops`, { agent: text })
    if (this.stage === 'starting') this.#starter?.ownCancellation().cancel(reason)
    for (const turn of this.#loops.keys()) turn.ownCancellation().cancel(reason)
    await Promise.all(this.#loops.values())
  }

  /**
   * Stops the agent now: its loops and turns may take `patience` ms to end, then `onStop` runs, once.
   * @throws what its loops threw on their way out, and what `onStop` threw
   */
  stop(patience = 0): Promise<void> {
    if (this.stage === 'new' || this.stage === 'gone') return Promise.resolve()
    if (patience === 0) this.#still?.() // whoever waited for loops and turns waits no longer
    this.#stopping ??= this.#stop(patience)
    return this.#stopping
  }

  async #stop(patience: number): Promise<void> {
    const cell = this.#cell
    const { loop } = cell
    if (this.#starting !== undefined) await this.#starting.catch(() => {})
    if (this.stage !== 'ready') {
      this.#stopping = undefined
      return
    }
    this.stage = 'stopping'
    this.#hold()
    cell.watched = true
    loop.counters.add(at.accepted, 1) // who waits for idle waits for this too
    loop.settled()
    void this.rest()
    if (patience > 0) await within(patience, this.#stillness())
    try {
      await cell.type.spec.onStop?.(new Turn(cell, undefined))
    } catch (error) {
      this.#errors.push(error)
    }
    if (this.#keep && cell.state !== undefined) loop.unloaded.set(cell.text, cell.state)
    loop.counters.add(at.agents, -1)
    cell.retire()
    loop.counters.add(at.done, 1)
    loop.settled()
    if (this.#errors.length > 0) throw this.#grouped()
  }

  #grouped(): unknown {
    const errors = this.#errors
    if (errors.length === 1) return errors[0]
    return new AggregateError(errors, `agent ${this.#cell.text} stopped with errors: ${errors.map(textOf).join('; ')}`)
  }

  #stillness(): Promise<void> {
    return new Promise(resolve => {
      this.#still = resolve
      this.#look()
    })
  }

  #look(): void {
    if (this.#cell.running === 0 && this.#loops.size === 0) this.#still?.()
  }

  /** A turn has ended; told only if the cell is watched. */
  turnEnded(turn: Turn): void {
    const task = turn.message?.name === TIMER ? (turn.message.payload as Timer) : undefined
    if (this.stage === 'stopping') this.#look()
    else if (task?.period === undefined) this.#lastTurn = this.clock.now()
  }

  /** Messages keep an agent loaded, and one-shot timers; ticks and loops do not. */
  #unloadIn(ms: number): void {
    const look = (): void => {
      const cell = this.#cell
      const { unloadAfter, keepState } = cell.type
      if (this.stage !== 'ready') return
      const busy = cell.running > 0 || cell.waiting > 0 || this.#paused
      const left = unloadAfter - (this.clock.now() - this.#lastTurn)
      if (busy || left > 0 || [...this.#timers.keys()].some(timer => timer.period === undefined)) {
        this.#unloadIn(busy || left <= 0 ? unloadAfter : left)
        return
      }
      this.#keep = keepState
      this.stop(PATIENCE_MS).catch(error => this.#stopFailed(error))
    }
    this.#unloading = this.clock.after(ms, look, { weak: true })
  }
}

/** Whether a loop ended with nothing but the news that it is to end. */
function isEcho(error: unknown, signal: AbortSignal): boolean {
  if (error === signal.reason || error instanceof StoppedError || error instanceof CancelledError) return true
  return error instanceof Error && error.name === 'AbortError'
}
