// How long a loop works before its event loop has its turn. What it keeps: work that began without a turn of the event loop
// asked for asks for one as it begins, or has at most 200 µs (plus one handler) until somebody does; and whoever sends in a
// loop is told to wait for that turn once the time is over.
//
//   stage     means                                                      goes to
//   open      there is time left, and no turn of the event loop to come  ending, over
//   ending    there is time left, and a turn will end it                 open, waiting
//   over      the time is over, and no turn is to come                   ending, waiting
//   waiting   the time is over, and a turn is to come                    open, over (the loop was stopped)
//
// Time that is over is noticed only by who looks at the clock: after each chunk, and when work is asked for.
import type { EventLoop } from './event-loop.js'

const BURST_MS = 0.2

const order = ['open', 'ending', 'over', 'waiting'] as const
/** A stage of a burst. */
export type BurstStage = (typeof order)[number]

/** What each stage may go to. */
export const burstStages: Readonly<Record<BurstStage, readonly BurstStage[]>> = {
  open: ['ending', 'over'],
  ending: ['open', 'waiting'],
  over: ['ending', 'waiting'],
  waiting: ['open', 'over'],
}

const OPEN = 0
const ENDING = 1
const OVER = 2
const WAITING = 3
type Stage = typeof OPEN | typeof ENDING | typeof OVER | typeof WAITING
/** By stage: one bit for each that it may go to. */
const next = order.map(stage => burstStages[stage].reduce((bits, one) => bits | (1 << order.indexOf(one)), 0))

/** The burst of one loop, now or next. */
export class Burst {
  readonly #eventLoop: EventLoop
  readonly #onTurn: () => void
  #stage: Stage = OPEN
  #end = 0
  #nextTurn: Promise<void> | undefined
  #endTurn: (() => void) | undefined

  /** @param onTurn the event loop has its turn: it calls {@link turned} */
  constructor(eventLoop: EventLoop, onTurn: () => void) {
    this.#eventLoop = eventLoop
    this.#onTurn = onTurn
  }

  get stage(): BurstStage {
    return order[this.#stage] as BurstStage
  }

  protected to(stage: Stage): void {
    if (((next[this.#stage] as number) & (1 << stage)) === 0)
      throw new Error(`a burst that is ${this.stage} cannot become ${order[stage]}`)
    this.#stage = stage
  }

  /** There is work. @returns whether it may begin before the event loop has its turn */
  begin(now: number): boolean {
    if (now < this.#end) return true
    if (this.#stage === WAITING) return false
    if (this.#stage === ENDING) {
      this.to(WAITING)
      return false
    }
    // a new burst; the turn ends it, so that a chain of microtasks cannot keep the event loop for ever
    this.#end = now + BURST_MS
    this.to(ENDING)
    this.#eventLoop.later(this.#onTurn)
    return true
  }

  /** A chunk has run. @returns whether the time is over */
  spent(now: number): boolean {
    if (now < this.#end) return false
    if (this.#stage === OPEN) this.to(OVER)
    else if (this.#stage === ENDING) this.to(WAITING)
    return true
  }

  /** The event loop is to have its turn. */
  later(): void {
    if (this.#stage === OPEN) this.to(ENDING)
    else if (this.#stage === OVER) this.to(WAITING)
    else return
    this.#eventLoop.later(this.#onTurn)
  }

  /** Whether a turn of the event loop is to come. */
  get ending(): boolean {
    return this.#stage === ENDING || this.#stage === WAITING
  }

  /** The event loop has had its turn. @param more whether a new burst begins with it */
  turned(more: boolean): void {
    this.#nextTurn = undefined
    this.#endTurn?.()
    this.#endTurn = undefined
    this.to(more || this.#stage === ENDING ? OPEN : OVER)
    if (more) this.#end = this.#eventLoop.now() + BURST_MS
  }

  /** See {@link Scheduler.breathe}. */
  breathe(): Promise<void> | undefined {
    if (this.#stage === OPEN || this.#stage === ENDING) return undefined
    this.later()
    this.#nextTurn ??= new Promise(resolve => {
      this.#endTurn = resolve
    })
    return this.#nextTurn
  }
}
