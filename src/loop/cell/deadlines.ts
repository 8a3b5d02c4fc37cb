// Deadlines of the turns of one loop. The loop itself ends a turn that yields: its signal aborts and its caller gets
// an answer. For a turn that does not yield, the earliest deadline stands in shared memory, where the coordinator
// sees it and ends the thread.
import { DeadlineError } from '../../agent/errors.js'
import type { Status } from '../../sync/status.js'
import type { Alarm, Clock } from '../base/clock.js'
import type { Turn } from './turn.js'

/** The turns of one loop that may only take so long. */
export class Deadlines {
  readonly #clock: Clock
  readonly #status: Status
  readonly #turns = new Set<Turn>()
  #first: Turn | undefined
  #alarm: Alarm | undefined

  constructor(clock: Clock, status: Status) {
    this.#clock = clock
    this.#status = status
  }

  begin(turn: Turn, ms: number): void {
    turn.deadlineAt = this.#clock.now() + ms
    this.#turns.add(turn)
    if (this.#first === undefined || turn.deadlineAt < this.#first.deadlineAt) this.#watch(turn)
  }

  end(turn: Turn): void {
    this.#turns.delete(turn)
    if (this.#first === turn) this.#watchEarliest()
  }

  /** Forgets all turns. */
  stop(): void {
    this.#turns.clear()
    this.#watchEarliest()
  }

  #watchEarliest(): void {
    let earliest: Turn | undefined
    for (const turn of this.#turns) {
      if (!turn.answered && (earliest === undefined || turn.deadlineAt < earliest.deadlineAt)) earliest = turn
    }
    this.#watch(earliest)
  }

  #watch(turn: Turn | undefined): void {
    this.#first = turn
    this.#alarm?.cancel()
    this.#alarm = undefined
    if (turn === undefined) {
      this.#status.deadline(0, '')
      return
    }
    this.#status.deadline(turn.deadlineAt, turn.agent)
    this.#alarm = this.#clock.after(Math.max(0, turn.deadlineAt - this.#clock.now()), () => this.#expire(turn))
  }

  #expire(turn: Turn): void {
    if (this.#first !== turn) return
    const message = turn.message?.name ?? ''
    const text = `'${message}' took ${turn.agent} longer than its deadline of ${turn.cell.type.deadline} ms`
    const error = new DeadlineError(text, { agent: turn.agent, message })
    turn.cell.failEarly(turn, error)
    turn.ownCancellation().cancel(error)
    turn.cell.loop.settled()
    this.#watchEarliest()
  }
}
