// Who may send, in the life of a loop. What it keeps: the stage only goes forward; what the application sends while the gate
// is closed goes in the order in which it was sent, and before anything that is sent later.
//
//   stage      from the application         from turns   agents of themselves   goes to
//   open       yes; held if HELD            yes          yes                    draining, resting, closed
//   draining   StoppedError; held if HELD   yes          yes                    resting, closed
//   resting    StoppedError; held if HELD   yes          no                     closed
//   closed     StoppedError                 no           no                     ended
//   ended      StoppedError                 no           no
//
// HELD is how many have closed the gate: with threads, until a runtime that was made with `autoStart: false` begins; and while
// state is saved or loaded. It is no stage of its own, because a loop that is held can be stopped. Threads have no application, so
// their loops do not drain.
import { AsyncLocalStorage } from 'node:async_hooks'
import { StoppedError } from '../../agent/errors.js'
import { Queue } from '../../base/queue.js'
import { follow } from './cancellation.js'
import { inNobodys } from './event-loop.js'
import { Lull } from './lull.js'

const order = ['open', 'draining', 'resting', 'closed', 'ended'] as const
/** A stage in the life of a loop. */
export type LoopStage = (typeof order)[number]

/** What each stage may go to. */
export const loopStages: Readonly<Record<LoopStage, readonly LoopStage[]>> = {
  open: ['draining', 'resting', 'closed'],
  draining: ['resting', 'closed'],
  resting: ['closed'],
  closed: ['ended'],
  ended: [],
}

const OPEN = 0
const RESTING = 2
const CLOSED = 3

/** The stage of one loop, and its gate. */
export class Admission {
  /** Its place in the order: a number, since every message asks for it. */
  #stage = OPEN
  #closers = 0
  /** In whose async context the gate is passed. */
  #passing: AsyncLocalStorage<true> | undefined
  readonly #held = new Queue<() => void>()
  /** Messages among what is held, but those that nobody wants any more. */
  #messages = 0
  #reason = new StoppedError('the runtime was stopped')
  /** Holds what agents do of themselves, as the gate does what the application sends. */
  readonly lull = new Lull()

  get stage(): LoopStage {
    return order[this.#stage] as LoopStage
  }

  /** @throws Error for a step that is not in the table */
  to(stage: LoopStage): void {
    if (!loopStages[this.stage].includes(stage)) throw new Error(`a loop that is ${this.stage} cannot become ${stage}`)
    this.#stage = order.indexOf(stage)
  }

  /** Whether agents do nothing of themselves any more, because the loop is to stop. */
  get resting(): boolean {
    return this.#stage >= RESTING
  }

  /** Whether nobody may send. */
  get closed(): boolean {
    return this.#stage >= CLOSED
  }

  /** @throws StoppedError when the application, or (while draining) anybody but a turn, may send no more */
  check(turn: unknown): void {
    if (this.#stage === OPEN || (turn !== undefined && !this.closed)) return
    throw turn === undefined ? because(this.#reason.message, this.#reason) : this.#reason // the site that sent is in the stack
  }

  /** What everything gets that is dropped when the loop stops. */
  get reason(): StoppedError {
    return this.#reason
  }

  /** What ended the run by itself stays the cause, whatever is told of its end. */
  failWith(reason: StoppedError): void {
    this.#reason = reason.cause === undefined ? because(reason.message, this.#reason) : reason
  }

  // ---- the gate ---------------------------------------------------------------------------------------------------

  /** Whether what the application sends is held. */
  get held(): boolean {
    return this.#closers > 0 && this.#passing?.getStore() !== true
  }

  /** How many messages it holds: nobody else counts them. */
  get messages(): number {
    return this.#messages
  }

  /**
   * Runs `work`, for which who has closed the gate waits: what it sends itself by the application's own way must not wait for the
   * gate, or neither would end. It is known by its async context, which costs nothing but here.
   */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    const passing = new AsyncLocalStorage<true>()
    this.#passing = passing
    try {
      return await passing.run(true, work)
    } finally {
      this.#passing = undefined
      passing.disable()
    }
  }

  /** Runs code of an agent that is no handler: in nobody's context, whoever brought it about; but `pass` still knows it. */
  inNobodys<T>(work: () => T): T {
    const passing = this.#passing
    return inNobodys(passing?.getStore() === true ? () => passing.run(true, work) : work)
  }

  /** Whoever needs quiet closes the gate; it opens when the last of them opens it. */
  close(): void {
    if (!this.closed) this.#closers++
  }

  open(): void {
    if (this.#closers > 0) this.#open(this.#closers - 1)
  }

  /** Opens the gate, whoever has closed it: nobody may send any more, and what was held is to be told so. */
  openForGood(): void {
    this.#open(0)
  }

  /** Sends what was held, up to where the gate is closed again. */
  #open(closers: number): void {
    this.#closers = closers
    while (this.#closers === 0) {
      const next = this.#held.shift()
      if (next === undefined) return
      next()
    }
  }

  /**
   * Sends once the gate is open, behind what was held before.
   * @param send never throws; everything is in its promise
   * @param signal when it aborts it is not sent, and fails with what `cancelled` makes of the reason
   */
  hold<T>(send: () => Promise<T>, signal?: AbortSignal, cancelled?: (reason: unknown) => unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      let wanted = true
      const giveUp = (): void => {
        wanted = false
        this.#messages--
        reject(cancelled?.(signal?.reason))
      }
      this.#messages++
      if (signal?.aborted === true) return giveUp()
      const unfollow = signal === undefined ? undefined : follow(signal, giveUp)
      this.#queue(() => {
        if (!wanted) return
        unfollow?.()
        this.#messages--
        resolve(send())
      })
    })
  }

  /** Does what is no message once the gate is open, behind what was held before. @param work never throws; everything is in its promise */
  behind<T>(work: () => Promise<T>): Promise<T> {
    return new Promise(resolve => this.#queue(() => resolve(work())))
  }

  #queue(go: () => void): void {
    const own = AsyncLocalStorage.snapshot() as (work: () => void) => void // whoever opens the gate has another
    this.#held.push(() => own(go))
  }
}

/** With the cause of another, if that has one. */
function because(text: string, { cause }: StoppedError): StoppedError {
  return new StoppedError(text, cause === undefined ? undefined : { cause })
}
