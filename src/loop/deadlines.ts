// Deadlines of the turns of one loop. The loop itself ends a turn that yields: its signal aborts and its caller gets
// an answer. For a turn that does not yield, the earliest deadline stands in shared memory, where the coordinator
// sees it and ends the thread.
import { DeadlineError } from '../agent/errors.js'
import type { House, Status } from '../sync/status.js'
import type { Turn } from './turn.js'

/** The turns of one loop that may only take so long. */
export class Deadlines {
  readonly #house: House
  readonly #status: Status
  readonly #turns = new Set<Turn>()
  #first: Turn | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(house: House, status: Status) {
    this.#house = house
    this.#status = status
  }

  begin(turn: Turn, ms: number): void {
    turn.deadlineAt = this.#house.now() + ms
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
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (turn === undefined) {
      this.#status.deadline(0, '')
      return
    }
    this.#status.deadline(turn.deadlineAt, turn.agent)
    this.#timer = setTimeout(() => this.#expire(turn), Math.max(0, turn.deadlineAt - this.#house.now()))
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
