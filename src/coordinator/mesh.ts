// The mesh: every loop, in its present life, joined to every other. Links are made here and handed to both ends; no
// message between two threads ever comes by.
import type { MessageChannel } from 'node:worker_threads'
import * as Comlink from 'comlink'
import { ThreadLostError } from '../agent/errors.js'
import type { Orders } from '../loop/control/orders.js'
import type { CancelFlags } from '../sync/cancel.js'
import { sharedMemory } from '../sync/pool.js'
import type { Status } from '../sync/status.js'
import type { LinkParts } from '../transport/link.js'
import { createRing, RingGauge } from '../transport/ring.js'
import type { ThreadLife } from './executor.js'
import { Leases } from './leases.js'

/** Orders to a loop, the same for the host's (direct) and a thread's (raced with its end). */
export interface LoopHandle {
  readonly index: number
  readonly life: number
  readonly status: Status
  readonly flags: CancelFlags
  order<T>(work: (control: Orders) => Promise<T> | T): Promise<T>
}

/** The calling loop, which takes orders directly. */
export class HostHandle implements LoopHandle {
  readonly index = 0
  readonly life = 0
  readonly status: Status
  readonly flags: CancelFlags
  readonly #control: Orders

  constructor(control: Orders, status: Status, flags: CancelFlags) {
    this.#control = control
    this.status = status
    this.flags = flags
  }

  async order<T>(work: (control: Orders) => Promise<T> | T): Promise<T> {
    return await work(this.#control)
  }
}

/** A thread's loop, which takes orders over Comlink. */
export class ThreadHandle implements LoopHandle {
  readonly thread: ThreadLife
  constructor(thread: ThreadLife) {
    this.thread = thread
  }
  get index(): number {
    return this.thread.index
  }
  get life(): number {
    return this.thread.life
  }
  get status(): Status {
    return this.thread.status
  }
  get flags(): CancelFlags {
    return this.thread.flags
  }
  order<T>(work: (control: Orders) => Promise<T> | T): Promise<T> {
    return this.thread.order(work)
  }
}

/** Who begins while nobody may be joined to a loop. */
interface Newcomer {
  readonly loop: LoopHandle
  readonly refused: (error: unknown) => void
}

/** All loops and the links between them. */
export class Mesh {
  readonly #ringBytes: number
  readonly #channel: () => MessageChannel
  readonly #loops = new Map<number, LoopHandle>()
  readonly #gauges = new Map<string, readonly RingGauge[]>()
  /** Loops that may be about to leave, each with those that are to be joined to it if it stays. */
  readonly #parting = new Map<LoopHandle, Newcomer[]>()
  readonly #leases = new Leases<LoopHandle>(sharedMemory)

  constructor(ringBytes: number, channel: () => MessageChannel) {
    this.#ringBytes = ringBytes
    this.#channel = channel
  }

  get loops(): readonly LoopHandle[] {
    return [...this.#loops.values()]
  }

  get gauges(): readonly RingGauge[] {
    return [...this.#gauges.values()].flat()
  }

  get(index: number): LoopHandle | undefined {
    return this.#loops.get(index)
  }

  /** Gives an order to every loop; one whose thread ends meanwhile gets what it missed when it is replaced. */
  async everywhere(give: (loop: LoopHandle) => Promise<unknown>): Promise<void> {
    const lost = (error: unknown): void => {
      if (!(error instanceof ThreadLostError)) throw error
    }
    await Promise.all(this.loops.map(loop => give(loop).catch(lost)))
  }

  /**
   * Joins a loop to all others. They hear of it behind all that they were told before, and nobody waits for that: one that
   * does not come by may never hear of it.
   * @param refused told when one of them could not be joined to it
   * @returns when the loop itself is joined to all
   */
  async join(loop: LoopHandle, refused: (error: unknown) => void): Promise<void> {
    const others = this.loops
    this.#loops.set(loop.index, loop)
    this.#leases.grant([loop.flags.memory], loop)
    const free = others.filter(other => !this.#parting.has(other))
    for (const newcomers of this.#parting.values()) newcomers.push({ loop, refused })
    await Promise.all(free.map(other => this.#connect(loop, other, refused)))
  }

  /**
   * Nobody is joined to a loop from now on: it may be about to leave, and what came to it later would be lost with it. What
   * a loop that begins has for it waits there, for its next life or until it {@link stays}.
   */
  part(loop: LoopHandle): void {
    this.#parting.set(loop, [])
  }

  /** The loop does not leave: who began meanwhile is joined to it. */
  stays(loop: LoopHandle): void {
    const newcomers = this.#parting.get(loop) ?? []
    this.#parting.delete(loop)
    for (const { loop: one, refused } of newcomers) {
      const there = [one, loop].every(end => this.#loops.get(end.index) === end)
      if (there) this.#connect(one, loop, refused).catch(error => unlessLost(error, refused))
    }
  }

  /** Forgets a loop and its rings. Its links at the other ends are for {@link Orders.detach}. */
  remove(loop: LoopHandle): void {
    if (this.#loops.get(loop.index) === loop) this.#loops.delete(loop.index)
    this.#parting.delete(loop)
    for (const key of this.#gauges.keys()) {
      if (key.split(' ').includes(`${loop.index}.${loop.life}`)) this.#gauges.delete(key)
    }
  }

  /**
   * A loop has detached from `other`, or (without `other`) is gone: it cannot reach the memory it shared. Not before
   * {@link remove}, since the gauges look at that memory too.
   */
  letGo(loop: LoopHandle, other?: LoopHandle): void {
    this.#leases.letGo(loop, other)
  }

  /** @returns when `a` is joined to `b` */
  #connect(a: LoopHandle, b: LoopHandle, refused: (error: unknown) => void): Promise<void> {
    const ring = () => createRing(this.#ringBytes)
    const ab = { work: ring(), answers: ring() }
    const ba = { work: ring(), answers: ring() }
    const rings = [ab.work, ab.answers, ba.work, ba.answers]
    this.#leases.grant([...rings, a.flags.memory, b.flags.memory], a, b)
    this.#gauges.set(
      `${a.index}.${a.life} ${b.index}.${b.life}`,
      rings.map(memory => new RingGauge(memory)),
    )
    const { port1, port2 } = this.#channel()
    const parts = (other: LoopHandle, out: typeof ab, incoming: typeof ab, port: LinkParts['port']): LinkParts => ({
      peer: other.index,
      life: other.life,
      work: { out: out.work, in: incoming.work },
      answers: { out: out.answers, in: incoming.answers },
      port,
      status: other.status.memory,
      flags: other.flags.memory,
    })
    attach(b, parts(a, ba, ab, port2)).catch(error => unlessLost(error, refused))
    return attach(a, parts(b, ab, ba, port1))
  }
}

/** That one ended meanwhile is its own affair, and no reason for the other not to begin. */
function unlessLost(error: unknown, refused: (error: unknown) => void): void {
  if (!(error instanceof ThreadLostError)) refused(error)
}

function attach(loop: LoopHandle, parts: LinkParts): Promise<void> {
  return loop.order(control =>
    control.attach(loop.index === 0 ? parts : Comlink.transfer(parts, [parts.port as never])),
  )
}
