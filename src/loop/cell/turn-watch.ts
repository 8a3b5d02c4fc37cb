// The turns of one loop that may, or should, only take so long. The loop itself ends a turn that is past its deadline and
// yields: its signal aborts and its caller gets an answer. Of a turn that is past its soft deadline somebody is told. What it
// keeps: the turn that is due first stands in shared memory, and so does the handler that runs, so that it is found also when it never
// yields (the coordinator's watchdog); finding the first takes no look at all the others; and time that was lost (pulse.ts) does not
// count.
import { DeadlineError } from '../../agent/errors.js'
import type { Observer } from '../../observe/observer.js'
import { type Slow, slowText } from '../../observe/slow.js'
import type { Status } from '../../sync/status.js'
import type { Alarm, Clock } from '../base/clock.js'
import type { Ledger } from '../base/ledger.js'
import { Pulse } from '../base/pulse.js'
import type { Turn } from './turn.js'

/** A turn and when it is due, by the loop's clock without what was lost. */
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
  readonly #pulse: Pulse
  readonly #show: (due: Due | undefined, at: number) => void
  readonly #due: (due: Due, taken: number) => void
  #first: Due | undefined
  #alarm: Alarm | undefined

  /**
   * @param weak whether it keeps no process alive
   * @param show puts the first one into shared memory, with when it is due by the clock
   * @param due told when a turn is due, and how long it has taken; it is forgotten then
   */
  constructor(
    clock: Clock,
    weak: boolean,
    pulse: Pulse,
    show: (due: Due | undefined, at: number) => void,
    due: (due: Due, taken: number) => void,
  ) {
    this.#clock = clock
    this.#weak = weak
    this.#pulse = pulse
    this.#show = show
    this.#due = due
  }

  begin(turn: Turn, ms: number): void {
    const at = this.#now() + ms
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
    if (first === undefined) return this.#show(undefined, 0)
    this.#pulse.begin()
    this.#show(first, first.at + this.#pulse.lost)
    const due = (): void => {
      if (this.#first !== first) return
      this.#pulse.look()
      if (this.#pulse.lost > lost && first.at > this.#now()) return this.#watch()
      this.#due(first, this.#now() - first.at + first.ms)
      this.end(first.turn)
    }
    const lost = this.#pulse.lost
    this.#alarm = this.#clock.after(Math.max(0, first.at - this.#now()), due, { weak: this.#weak })
  }

  #now(): number {
    return this.#clock.now() - this.#pulse.lost
  }

  /** Whether a turn is watched. */
  get waiting(): boolean {
    return this.#first !== undefined
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
  readonly #status: Status
  readonly #pulse: Pulse
  readonly #hard: Watch
  readonly #soft: Watch
  /** Turns whose callers know that they are past their deadline, and that are at work still. */
  readonly #overdue = new Set<Turn>()

  /** @param ran see {@link Pulse} */
  constructor(clock: Clock, status: Status, observer: Observer, ledger: Ledger, ran: (() => number) | undefined) {
    this.#clock = clock
    this.#status = status
    const wanted = (): boolean => this.#hard.waiting || this.#soft.waiting || this.#overdue.size > 0
    const pulse = new Pulse(clock, ran, wanted, () => status.pulse())
    this.#pulse = pulse
    const deadline = (due: Due | undefined, at: number): void => status.deadline(at, due?.turn.agent ?? '')
    this.#hard = new Watch(clock, false, pulse, deadline, due => {
      expire(due)
      this.#overdue.add(due.turn)
      this.#showOverdue()
      pulse.begin()
      ledger.changed()
    })
    const slow = (due: Due | undefined, at: number): void => {
      if (due === undefined) status.slow.clear()
      else status.slow.set(at, slowText(slowOf(due)))
    }
    this.#soft = new Watch(clock, true, pulse, slow, (due, taken) => observer.slow(slowOf(due), Math.round(taken)))
  }

  begin(turn: Turn, { deadline, softDeadline }: Limits): void {
    if (deadline > 0) {
      turn.deadlineAt = this.#clock.now() - this.#pulse.lost + deadline
      this.#hard.begin(turn, deadline)
    }
    if (softDeadline > 0) this.#soft.begin(turn, softDeadline)
  }

  end(turn: Turn, { deadline, softDeadline }: Limits): void {
    if (deadline > 0) {
      if (turn.late && !turn.answered) expire({ turn, ms: deadline })
      this.#hard.end(turn)
      if (this.#overdue.delete(turn)) this.#showOverdue()
    }
    if (softDeadline > 0) this.#soft.end(turn)
  }

  /** The handler of a turn begins. */
  enter(turn: Turn): void {
    const { deadlineAt } = turn
    if (deadlineAt === 0) this.#status.enter()
    else this.#status.enterUntil(deadlineAt + this.#pulse.lost, turn.agent)
  }

  /** Runs code of an agent that is no handler: nobody else is charged with what it computes. */
  readonly aside = <T>(work: () => T): T => {
    this.#status.enter()
    try {
      return work()
    } finally {
      this.leave()
    }
  }

  /** Whether a turn with a deadline is past it. */
  isLate({ deadlineAt }: { readonly deadlineAt: number }): boolean {
    if (this.#clock.now() - this.#pulse.lost < deadlineAt) return false
    this.#pulse.look() // it may have been blocked until now
    return this.#clock.now() - this.#pulse.lost >= deadlineAt
  }

  #showOverdue(): void {
    const [first] = this.#overdue
    this.#status.showOverdue(first === undefined ? 0 : first.deadlineAt + this.#pulse.lost, first?.agent ?? '')
  }

  /** It has returned, or waits. */
  leave(): void {
    this.#status.leave()
  }

  /** The loop has stopped: nothing is due any more. */
  clear(): void {
    this.#hard.clear()
    this.#soft.clear()
    this.#overdue.clear()
    this.#showOverdue()
  }
}

function expire({ turn, ms }: Pick<Due, 'turn' | 'ms'>): void {
  const { agent, message } = turn
  const name = message?.name ?? ''
  const text = `'${name}' took ${agent} longer than its deadline of ${ms} ms`
  const error = new DeadlineError(text, { agent, message: name })
  turn.failEarly(error)
  turn.giveUp(error)
}

function slowOf({ turn, ms }: Due): Slow {
  return { agent: turn.agent, message: turn.message, softDeadline: ms }
}
