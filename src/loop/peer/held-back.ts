// What is held back for another loop: while the queue of an agent over there is full, while its thread is being replaced,
// or while its agents move. What it keeps: messages from one sender to one agent go in the order in which they were sent,
// whatever they waited for; and each of them goes, or is told that it never will.
import { OverloadedError, type RingreeveError } from '../../agent/errors.js'
import type { ChainNode } from '../base/message.js'
import type { CallHost } from './calls.js'

/** Messages that may wait for a full ring, or a full mailbox, beside one for each turn at work; who sends more is refused. */
const MAX_BACKLOG = 65_536

/** Something held back: to be done later, or to be told that it never will be. */
export interface Held {
  readonly sender: string | undefined
  run(): void
  fail(error: RingreeveError): void
  /** Its agent was stopped, without what waited for it. */
  drop(error: RingreeveError): void
}

/** What tells of a message whether it may pass. */
interface Passenger {
  readonly sender: string | undefined
  readonly chain: ChainNode | undefined
}

/** What waits here for one other loop. */
export class HeldBack {
  readonly #index: number
  readonly #host: CallHost
  /** By agent: what waits for its queue. */
  readonly #muted = new Map<string, Held[]>()
  /** What waits for the thread to be replaced, or for its agents. */
  #parked: Held[] = []
  /** While that loop gets ready to move: what its turns wait for still goes there; or nothing does. */
  #holding: 'most' | 'all' | undefined
  /** Why nothing goes there any more. */
  lost: RingreeveError | undefined

  constructor(index: number, host: CallHost) {
    this.#index = index
    this.#host = host
  }

  /** Whether what is for that loop waits here because it is to move. */
  get holding(): boolean {
    return this.#holding !== undefined
  }

  /** What is for that loop waits here; unless `all` is set, what its own turns wait for goes on. */
  hold(all: boolean): void {
    this.#holding = all ? 'all' : 'most'
  }

  /** Nothing waits here any more but for the queues of agents. */
  release(): void {
    this.lost = undefined
    this.#holding = undefined
    this.#unpark()
  }

  /** The agents have no queues any more that could be full: what waited for them waits for the next life. */
  park(): void {
    this.#holding = undefined
    const muted = [...this.#muted.values()].flat()
    this.#muted.clear()
    this.#parked = this.#parked.concat(muted)
  }

  mute(agent: string): void {
    if (!this.#muted.has(agent)) this.#muted.set(agent, [])
  }

  unmute(agent: string): void {
    const held = this.#muted.get(agent)
    this.#muted.delete(agent)
    for (const one of held ?? []) one.run()
  }

  /** Tells what waits for the queue of an agent that it was stopped. */
  drop(agent: string, error: RingreeveError): void {
    Object.preventExtensions(error) // told to many, as in Cell.abandon
    for (const one of this.#muted.get(agent)?.splice(0) ?? []) one.drop(error)
  }

  /** Whether the queue of one of these agents is full. */
  mutes(agents: readonly string[]): boolean {
    return this.#muted.size > 0 && agents.some(agent => this.#muted.has(agent))
  }

  /** Whether a message has to wait that no full queue is in the way of. */
  stays(message: Passenger): boolean {
    return this.#holding !== undefined && !this.#mayPass(message)
  }

  /**
   * Takes what has to wait, or refuses it.
   * @param linked whether there is a link to that loop
   * @returns false if it may go now
   */
  take(held: Held, recipient: string, message: Passenger, linked: boolean): boolean {
    if (this.lost !== undefined) {
      held.fail(this.lost)
      return true
    }
    let queue = linked ? this.#muted.get(recipient) : this.#parked
    if (queue === undefined && this.stays(message)) queue = this.#parked
    if (queue === undefined) return false
    if (queue.length >= this.#most) held.fail(this.#overloaded())
    else queue.push(held)
    return true
  }

  /** Tells everything that it will not be sent. */
  abandon(error: RingreeveError): void {
    Object.preventExtensions(error) // told to many, as in Cell.abandon
    const held = [...this.#parked, ...[...this.#muted.values()].flat()]
    this.#parked = []
    this.#muted.clear()
    for (const one of held) one.fail(error)
  }

  /** @param waiting messages that wait for room in the ring. @throws OverloadedError when there are too many */
  checkBacklog(waiting: number): void {
    if (waiting >= this.#most) throw this.#overloaded()
  }

  /**
   * What was parked goes. What waits for the queue of an agent was sent after anything that was parked for that agent, since
   * from then on nothing was: so it goes behind it, to wait again.
   */
  #unpark(): void {
    const parked = this.#parked
    this.#parked = []
    const behind = [...this.#muted.values()].flatMap(queue => queue.splice(0))
    for (const held of parked) held.run()
    for (const held of behind) held.run()
  }

  /** Whether a turn over there waits for the message. What its sender has sent before goes first, and all before that. */
  #mayPass({ chain, sender }: Passenger): boolean {
    if (this.#holding === 'all') return false
    let node = chain
    while (node !== undefined && !this.#host.livesOn(node.agent, this.#index)) node = node.parent
    if (node === undefined) return false
    if (this.#parked.some(held => held.sender === sender)) {
      const holding = this.#holding
      this.#holding = undefined
      this.#unpark()
      this.#holding = holding
    }
    return true
  }

  /** So whoever awaits what it sends is never refused, however many do. */
  get #most(): number {
    return MAX_BACKLOG + this.#host.turns
  }

  #overloaded(): OverloadedError {
    return new OverloadedError(`${this.#most} messages wait for loop ${this.#index}; await some before sending more`, {
      thread: this.#index,
    })
  }
}
