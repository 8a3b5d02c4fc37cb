// What an agent does of itself: intervals, one-shot timers, background loops. What it keeps: ticks are messages of the
// agent to itself; a loop is told to end by its signal, and is there until it has ended; after `rest()` nothing begins.
import type { BackgroundEntry, IntervalEntry } from '../../agent/definition.js'
import { CancelledError, StoppedError } from '../../agent/errors.js'
import { TIMER } from '../../agent/message.js'
import type { OnError } from '../../agent/options.js'
import type { Clock } from '../base/clock.js'
import type { Cell } from './cell.js'
import { Timer, type TimerOwner } from './timer.js'
import { Turn } from './turn.js'

/** Timers and loops of one agent. */
export class OwnWork implements TimerOwner {
  readonly #cell: Cell
  // made when they are needed: most agents do nothing of themselves
  #timers: Map<Timer, OnError> | undefined
  #loops: Map<Turn, Promise<void>> | undefined
  #resting = false

  constructor(cell: Cell) {
    this.#cell = cell
  }

  get clock(): Clock {
    return this.#cell.host.life.clock
  }

  /** Loops that have not ended. */
  get loops(): number {
    return this.#loops?.size ?? 0
  }

  /** Whether a one-shot timer is pending. */
  get promised(): boolean {
    return [...(this.#timers?.keys() ?? [])].some(timer => timer.period === undefined)
  }

  every({ ms, work, immediate, onError }: IntervalEntry): void {
    const timer = new Timer(this, work as (turn: Turn) => unknown, ms)
    this.#begin(timer, immediate ? 0 : ms, onError)
  }

  after(ms: number, work: (turn: Turn) => unknown): Timer {
    const timer = new Timer(this, work, undefined)
    if (this.#resting || this.#cell.host.admission.resting) timer.cancel()
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
    this.#cell.tell(TIMER, timer, timer)
  }

  timerFailed(timer: Timer, error: unknown): void {
    this.#cell.life.failed(error, this.#timers?.get(timer) ?? 'report')
  }

  background({ work, onError }: BackgroundEntry): void {
    const { life, host } = this.#cell
    const turn = new Turn(this.#cell, undefined)
    const { signal } = turn
    const fail = (error: unknown): void => {
      if (signal.aborted) {
        if (!isEcho(error, signal)) life.endedBadly(error)
        return
      }
      if (onError === 'report') host.reports.observer.failed(this.#cell, undefined, error)
      life.failed(error, onError)
    }
    const running = Promise.resolve()
      .then(() => work(turn, signal))
      .catch(fail)
      .then(() => {
        turn.open = false
        this.#loops?.delete(turn)
        life.look()
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
    for (const turn of this.#loops.keys()) turn.ownCancellation().cancel(reason)
    await Promise.all(this.#loops.values())
  }
}

/** Whether a loop ended with nothing but the news that it is to end. */
function isEcho(error: unknown, signal: AbortSignal): boolean {
  if (error === signal.reason || error instanceof StoppedError || error instanceof CancelledError) return true
  return error instanceof Error && error.name === 'AbortError'
}
