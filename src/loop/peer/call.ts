// A request from the moment it was sent until it is settled: the promise that its sender has. What it keeps: it is counted once
// as accepted when it is made, and once as done when it settles.
import type { RequestType } from '../../agent/message.js'
import { type Cancellation, cancelled, type GivesUp } from '../base/cancellation.js'
import type { Ledger } from '../base/ledger.js'
import type { Message, Reply } from '../base/message.js'
import { joinSite, type Site } from '../base/sites.js'
import type { Awaited } from '../base/waits.js'
import { Waiter } from './waiter.js'

/** What calls need of the loop they are made on. */
export interface CallHost {
  readonly ledger: Ledger
  /** Tells the loop that works on a call that its caller gave up, and why. */
  giveUp(call: Waiter, reason: unknown): void
}

/** The turn that sends. */
interface Sender extends GivesUp {
  /** It waits for this, and does not any more. */
  begin(one: Awaited): void
  over(one: Awaited): void
}

/** A request that waits for its answer, here or from another loop. */
export class Call extends Waiter implements Reply, Awaited {
  declare readonly promise: Promise<unknown>
  declare readonly message: RequestType
  declare readonly agent: string
  declare readonly sequence: number
  declare older: Awaited | undefined
  declare newer: Awaited | undefined
  readonly #host: CallHost
  readonly #site: Site | undefined
  readonly #sender: Sender | undefined
  #resolve!: (value: unknown) => void
  #reject!: (error: unknown) => void
  #detach: (() => void) | undefined

  /**
   * @param sequence number of the message at its origin
   * @param sender the turn that sends; see {@link promised}, for which the fast way has no promise to spare
   */
  constructor(
    host: CallHost,
    message: RequestType,
    agent: string,
    sequence: number,
    site: Site | undefined,
    sender?: Sender | undefined,
  ) {
    super()
    this.#host = host
    this.message = message
    this.agent = agent
    this.sequence = sequence
    this.#site = site
    this.#sender = sender
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    host.ledger.accept()
    sender?.begin(this)
  }

  get name(): string {
    return this.message.name
  }

  /** Rejects with CancelledError as soon as `cancellation` asks for it. */
  cancelWith(cancellation: Cancellation): void {
    const detach = cancellation.onCancel(reason => {
      if (this.settled) return
      this.#host.giveUp(this, reason)
      this.reject(cancelled(this.agent, this.message.name, reason))
    })
    this.#detach = () => {
      detach()
      cancellation.letGo()
    }
    if (this.settled) this.#detach()
  }

  answer(_message: Message | undefined, value: unknown): void {
    if (!this.settle()) return
    this.#count()
    this.#resolve(value)
    this.#detach?.()
  }

  fail(_message: Message | undefined, error: unknown): void {
    this.reject(error)
  }

  reject(error: unknown): void {
    if (!this.settle()) return
    this.#count()
    if (this.#sender?.givenUp === true) this.promise.catch(() => {})
    this.#reject(error)
    this.#detach?.()
    joinSite(error, `send '${this.message.name}' to ${this.agent}`, this.#site) // whoever awaits it sees it later
  }

  /** Its turn is given up. What was sent when nobody could have wanted that is not told to who works on it. */
  giveUp(reason: unknown): void {
    if (!this.settled) this.reject(cancelled(this.agent, this.message.name, reason))
  }

  #count(): void {
    this.#host.ledger.finish()
    this.#sender?.over(this)
  }
}
