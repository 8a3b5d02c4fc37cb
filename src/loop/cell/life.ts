// The life of one agent: how it is made, and how it ends. What it keeps: messages wait until the agent was made and while
// it stops; `onStop` runs exactly once for each time it was made, after its loops and turns have ended; when it has
// stopped nothing of it is left, and the next message makes it anew. It changes the stages (stage.ts) but the last: a cell retires.
import { type RingreeveError, StoppedError, TimeoutError } from '../../agent/errors.js'
import { STOP, TIMER } from '../../agent/message.js'
import type { OnError } from '../../agent/options.js'
import type { Clock } from '../base/clock.js'
import { within } from '../base/event-loop.js'
import type { Message } from '../base/message.js'
import { Beginning, type Begun, beginsWith, noSuchKey, notMade } from './beginning.js'
import { Ending } from './ending.js'
import type { Housing } from './housing.js'
import { Idleness } from './idleness.js'
import { OwnWork, type OwnWorkHost } from './own-work.js'
import { isTick, type Timer } from './timer.js'
import type { HookTurn, Turn } from './turn.js'

/** One agent, from the message that makes it to the end. */
export class Life implements OwnWorkHost {
  readonly #cell: Housing
  #own: OwnWork | undefined
  #beginning: Beginning | undefined
  #ending: Ending | undefined
  #idleness: Idleness | undefined

  constructor(cell: Housing) {
    this.#cell = cell
  }

  get clock(): Clock {
    return this.#cell.turnHost.clock
  }

  /** Whether there is nothing to say of the agent but its stage. */
  get plain(): boolean {
    return (this.#own ?? this.#beginning ?? this.#ending ?? this.#idleness) === undefined
  }

  /** Whether its state goes with it, or stays: it is there, or on its way out with its state, which comes back with it. */
  get keepsState(): boolean {
    return this.#ending?.keep !== false
  }

  /** Whether a one-shot timer is pending. */
  get promised(): boolean {
    return this.#own?.promised === true
  }

  /** What may be at work of an agent that is there, beside its turns. */
  get beside(): 'a hook' | 'a loop' | undefined {
    if (this.#ending?.hook !== undefined) return 'a hook'
    return this.#own?.awake === true ? 'a loop' : undefined
  }

  /** What it is at that is no turn. */
  get atWork(): string | undefined {
    if (this.#beginning !== undefined) return 'onStart'
    if (this.#ending?.hook !== undefined) return 'onStop'
    return (this.#own?.loops ?? 0) > 0 ? 'a background loop' : undefined
  }

  // ---- beginning --------------------------------------------------------------------------------------------------

  /**
   * Makes the agent. If that takes time the cell is told when it is made, or could not be.
   * @param first the message that makes it
   * @returns whether it is there now; then the cell begins with the message, outside of what is caught here
   * @throws AgentCreationError, UnknownAgentError when it is clear at once that it cannot be made
   */
  start(first: Message | undefined): boolean {
    const cell = this.#cell
    const { text, type, lifeHost } = cell
    const { checkpoints, idOf } = lifeHost
    const id = idOf(text) // not the cell's own, which it would keep
    if (type.keys !== undefined && !type.keys.has(id.key)) throw noSuchKey(id, type)
    cell.to('starting')
    const left = checkpoints.left(text)
    let begun: Begun
    try {
      begun = beginsWith(cell, id)
    } catch (error) {
      throw this.#startFailed(error)
    }
    const { state, late } = begun
    if (type.spec.onStart === undefined && left === undefined && late === undefined) {
      this.#ready(state)
      return true
    }
    const beginning = new Beginning(first, begun.asItWas)
    this.#beginning = beginning
    beginning.run(cell, type.spec, late ?? state, left).then(
      late => this.#began(beginning, late),
      error => this.#failed(beginning, error),
    )
    return false
  }

  /** Resolves when the agent that is being made is there, or the one that stops is gone. */
  turned(): Promise<void> {
    return this.#beginning?.made.join() ?? this.#ending?.over.join() ?? Promise.resolve()
  }

  #began(beginning: Beginning, state: unknown): void {
    if (beginning.over) return
    this.#beginning = undefined
    this.#ready(state)
    this.#cell.made(beginning.first, !beginning.thenEnd) // now, if it ends at once: or it would be for the next agent
    beginning.made.resolve()
    if (beginning.thenEnd) this.#end(this.#wish())
  }

  #failed(beginning: Beginning, error: unknown): void {
    const cell = this.#cell
    if (beginning.over) return cell.turnHost.reports.observer.failed(cell, undefined, error)
    this.#beginning = undefined
    const failure = this.#startFailed(error, beginning)
    cell.unmade(beginning.first, failure)
    beginning.made.reject(failure)
  }

  #ready(state: unknown): void {
    const cell = this.#cell
    const { type, lifeHost, turnHost } = cell
    cell.state = state
    lifeHost.unloaded.delete(cell.text)
    cell.to('ready')
    lifeHost.ledger.agents(1)
    turnHost.reports.observer.create(cell)
    lifeHost.checkpoints.begun(cell)
    if (turnHost.admission.resting) return void this.rest()
    for (const entry of type.spec.intervals) this.#work.every(entry)
    for (const entry of type.spec.loops) this.#work.background(entry)
    if (type.unloadAfter > 0) {
      cell.watch()
      const busy = (): boolean => cell.occupied || cell.paused || this.promised
      this.#idleness = new Idleness(
        this.clock,
        type.unloadAfter,
        busy,
        () => cell.running > 0,
        () => this.#unload(),
      )
    }
  }

  /** The next attempt begins with nothing of this one. */
  #startFailed(error: unknown, beginning?: Beginning): RingreeveError {
    const cell = this.#cell
    const { text } = cell
    cell.to('absent')
    const asItWas = beginning?.asItWas
    if (asItWas !== undefined) cell.lifeHost.unloaded.set(text, asItWas.value)
    cell.lifeHost.checkpoints.unmade(cell)
    void this.#own?.rest(new StoppedError(`agent ${text} could not be made`)) // its timers would make it again
    this.#own = undefined
    this.#finish() // there is nothing to stop
    this.#ending = undefined
    const failure = notMade(text, error)
    cell.turnHost.reports.observer.failed(cell, undefined, failure)
    return failure
  }

  /** The hook at work. No message has its turn before it has ended. */
  get hook(): HookTurn | undefined {
    return this.#beginning?.hook ?? this.#ending?.hook
  }

  /** The message that makes the agent is not wanted any more, nor whoever waits for it; only then is `onStart` told to end. */
  giveUpFirst(error: RingreeveError): Message | undefined {
    const beginning = this.#beginning
    beginning?.tell(error)
    const first = beginning?.first
    if (beginning !== undefined) beginning.first = undefined
    beginning?.made.reject(error)
    this.#ending?.over.reject(error)
    return first
  }

  // ---- ending -----------------------------------------------------------------------------------------------------

  /** The agent is to stop of itself, behind what waits for it now. Nobody waits for it, so what fails is reported. */
  endItself(): void {
    const cell = this.#cell
    if (cell.stage === 'gone') return // a turn that outlives its agent has nothing left to stop
    if (cell.stage === 'ending') {
      if (this.#ending !== undefined) this.#ending.keep = false // it stops as it is, and does not come back
      cell.paused = false
      return
    }
    const ending = this.#wish()
    if (ending.asked) return
    ending.asked = true
    cell.paused = false
    cell.tell(STOP, undefined, { answer: () => {}, fail: (_, error) => this.#report(error) })
  }

  #wish(): Ending {
    this.#ending ??= new Ending()
    return this.#ending
  }

  /** The wish to stop has its turn, or is all that is left; its sender is told when the agent has stopped. */
  stopFor(message: Message): void {
    const cell = this.#cell
    const { ledger } = cell.lifeHost
    if (this.#ending !== undefined) this.#ending.keep = false
    cell.lifeHost.forgetState(cell)
    this.stop({ timed: message.sender === undefined })
      .then(
        () => message.reply?.answer(message, undefined),
        error => message.reply?.fail(message, error),
      )
      .finally(() => ledger.changed()) // outside any turn: nobody else would show the answer
  }

  /**
   * Stops the agent with what waits refused, and its turns told that they are not wanted. If it is not even made after `ms`, or
   * `onStop` does not end, it is given up: what hangs goes on in this cell, which nobody knows any more.
   * @throws what its loops and `onStop` threw; TimeoutError when `onStop` is at work after `ms`, and again `ms`
   */
  async drop(ms: number): Promise<void> {
    const cell = this.#cell
    const { text, lifeHost } = cell
    const { eventLoop } = lifeHost
    if (this.#ending !== undefined) this.#ending.keep = false
    lifeHost.forgetState(cell)
    cell.paused = false
    cell.abandon(new StoppedError(`agent ${text} was stopped`, { agent: text }))
    if (cell.stage === 'absent') return cell.retire()
    if (await within(eventLoop, ms, this.stop({ timed: true }))) return
    const beginning = this.#beginning
    if (beginning !== undefined) {
      beginning.over = true
      this.#beginning = undefined
      const error = new StoppedError(`agent ${text} was stopped before it was made`, { agent: text })
      void this.#own?.rest(error)
      lifeHost.checkpoints.unmade(cell)
      cell.retire()
      beginning.made.reject(error)
      return this.#finish()
    }
    if (await within(eventLoop, ms, this.stop({ hurry: true }))) return
    if (cell.stage === 'gone') return // in the last moment
    const ending = this.#wish()
    const error = new TimeoutError(`onStop of ${text} was still at work after ${ms} ms`, { agent: text })
    ending.add(error)
    this.#leave(ending)
    this.#finish()
    throw error
  }

  /** Stops what the agent does of itself. @returns when its loops have ended */
  async rest(): Promise<void> {
    const { text, turnHost } = this.#cell
    const { admission } = turnHost
    const reason = admission.resting ? admission.reason : new StoppedError(`agent ${text} stops`, { agent: text })
    this.#idleness?.end()
    await this.#own?.rest(reason)
  }

  /**
   * Stops the agent now: waits for the turns at work, and a while for its loops; then `onStop` runs, once.
   * @param how `timed`: whoever asks hurries it when it takes too long, so its loops have as long. `hurry`: waits for neither
   * @throws what its loops threw on their way out, and what `onStop` threw
   */
  stop({ hurry = false, timed = false } = {}): Promise<void> {
    const { stage } = this.#cell
    if (stage === 'absent' || stage === 'gone') return Promise.resolve()
    const ending = this.#wish()
    if (timed) ending.timed = true
    if (hurry) {
      ending.hurried = true
      this.look()
    }
    if (stage === 'ready') this.#end(ending)
    else if (this.#beginning !== undefined) this.#beginning.thenEnd = true
    return ending.done
  }

  /** Stops the agent with its state kept in memory, unless it is stopping already. @throws like {@link stop} */
  unload(): Promise<void> {
    if (this.#ending === undefined && this.#cell.stage !== 'absent') this.#wish().keep = true
    return this.stop()
  }

  #end(ending: Ending): void {
    const cell = this.#cell
    cell.to('ending')
    cell.watch()
    cell.letBack()
    cell.lifeHost.ledger.acceptOwn() // who waits for idle waits for this too
    void this.rest()
    void this.#stopped(ending)
  }

  async #stopped(ending: Ending): Promise<void> {
    const cell = this.#cell
    try {
      await ending.run(cell, () => this.#still)
    } catch (error) {
      this.endedBadly(error)
    }
    if (cell.stage === 'gone') return this.look() // it was given up meanwhile
    this.#leave(ending)
    this.#finish()
  }

  /** Whoever waits for the end is told; and the runtime ends, if it is to, whoever had asked for the end first. */
  #finish(): void {
    const { text, turnHost } = this.#cell
    const fatal = this.#ending?.finish(text)
    if (fatal !== undefined) turnHost.reports.stopRuntime(text, fatal.error)
  }

  /** The agent goes, with its state kept or not. */
  #leave({ keep }: Ending): void {
    const cell = this.#cell
    const { unloaded, checkpoints, ledger } = cell.lifeHost
    const { resting } = cell.turnHost.admission
    if (keep && cell.state !== undefined) {
      unloaded.set(cell.text, cell.state)
      checkpoints.unloaded(cell)
    } else if (!resting) cell.lifeHost.forgetState(cell) // without a state nothing of it is kept either
    ledger.agents(-1)
    cell.retire()
    ledger.finish()
  }

  /** Whether nothing of it is at work. */
  get #still(): boolean {
    return this.#cell.running === 0 && (this.#own?.loops ?? 0) === 0
  }

  /** A turn or a loop has ended, or is not waited for any longer. */
  look(): void {
    const cell = this.#cell
    const still = this.#still
    this.#ending?.look(still)
    if (cell.stage !== 'gone') return
    // whoever remembers the address of an agent that is gone has its cell, but must not have its state
    if (still && this.#ending?.hook === undefined) cell.state = undefined
    if (cell.running === 0) cell.lifeHost.forgetOutlived(cell)
  }

  /** A turn has ended; told only if the cell is watched. */
  turnEnded(turn: Turn): void {
    const { stage } = this.#cell
    if (stage === 'ending' || stage === 'gone') this.look()
    else if (isTick(turn.message)) this.#idleness?.noteTick()
    else this.#idleness?.noteTurn()
  }

  /** Nothing but ticks has come to it for long. */
  #unload(): void {
    this.#wish().keep = this.#cell.type.keepState
    this.stop().catch(error => this.#report(error))
  }

  // ---- what the agent does of itself ------------------------------------------------------------------------------

  get #work(): OwnWork {
    this.#own ??= new OwnWork(this.#cell, this)
    return this.#own
  }

  /** Does something `ms` from now, unless the agent is on its way out. */
  after(ms: number, work: (turn: Turn) => unknown): { cancel(): void } {
    const { stage, turnHost } = this.#cell
    const wanted = (stage === 'ready' || stage === 'starting') && !turnHost.admission.resting
    return wanted ? this.#work.after(ms, work) : { cancel: () => {} }
  }

  tick(timer: Timer): void {
    if (this.#cell.stage === 'gone') return // of a start that was given up
    this.#cell.tell(TIMER, timer, timer)
  }

  /** An interval or a loop failed while the agent is there. The event log has it already, or gets it with the end. */
  failed(error: unknown, onError: OnError): void {
    if (onError === 'report') {
      this.#cell.turnHost.reports.unhandled(this.#cell, undefined, error)
      return
    }
    if (onError === 'stop-runtime') this.#wish().fatal = true
    this.endedBadly(error)
    this.endItself()
  }

  loopFailed(error: unknown, onError: OnError): void {
    if (onError === 'report') this.#cell.turnHost.reports.observer.failed(this.#cell, undefined, error)
    this.failed(error, onError)
  }

  /** What goes wrong on the way to the end is told at the end, all together. */
  endedBadly(error: unknown): void {
    if (this.#cell.stage === 'gone') this.#report(error)
    else this.#wish().add(error)
  }

  #report(error: unknown): void {
    const { reports } = this.#cell.turnHost
    reports.observer.failed(this.#cell, undefined, error)
    reports.unhandled(this.#cell, undefined, error)
  }
}
