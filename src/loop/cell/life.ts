// The life of one agent: how it is made, and how it ends. What it keeps: messages wait until the agent was made and while
// it stops; `onStop` runs exactly once for each time it was made, after its loops and turns have ended; when it has
// stopped nothing of it is left, and the next message makes it anew.

import {
  AgentCreationError,
  type RingreeveError,
  StoppedError,
  TimeoutError,
  textOf,
  UnknownAgentError,
} from '../../agent/errors.js'
import { STOP, TIMER } from '../../agent/message.js'
import type { OnError } from '../../agent/options.js'
import type { ChainNode } from '../base/chain.js'
import type { Alarm, Clock } from '../base/clock.js'
import { type EventLoop, within } from '../base/event-loop.js'
import { isPromise, type Message, type Origin } from '../base/message.js'
import type { Cell } from './cell.js'
import type { Checkpoints } from './checkpoints.js'
import { OwnWork } from './own-work.js'
import type { Timer } from './timer.js'
import { HookTurn, type Turn } from './turn.js'

/** Milliseconds that loops get to end. */
const PATIENCE_MS = 5_000
const NONE: readonly unknown[] = []

export type Stage = 'new' | 'starting' | 'ready' | 'stopping' | 'gone'

/** What the life of an agent needs of its loop, beside what its cell does. */
export interface LifeHost {
  readonly clock: Clock
  readonly eventLoop: EventLoop
  readonly checkpoints: Checkpoints
  readonly origin: Origin
}

/** One agent, from the message that makes it to the end. */
export class Life {
  stage: Stage
  #own: OwnWork | undefined
  readonly #cell: Cell
  /** Until {@link release}. */
  #starting: Promise<void> | undefined
  /** Ends the wait for a start that does not end. */
  #giveUpStart: (reason: RingreeveError) => void = () => {}
  #stopping: Promise<void> | undefined
  #paused: boolean
  /** What ended the agent, and what went wrong on the way. */
  #errors: readonly unknown[] = NONE
  /** The turn of `onStart` or `onStop`, while it is at work. The signal of `onStart` aborts if the agent is to stop. */
  #hook: HookTurn | undefined
  #unloading: Alarm | undefined
  /** Whether the state stays in memory when the agent is gone. */
  #keep = false
  #ending = false
  /** Whether the runtime is to end with it. */
  #fatal = false
  #hurried = false
  #lastTurn = 0
  /** Told when the last turn and loop have ended, or are not waited for any longer. */
  #still: (() => void) | undefined

  constructor(cell: Cell, paused = false, made = false) {
    this.#cell = cell
    this.stage = made ? 'ready' : 'new'
    this.#paused = paused
  }

  /** What the agent does of itself. */
  get own(): OwnWork {
    this.#own ??= new OwnWork(this.#cell)
    return this.#own
  }

  get paused(): boolean {
    return this.#paused
  }

  get #gone(): boolean {
    return this.stage === 'gone'
  }

  get hasState(): boolean {
    return this.stage === 'ready' || (this.stage === 'stopping' && this.#keep)
  }

  /** Whether all there is to say is that the agent is there. */
  get plain(): boolean {
    return this.stage === 'ready' && this.#own === undefined && this.#unloading === undefined
  }

  // ---- beginning --------------------------------------------------------------------------------------------------

  /**
   * Makes the agent. If that takes time its messages are held until {@link release}.
   * @param behind who waits for the message that makes it
   * @returns undefined when it is there now. @throws AgentCreationError, UnknownAgentError
   */
  start(behind?: ChainNode): Promise<void> | undefined {
    if (this.#starting !== undefined) return this.#starting
    const { text, type } = this.#cell
    const { agents, life } = this.#cell.host
    const id = agents.idOf(text) // not the cell's own, which it would keep
    if (type.keys !== undefined && !type.keys.has(id.key)) {
      if (!this.#paused) agents.forget(this.#cell)
      throw this.#noSuchKey()
    }
    this.stage = 'starting'
    this.#hold()
    const { onStart, options } = type.spec
    let state: unknown
    try {
      state = agents.unloaded.has(text) ? agents.unloaded.get(text) : options.state?.(id)
    } catch (error) {
      throw this.#startFailed(error)
    }
    if (onStart === undefined && !isPromise(state) && life.checkpoints.left(text) === undefined) {
      this.#ready(state)
      this.release()
      return undefined
    }
    this.#starting = new Promise((resolve, reject) => {
      this.#giveUpStart = reject
      this.#finish(state, behind).then(resolve, reject)
    })
    return this.#starting
  }

  async #finish(state: unknown, behind: ChainNode | undefined): Promise<void> {
    const cell = this.#cell
    const { onStart, onRestart } = cell.type.spec
    try {
      cell.state = await state
      if (this.#gone) return
      await this.#inHook(new HookTurn(cell, 'onStart', behind), async turn => {
        await onStart?.(turn)
        const left = cell.host.life.checkpoints.left(cell.text)
        if (left?.state !== undefined) cell.state = left.state.value
        if (left !== undefined) await onRestart?.(turn)
      })
    } catch (error) {
      if (this.#gone) return cell.host.reports.observer.failed(cell, undefined, error)
      throw this.#startFailed(error)
    }
    if (!this.#gone) this.#ready(cell.state)
  }

  async #inHook(turn: HookTurn, work: (turn: Turn) => unknown): Promise<void> {
    this.#hook = turn
    try {
      await work(turn)
    } finally {
      turn.open = false
      this.#hook = undefined
    }
  }

  /** The hook at work, if it waits for what has this chain. No message has its turn before it has ended. */
  hookIn(chain: ChainNode | undefined): HookTurn['hook'] | undefined {
    for (let node = chain; node !== undefined; node = node.parent) {
      if (node.agent === this.#cell.text && node.turn === this.#hook?.turn) return this.#hook.hook
    }
    return undefined
  }

  /** The message that made the agent has begun: now the others may. */
  release(): void {
    this.#starting = undefined // or who stops it would wait for it, and what comes behind the stop would begin meanwhile
    this.#hold()
  }

  #ready(state: unknown): void {
    const cell = this.#cell
    const { type } = cell
    const { agents, ledger, admission, reports, life } = cell.host
    cell.state = state
    agents.unloaded.delete(cell.text)
    this.stage = 'ready'
    ledger.agents(1)
    reports.observer.create(cell)
    life.checkpoints.begun(cell)
    if (admission.resting) return void this.rest()
    for (const entry of type.spec.intervals) this.own.every(entry)
    for (const entry of type.spec.loops) this.own.background(entry)
    if (type.unloadAfter > 0) {
      cell.watched = true
      this.#lastTurn = life.clock.now()
      this.#unloadIn(type.unloadAfter)
    }
  }

  #startFailed(error: unknown): RingreeveError {
    this.#starting = undefined
    this.stage = 'new'
    const { text, host } = this.#cell
    void this.#own?.rest(new StoppedError(`agent ${text} could not be made`)) // its timers would make it again
    this.#cell.unmade(this.#paused)
    const failure = new AgentCreationError(`agent ${text} could not be made: ${textOf(error)}`, {
      agent: text,
      cause: error,
    })
    host.reports.observer.failed(this.#cell, undefined, failure)
    return failure
  }

  #noSuchKey(): UnknownAgentError {
    const { id, text, type } = this.#cell
    const keys = [...(type.keys ?? [])].join(', ')
    return new UnknownAgentError(`there is no agent ${text}; keys of '${id.type}' are: ${keys}`, { agent: text })
  }

  // ---- pausing ----------------------------------------------------------------------------------------------------

  pause(): void {
    if (this.#cell.host.admission.resting) return // it is to work off what waits
    this.#paused = true
    this.#hold()
  }

  resume(): void {
    this.#paused = false
    this.#hold()
    this.#cell.host.line.ready(this.#cell)
  }

  #hold(): void {
    const { stage } = this
    this.#cell.held = this.#paused || stage === 'starting' || stage === 'stopping' || this.#stopping !== undefined
  }

  // ---- ending -----------------------------------------------------------------------------------------------------

  /** The agent is to stop of itself, behind what waits for it now. Nobody waits for it, so what fails is reported. */
  endItself(): void {
    if (this.#ending || this.stage === 'gone') return // a turn that outlives its agent has nothing left to stop
    this.#ending = true
    if (this.#paused) this.resume()
    const fail = (_: unknown, error: unknown): void => {
      this.#report(error)
      if (this.#fatal) this.#cell.host.reports.stopRuntime(error)
    }
    this.#cell.tell(STOP, undefined, { answer: () => {}, fail })
  }

  /** The wish to stop has its turn, or is all that is left; its sender is told when the agent has stopped. */
  stopFor(message: Message): void {
    const { agents, ledger } = this.#cell.host
    this.#keep = false
    agents.forgetState(this.#cell)
    this.stop()
      .then(
        () => message.reply?.answer(message, undefined),
        error => message.reply?.fail(message, error),
      )
      .finally(() => ledger.changed()) // outside any turn: nobody else would show the answer
  }

  /**
   * Stops the agent with what waits refused, and its turns told that they are not wanted. If it is not even made after `ms` it is
   * given up: the start that hangs goes on in this cell, which nobody knows any more.
   * @throws what its loops and `onStop` threw; TimeoutError when `onStop` is at work after `ms`, and again `ms`
   */
  async drop(ms: number): Promise<void> {
    const cell = this.#cell
    this.#keep = false
    cell.host.agents.forgetState(cell)
    if (this.#paused) this.resume()
    cell.abandon(new StoppedError(`agent ${cell.text} was stopped`, { agent: cell.text }))
    if (this.stage === 'new') return cell.waiting === 0 ? cell.retire() : undefined
    const { eventLoop } = cell.host.life
    if (await within(eventLoop, ms, this.stop())) return
    if (this.stage === 'starting') {
      cell.retire()
      return this.#giveUpStart(
        new StoppedError(`agent ${cell.text} was stopped before it was made`, { agent: cell.text }),
      )
    }
    if (await within(eventLoop, ms, this.stop(true))) return
    throw new TimeoutError(`onStop of ${cell.text} was still at work after ${ms} ms`, { agent: cell.text })
  }

  /** Stops what the agent does of itself. @returns when its loops have ended */
  async rest(): Promise<void> {
    const { host, text } = this.#cell
    const reason = host.admission.resting
      ? host.admission.reason
      : new StoppedError(`agent ${text} stops`, { agent: text })
    this.#unloading?.cancel()
    if (this.stage === 'starting') this.#hook?.ownCancellation().cancel(reason)
    await this.own.rest(reason)
  }

  /**
   * Stops the agent now: waits for the turns at work, and a while for its loops; then `onStop` runs, once.
   * @param hurry waits for neither
   * @throws what its loops threw on their way out, and what `onStop` threw
   */
  stop(hurry = false): Promise<void> {
    if (this.stage === 'new' || this.stage === 'gone') return Promise.resolve()
    if (hurry) {
      this.#hurried = true
      this.look()
    }
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    const cell = this.#cell
    const { agents, ledger, admission, life } = cell.host
    if (this.#starting !== undefined) await this.#starting.catch(() => {})
    if (this.stage !== 'ready') {
      this.#stopping = undefined
      return
    }
    this.stage = 'stopping'
    this.#hold()
    cell.watched = true
    cell.letBack()
    ledger.acceptOwn() // who waits for idle waits for this too
    void this.rest()
    const still = new Promise<void>(resolve => {
      this.#still = resolve
      this.look()
    })
    while (!(await within(life.eventLoop, PATIENCE_MS, still)) && cell.running > 0);
    try {
      await this.#inHook(new HookTurn(cell, 'onStop'), turn => cell.type.spec.onStop?.(turn))
    } catch (error) {
      this.endedBadly(error)
    }
    if (this.#keep && cell.state !== undefined) {
      agents.unloaded.set(cell.text, cell.state)
      life.checkpoints.unloaded(cell)
    } else if (!this.#keep && !admission.resting) agents.forgetState(cell)
    ledger.agents(-1)
    cell.retire()
    ledger.finish()
    if (this.#errors.length > 0) throw this.#grouped()
  }

  #grouped(): unknown {
    const errors = this.#errors
    if (errors.length === 1) return errors[0]
    return new AggregateError(errors, `agent ${this.#cell.text} stopped with errors: ${errors.map(textOf).join('; ')}`)
  }

  /** Stops the agent with its state kept in memory, unless it is stopping already. @throws like {@link stop} */
  unload(): Promise<void> {
    if (this.#stopping === undefined) this.#keep = true
    return this.stop()
  }

  /** A turn or a loop has ended, or is not waited for any longer. */
  look(): void {
    const still = this.#cell.running === 0 && (this.#own?.loops ?? 0) === 0
    if (this.#hurried || still) this.#still?.()
    if (this.stage !== 'gone') return
    // whoever remembers the address of an agent that is gone has its cell, but must not have its state
    if (still) this.#cell.state = undefined
    if (this.#cell.running === 0) this.#cell.host.agents.outlived.delete(this.#cell)
  }

  /** A turn has ended; told only if the cell is watched. */
  turnEnded(turn: Turn): void {
    const task = turn.message?.name === TIMER ? (turn.message.payload as Timer) : undefined
    if (this.stage === 'stopping' || this.stage === 'gone') this.look()
    else if (task?.period === undefined) this.#lastTurn = this.#cell.host.life.clock.now()
  }

  /** Messages keep an agent loaded, and one-shot timers; ticks and loops do not. */
  #unloadIn(ms: number): void {
    const { type, host } = this.#cell
    const { clock } = host.life
    const look = (): void => {
      if (this.stage !== 'ready') return
      const busy = this.#cell.running > 0 || this.#cell.waiting > 0 || this.#paused || this.#own?.promised === true
      const left = busy ? type.unloadAfter : type.unloadAfter - (clock.now() - this.#lastTurn)
      if (left > 0) return this.#unloadIn(left)
      this.#keep = type.keepState
      this.stop().catch(error => this.#report(error))
    }
    this.#unloading = clock.after(ms, look, { weak: true })
  }

  // ---- failing ----------------------------------------------------------------------------------------------------

  /** An interval or a loop failed while the agent is there. The event log has it already, or gets it with the end. */
  failed(error: unknown, onError: OnError): void {
    if (onError === 'report') {
      this.#cell.host.reports.unhandled(this.#cell, undefined, error)
      return
    }
    this.#fatal ||= onError === 'stop-runtime'
    this.endedBadly(error)
    this.endItself()
  }

  /** What goes wrong on the way to the end is told at the end, all together. */
  endedBadly(error: unknown): void {
    if (this.stage === 'gone') this.#report(error)
    else this.#errors = [...this.#errors, error]
  }

  #report(error: unknown): void {
    const { reports } = this.#cell.host
    reports.observer.failed(this.#cell, undefined, error)
    reports.unhandled(this.#cell, undefined, error)
  }
}
