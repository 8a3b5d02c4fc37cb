// Who waits for frames of another loop, and in which slot. What it keeps: each settles once; a slot is held until the other
// loop has answered, even when its waiter gave up before: only then can the slot's number mean another.
//
//   stage     means                                            goes to
//   new       it was asked for, and nothing has left           held, queued, settled
//   held      it waits here for a way, or for a full mailbox   queued, settled
//   queued    its frame was given to the lane                  in ring, settled
//   in ring   its frame is in the ring, at `position`          settled
//   settled   its outcome is known                             –
import { OverloadedError } from '../../agent/errors.js'
import { MAX_CALLS } from '../../sync/cancel.js'

const order = ['new', 'held', 'queued', 'in ring', 'settled'] as const
/** A stage of a waiter. */
export type WaiterStage = (typeof order)[number]

/** What each stage may go to. */
export const waiterStages: Readonly<Record<WaiterStage, readonly WaiterStage[]>> = {
  new: ['held', 'queued', 'settled'],
  held: ['queued', 'settled'],
  queued: ['in ring', 'settled'],
  'in ring': ['settled'],
  settled: [],
}

const NEW = 0
const HELD = 1
const QUEUED = 2
const IN_RING = 3
const SETTLED = 4
type Stage = typeof NEW | typeof HELD | typeof QUEUED | typeof IN_RING | typeof SETTLED
/** By stage: one bit for each that it may go to. */
const next = order.map(stage => waiterStages[stage].reduce((bits, one) => bits | (1 << order.indexOf(one)), 0))

/** Somebody who waits for another loop. */
export abstract class Waiter {
  /** Who is asked, and for what: for the error when nobody answers. */
  abstract readonly agent: string
  abstract readonly name: string
  #stage: Stage = NEW
  /** The loop that is asked, and which life of it, once its frame was given to a lane. */
  #peer = -1
  #life = 0
  #position = -1
  /** Given by {@link CallTable}. */
  slot = -1
  generation = 0

  get stage(): WaiterStage {
    return order[this.#stage] as WaiterStage
  }

  #to(stage: Stage): void {
    if (((next[this.#stage] as number) & (1 << stage)) === 0)
      throw new Error(`what waits for ${this.agent} is ${this.stage} and cannot become ${order[stage]}`)
    this.#stage = stage
  }

  /** It waits here before it can be asked. */
  hold(): void {
    if (this.#stage !== HELD) this.#to(HELD)
  }

  /** Its frame is given to the lane of that life. */
  ask(peer: number, life: number): void {
    this.#to(QUEUED)
    this.#peer = peer
    this.#life = life
  }

  /** Its frame is in the ring, and the ring's position behind it; undefined: it never will be. */
  wrote(position: number | undefined): void {
    if (position === undefined) return
    this.#position = position
    if (this.#stage !== SETTLED) this.#to(IN_RING)
  }

  /** Its outcome is known. @returns false when it was known before */
  protected settle(): boolean {
    if (this.#stage === SETTLED) return false
    this.#to(SETTLED)
    return true
  }

  get settled(): boolean {
    return this.#stage === SETTLED
  }

  /** The loop that is asked; -1 before. */
  get peer(): number {
    return this.#peer
  }

  get life(): number {
    return this.#life
  }

  /** Ring position behind its frame; -1 until it was written. */
  get position(): number {
    return this.#position
  }

  /** It gets no answer. */
  abstract reject(error: unknown): void
}

/** The waiters of one loop, by slot. */
export class CallTable<W extends Waiter> {
  readonly #entries: (W | undefined)[] = []
  readonly #generations: number[] = []
  readonly #free: number[] = []

  /** Gives a waiter its slot. @throws OverloadedError when all are taken */
  add(waiter: W): void {
    let slot = this.#free.pop()
    if (slot === undefined) {
      slot = this.#entries.length
      if (slot >= MAX_CALLS) {
        throw new OverloadedError(`${MAX_CALLS} calls are in flight from one loop; await some before sending more`)
      }
      this.#entries.push(undefined)
      this.#generations.push(0)
    }
    const generation = ((this.#generations[slot] as number) + 1) | 0 || 1 // 0 is what a flag says that was never raised
    this.#generations[slot] = generation
    this.#entries[slot] = waiter
    waiter.slot = slot
    waiter.generation = generation
  }

  /** Whether nobody waits. */
  get empty(): boolean {
    return this.#free.length === this.#entries.length
  }

  /** Whether the waiter still waits; else its slot may be another's. */
  has(waiter: W): boolean {
    return this.#entries[waiter.slot] === waiter
  }

  /** Takes the waiter out, so that its slot can serve another. Undefined if the frame is for one that is gone. */
  take(slot: number, generation: number): W | undefined {
    const waiter = this.#entries[slot]
    if (waiter === undefined || waiter.generation !== generation) return undefined
    this.#entries[slot] = undefined
    this.#free.push(slot)
    return waiter
  }

  /** Some that wait for a loop. */
  of(peer: number, most: number): W[] {
    return (this.#entries.filter(waiter => waiter?.peer === peer) as W[]).slice(0, most)
  }

  /** Takes out all that wait for one life of a loop. */
  takeAll(peer: number, life: number): W[] {
    const all = this.#entries.filter(waiter => waiter?.peer === peer && waiter.life === life) as W[]
    for (const waiter of all) this.take(waiter.slot, waiter.generation)
    return all
  }

  /** Takes out everything. */
  clear(): W[] {
    const all = this.#entries.filter(waiter => waiter !== undefined) as W[]
    for (const waiter of all) this.take(waiter.slot, waiter.generation)
    return all
  }
}
