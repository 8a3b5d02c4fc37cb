// What an agent does of itself: intervals, one-shot timers, background loops. What it keeps: ticks are messages of the
// agent to itself; a loop is told to end by its signal, and is there until it has ended; after `rest()` nothing begins.
import type { BackgroundEntry, IntervalEntry } from '../../agent/definition.js'
import { CancelledError, nameOf, StoppedError } from '../../agent/errors.js'
import type { OnError } from '../../agent/options.js'
import type { Clock } from '../base/clock.js'
import type { Lull } from '../base/lull.js'
import { Timer, type TimerOwner } from './timer.js'
import { LoopTurn, type Turn, type TurnAgent } from './turn.js'

/** The life of the agent, as its own work sees it. */
export interface OwnWorkHost {
  readonly clock: Clock
  /** A timer is due: its tick goes into the mailbox. */
  tick(timer: Timer): void
  /** A tick failed. The event log has it already. */
  failed(error: unknown, onError: OnError): void
  /** A background loop failed while it was wanted. */
  loopFailed(error: unknown, onError: OnError): void
  /** A background loop failed when it was told to end. */
  endedBadly(error: unknown): void
  /** A background loop has ended. */
  look(): void
}

/** Timers and loops of one agent. */
export class OwnWork implements TimerOwner {
  readonly #agent: TurnAgent
  readonly #host: OwnWorkHost
  // made when they are needed: most agents do nothing of themselves
  #timers: Map<Timer, OnError> | undefined
  #loops: Map<Turn, Promise<void>> | undefined
  #resting = false

  constructor(agent: TurnAgent, host: OwnWorkHost) {
    this.#agent = agent
    this.#host = host
  }

  get clock(): Clock {
    return this.#host.clock
  }

  get lull(): Lull {
    return this.#agent.turnHost.admission.lull
  }

  /** Loops that have not ended. */
  get loops(): number {
    return this.#loops?.size ?? 0
  }

  /** Whether one of them is not asleep. */
  get awake(): boolean {
    for (const { asleep, awaited } of this.#loops?.keys() ?? []) if (asleep === 0 && awaited === undefined) return true
    return false
  }

  /** Whether a one-shot timer is pending. */
  get promised(): boolean {
    for (const { period } of this.#timers?.keys() ?? []) if (period === undefined) return true
    return false
  }

  every({ ms, work, immediate, onError }: IntervalEntry): void {
    const timer = new Timer(this, work as (turn: Turn) => unknown, ms)
    this.#begin(timer, immediate ? 0 : ms, onError)
  }

  after(ms: number, work: (turn: Turn) => unknown): Timer {
    const timer = new Timer(this, work, undefined)
    if (this.#resting) timer.cancel()
    else this.#begin(timer, ms, 'report')
    return timer
  }

  #begin(timer: Timer, ms: number, onError: OnError): void {
    this.#timers ??= new Map()
    this.#timers.set(timer, onError)
    timer.start(ms)
  }

  forget(timer: Timer): void {
    this.#timers?.delete(timer)
  }

  due(timer: Timer): void {
    if (timer.period === undefined) this.forget(timer)
    this.#host.tick(timer)
  }

  timerFailed(timer: Timer, error: unknown): void {
    this.#host.failed(error, this.#timers?.get(timer) ?? 'report')
  }

  background({ work, onError }: BackgroundEntry): void {
    const host = this.#host
    const turn = new LoopTurn(this.#agent)
    const { signal } = turn
    const fail = (error: unknown): void => {
      if (!signal.aborted) host.loopFailed(error, onError)
      else if (!isEcho(error, signal)) host.endedBadly(error)
    }
    const running = turn
      .begun()
      .then(() => (signal.aborted ? undefined : this.#agent.turnHost.aside(() => work(turn, signal))))
      .catch(fail)
      .then(() => {
        turn.open = false
        this.#loops?.delete(turn)
        host.look()
      })
    this.#loops ??= new Map()
    this.#loops.set(turn, running)
  }

  /** Timers are gone, loops are told to end. @returns when they have ended */
  async rest(reason: StoppedError): Promise<void> {
    this.#resting = true
    for (const timer of this.#timers?.keys() ?? []) timer.cancel()
    this.#timers = undefined
    if (this.#loops === undefined) return
    for (const turn of this.#loops.keys()) turn.giveUp(reason)
    await Promise.all(this.#loops.values())
  }
}

/** Whether a loop ended with nothing but the news that it is to end. */
function isEcho(error: unknown, signal: AbortSignal): boolean {
  if (error === signal.reason || error instanceof StoppedError || error instanceof CancelledError) return true
  // of an event that it waited for
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(one => isEcho(one, signal))
  return nameOf(error) === 'AbortError'
}
