// What is held back for another loop: while the queue of an agent over there is full, while its thread is being replaced,
// or while its agents move. What it keeps: messages from one sender to one agent go in the order in which they were sent,
// whatever they waited for; and each of them goes, or is told that it never will.
import { OverloadedError, type RingreeveError } from '../../agent/errors.js'
import type { Parcel } from '../base/message.js'
import { type Blocked, type Suspect, turnsOf } from '../base/waits.js'

/** Messages that may wait for a full ring, or a full mailbox, beside one for each turn at work; who sends more is refused. */
export const MAX_BACKLOG = 65_536
/** Bytes that may wait for room in one ring, however few messages they are. */
export const MAX_BACKLOG_BYTES = 2 ** 30

/** Something to be done later, or to be told that it never will be. */
export interface Deferred {
  /** What it sends. */
  readonly parcel: Pick<Parcel, 'sender' | 'sequence' | 'name' | 'chain'>
  /** Whether whoever waited for it has been told something else: to run it does nothing but to let go of it. */
  readonly unwanted: boolean
  run(): void
  fail(error: RingreeveError): void
  /** Its agent was stopped, without what waited for it. */
  drop(error: RingreeveError): void
}

/** So many wait before it is looked whether they are wanted still; then again when twice as many do as were. */
const PURGE_FROM = 64

/** What waits here for one other loop. */
export class HeldBack implements Suspect {
  readonly #index: number
  readonly #origin: string
  /** By agent: what waits for its queue. */
  readonly #muted = new Map<string, Deferred[]>()
  /** What waits for the thread to be replaced, or for its agents. */
  #parked: Deferred[] = []
  /** By queue, at which length it is purged next. */
  readonly #purgeAt = new WeakMap<Deferred[], number>()
  /** What turns wait for and was there when it was looked last; and the time before, too. */
  #seen: ReadonlySet<Deferred> = new Set()
  #old: ReadonlySet<Deferred> = new Set()

  /** @param index of the other loop @param origin of what is sent there, see {@link Origin.text} */
  constructor(index: number, origin: string) {
    this.#index = index
    this.#origin = origin
  }

  // ---- for a way --------------------------------------------------------------------------------------------------

  /** @param most how many may be parked. @throws OverloadedError */
  park(one: Deferred, most: number): void {
    this.#add(this.#parked, one, most)
  }

  /** Whether something that this sender has sent is parked. */
  hasParked(sender: string | undefined): boolean {
    return this.#parked.some(({ parcel }) => parcel.sender === sender)
  }

  /** The agents have no queues any more that could be full: what waited for them waits for the next life. */
  parkAll(): void {
    const muted = [...this.#muted.values()].flat()
    this.#muted.clear()
    this.#parked = this.#parked.concat(muted)
  }

  /**
   * What was parked goes. What waits for the queue of an agent was sent after anything that was parked for that agent, since
   * from then on nothing was: so it goes behind it, to wait again.
   */
  unpark(): void {
    const parked = this.#parked
    this.#parked = []
    const behind = [...this.#muted.values()].flatMap(queue => queue.splice(0))
    for (const one of parked) one.run()
    for (const one of behind) one.run()
  }

  // ---- for queues -------------------------------------------------------------------------------------------------

  mute(agent: string): void {
    if (!this.#muted.has(agent)) this.#muted.set(agent, [])
  }

  /** There is room for `most` more. @returns how many are held back still */
  unmute(agent: string, most: number): number {
    const held = this.#muted.get(agent) ?? []
    this.#muted.delete(agent)
    let taken = 0
    for (let wanted = 0; wanted < most && taken < held.length; taken++) if (held[taken]?.unwanted === false) wanted++
    for (const one of held.splice(0, taken)) one.run()
    if (held.length > 0) this.#muted.set(agent, held)
    return held.length
  }

  /** Whether the queue of one of these agents is full. */
  mutes(agents: readonly string[]): boolean {
    return this.#muted.size > 0 && agents.some(agent => this.#muted.has(agent))
  }

  mutesOne(agent: string): boolean {
    return this.#muted.size > 0 && this.#muted.has(agent)
  }

  /** Keeps what is for an agent whose queue is full. @returns false if its queue is not. @throws OverloadedError */
  wait(agent: string, one: Deferred, most: number): boolean {
    if (this.#muted.size === 0) return false
    const queue = this.#muted.get(agent)
    if (queue !== undefined) this.#add(queue, one, most)
    return queue !== undefined
  }

  // ---- what turns wait for ---------------------------------------------------------------------------------------

  note(): boolean {
    const seen = new Set<Deferred>()
    for (const queue of this.#muted.values()) for (const one of queue) if (isAwaited(one)) seen.add(one)
    this.#seen = seen
    return seen.size > 0
  }

  look(): boolean {
    const before = this.#seen
    const waits = this.note()
    this.#old = new Set([...before].filter(one => this.#seen.has(one)))
    return waits
  }

  /** Whether any of it was there a second ago. */
  get stuck(): boolean {
    return this.#old.size > 0
  }

  tell({ waits }: Blocked): void {
    for (const [agent, queue] of this.#muted) {
      for (const one of queue) {
        if (!this.#old.has(one) || !isAwaited(one)) continue
        const { name, sequence, chain } = one.parcel
        waits.push({ key: `${this.#origin}.${sequence}`, name, what: 'held', at: [agent], turns: turnsOf(chain) })
      }
    }
  }

  /** Takes out what turns wait for, and is not to go. @param key see Wait */
  refuse(agent: string, key: string, error: RingreeveError): void {
    const queue = this.#muted.get(agent)
    const found = queue?.findIndex(one => `${this.#origin}.${one.parcel.sequence}` === key && isAwaited(one)) ?? -1
    if (found >= 0) for (const one of queue?.splice(found, 1) ?? []) one.drop(error)
  }

  // ---- that it will not go ----------------------------------------------------------------------------------------

  /** Tells what waits for the queue of an agent that it was stopped. */
  drop(agent: string, error: RingreeveError): void {
    Object.preventExtensions(error) // told to many: the site of none of them is put under its stack
    for (const one of this.#muted.get(agent)?.splice(0) ?? []) one.drop(error)
  }

  /** Tells everything that it will not be sent. */
  abandon(error: RingreeveError): void {
    Object.preventExtensions(error) // told to many: the site of none of them is put under its stack
    const held = [...this.#parked, ...[...this.#muted.values()].flat()]
    this.#parked = []
    this.#muted.clear()
    for (const one of held) one.fail(error)
  }

  #add(queue: Deferred[], one: Deferred, most: number): void {
    if (queue.length >= Math.min(most, this.#purgeAt.get(queue) ?? PURGE_FROM)) this.#purge(queue)
    if (queue.length >= most) one.fail(this.overloaded(most))
    else queue.push(one)
  }

  /** Lets go of what was given up meanwhile: it is no matter of any bound, and who hangs may have many such callers. */
  #purge(queue: Deferred[]): void {
    const unwanted: Deferred[] = []
    let kept = 0
    for (const one of queue) {
      if (one.unwanted) unwanted.push(one)
      else queue[kept++] = one
    }
    queue.length = kept
    this.#purgeAt.set(queue, Math.max(PURGE_FROM, 2 * queue.length))
    for (const one of unwanted) one.run()
  }

  /** @param what of which there can be no more: so many messages, or bytes */
  overloaded(most: number, what: 'messages' | 'bytes of messages' = 'messages'): OverloadedError {
    return new OverloadedError(`${most} ${what} wait for loop ${this.#index}; await some before sending more`, {
      thread: this.#index,
    })
  }
}

function isAwaited({ parcel, unwanted }: Deferred): boolean {
  return parcel.chain !== undefined && !unwanted
}
