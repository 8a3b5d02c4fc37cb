// The turns of one loop that may, or should, only take so long. The loop itself ends a turn that is past its deadline and
// yields: its signal aborts and its caller gets an answer. Of a turn that is past its soft deadline somebody is told. What it
// keeps: the turn that is due first stands in shared memory, so that it is found also when it never yields (the coordinator's
// watchdog); and finding it takes no look at all the others.
import { DeadlineError } from '../../agent/errors.js'
import type { Observer } from '../../observe/observer.js'
import { type Slow, slowText } from '../../observe/slow.js'
import type { Status } from '../../sync/status.js'
import type { Alarm, Clock } from '../base/clock.js'
import type { Ledger } from '../base/ledger.js'
import type { Turn } from './turn.js'

/** A turn and when it is due, by the loop's clock. */
interface Due {
  readonly turn: Turn
  /** How long it may take, or should. */
  readonly ms: number
  readonly at: number
  /** Of two that are due at once the one that began first is first. */
  readonly order: number
  /** Whether it is waited for. */
  open: boolean
}

/** Turns by when they are due: a binary heap, in which those that have ended stay until they come up or are too many. */
class DueTurns {
  readonly #dues = new Map<Turn, Due>()
  #heap: Due[] = []
  #order = 0

  add(turn: Turn, ms: number, at: number): void {
    const due = { turn, ms, at, order: this.#order++, open: true }
    this.#dues.set(turn, due)
    this.#rise(due)
  }

  remove(turn: Turn): void {
    const due = this.#dues.get(turn)
    if (due === undefined) return
    due.open = false
    this.#dues.delete(turn)
    if (this.#heap.length < 2 * this.#dues.size + 16) return
    const open = this.#heap.filter(one => one.open)
    this.#heap = []
    for (const one of open) this.#rise(one)
  }

  /** The turn that is due first; those whose callers have their outcome are not waited for. */
  get first(): Due | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.open && !first.turn.answered) return first
      this.#dues.delete(first.turn)
      this.#takeFirst()
    }
    return undefined
  }

  clear(): void {
    this.#dues.clear()
    this.#heap = []
  }

  #rise(due: Due): void {
    const heap = this.#heap
    let i = heap.length
    heap.push(due)
    while (i > 0) {
      const up = (i - 1) >> 1
      const above = heap[up] as Due
      if (isFirst(above, due)) break
      heap[i] = above
      i = up
    }
    heap[i] = due
  }

  #takeFirst(): void {
    const heap = this.#heap
    const last = heap.pop() as Due
    if (heap.length === 0) return
    let i = 0
    for (let down = 1; down < heap.length; down = 2 * i + 1) {
      if (down + 1 < heap.length && isFirst(heap[down + 1] as Due, heap[down] as Due)) down++
      const below = heap[down] as Due
      if (isFirst(last, below)) break
      heap[i] = below
      i = down
    }
    heap[i] = last
  }
}

function isFirst(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** Watches for the first of its turns. */
class Watch {
  readonly #turns = new DueTurns()
  readonly #clock: Clock
  readonly #weak: boolean
  readonly #show: (due: Due | undefined) => void
  readonly #due: (due: Due) => void
  #first: Due | undefined
  #alarm: Alarm | undefined

  /**
   * @param weak whether it keeps no process alive
   * @param show puts the first one into shared memory
   * @param due told when a turn is due; it is forgotten then
   */
  constructor(clock: Clock, weak: boolean, show: (due: Due | undefined) => void, due: (due: Due) => void) {
    this.#clock = clock
    this.#weak = weak
    this.#show = show
    this.#due = due
  }

  begin(turn: Turn, ms: number): void {
    const at = this.#clock.now() + ms
    this.#turns.add(turn, ms, at)
    if (this.#first === undefined || at < this.#first.at) this.#watch()
  }

  end(turn: Turn): void {
    this.#turns.remove(turn)
    if (this.#first?.turn === turn) this.#watch()
  }

  clear(): void {
    this.#turns.clear()
    this.#watch()
  }

  #watch(): void {
    const { first } = this.#turns
    this.#first = first
    this.#alarm?.cancel()
    this.#alarm = undefined
    this.#show(first)
    if (first === undefined) return
    const due = (): void => {
      if (this.#first !== first) return
      this.#due(first)
      this.end(first.turn)
    }
    this.#alarm = this.#clock.after(Math.max(0, first.at - this.#clock.now()), due, { weak: this.#weak })
  }
}

/** What the type of an agent says of how long its turns take; 0: nothing. */
interface Limits {
  readonly deadline: number
  readonly softDeadline: number
}

/** Deadlines and soft deadlines of the turns of one loop. */
export class TurnWatch {
  readonly #clock: Clock
  readonly #hard: Watch
  readonly #soft: Watch

  constructor(clock: Clock, status: Status, observer: Observer, ledger: Ledger) {
    this.#clock = clock
    const deadline = (due: Due | undefined): void => status.deadline(due?.at ?? 0, due?.turn.agent ?? '')
    this.#hard = new Watch(clock, false, deadline, due => {
      expire(due)
      ledger.changed()
    })
    const slow = (due: Due | undefined): void => {
      if (due === undefined) status.slow.clear()
      else status.slow.set(due.at, slowText(slowOf(due)))
    }
    this.#soft = new Watch(clock, true, slow, due =>
      observer.slow(slowOf(due), Math.round(clock.now() - due.at + due.ms)),
    )
  }

  begin(turn: Turn, { deadline, softDeadline }: Limits): void {
    if (deadline > 0) {
      turn.deadlineAt = this.#clock.now() + deadline
      this.#hard.begin(turn, deadline)
    }
    if (softDeadline > 0) this.#soft.begin(turn, softDeadline)
  }

  end(turn: Turn, { deadline, softDeadline }: Limits): void {
    if (deadline > 0) this.#hard.end(turn)
    if (softDeadline > 0) this.#soft.end(turn)
  }

  /** The loop has stopped: nothing is due any more. */
  clear(): void {
    this.#hard.clear()
    this.#soft.clear()
  }
}

function expire({ turn, ms }: Due): void {
  const { agent, message } = turn
  const name = message?.name ?? ''
  const text = `'${name}' took ${agent} longer than its deadline of ${ms} ms`
  const error = new DeadlineError(text, { agent, message: name })
  turn.failEarly(error)
  turn.ownCancellation().cancel(error)
}

function slowOf({ turn, ms }: Due): Slow {
  return { agent: turn.agent, message: turn.message, softDeadline: ms }
}
