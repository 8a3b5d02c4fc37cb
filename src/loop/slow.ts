// Turns that take longer than they should (`softDeadline`): nothing is ended, somebody is told. What it keeps: the
// turn that is due first stands in shared memory, so that it is told of also when it never yields.
import type { Status } from '../sync/status.js'
import type { Loop } from './loop.js'
import type { Turn } from './turn.js'

/** The turns of one loop that should only take so long. */
export class SlowTurns {
  readonly #loop: Loop
  readonly #status: Status
  /** When each is due, in house time, in the order in which they began. */
  readonly #turns = new Map<Turn, number>()
  #first: Turn | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(loop: Loop, status: Status) {
    this.#loop = loop
    this.#status = status
  }

  begin(turn: Turn, ms: number): void {
    const due = this.#loop.house.now() + ms
    this.#turns.set(turn, due)
    if (this.#first === undefined || due < (this.#turns.get(this.#first) as number)) this.#watch(turn, due)
  }

  end(turn: Turn): void {
    if (!this.#turns.delete(turn) || this.#first !== turn) return
    let earliest: Turn | undefined
    let at = Number.POSITIVE_INFINITY
    for (const [one, due] of this.#turns) if (due < at) [earliest, at] = [one, due]
    this.#watch(earliest, at)
  }

  #watch(turn: Turn | undefined, due: number): void {
    this.#first = turn
    clearTimeout(this.#timer)
    if (turn === undefined) return this.#status.slow.clear()
    const { cell, message } = turn
    this.#status.slow.set(due, `${cell.text} ${message?.name} ${cell.type.softDeadline}`)
    this.#timer = setTimeout(() => this.#due(turn, due), Math.max(0, due - this.#loop.house.now())).unref()
  }

  #due(turn: Turn, due: number): void {
    if (this.#first !== turn) return
    const { softDeadline } = turn.cell.type
    const age = Math.round(this.#loop.house.now() - due + softDeadline)
    this.#loop.observer.slow(turn.cell.text, turn.message?.name, age, softDeadline)
    this.end(turn)
  }
}
