// The recycler gives a thread whose heap is full a new life, with its agents and their state. What it keeps: one thread
// moves at a time, and never while somebody saves, loads or registers, but after those who came before it; what others
// send to it waits with them, in order; a move that cannot be made in time is called off and leaves everything as it was.
// Nothing waits for a move that waits for a third thread to come by, or for who waits for the move.
import type { MessageChannel, MessagePort } from 'node:worker_threads'
import * as Comlink from 'comlink'
import { textOf } from '../agent/errors.js'
import { type EventLoop, within } from '../loop/base/event-loop.js'
import type { Heap } from '../loop/base/reports.js'
import { HeapWatch } from '../loop/control/heap.js'
import type { Orders } from '../loop/control/orders.js'
import type { Observer } from '../observe/observer.js'
import type { ThreadLife } from './executor.js'
import { type Mesh, ThreadHandle } from './mesh.js'
import type { Verdict } from './supervisor.js'
import { Turnstile } from './turnstile.js'

/** How long the turns of a thread may take to end, while what is sent to it waits; and before that, the orders at work. */
const SETTLE_MS = 2_000
/** How long it is not tried again after that was not enough, however often the heap is said to be full. */
const AGAIN_MS = 10_000
const MB = 2 ** 20

/** What the recycler needs of its coordinator. */
export interface RecyclerHost {
  readonly mesh: Mesh
  readonly observer: Observer
  readonly eventLoop: EventLoop
  now(): number
  channel(): MessageChannel
  /** When the next life of a loop is there, or could not begin. */
  replaced(index: number): Promise<void>
  /** Charges the supervisor with the end of a thread. */
  charge(index: number): Verdict
  /** Whoever waits for all to be idle is to look. */
  settled(): void
}

/** What a life has left for the next one. */
interface Left {
  readonly thread: ThreadLife
  readonly port: MessagePort
  readonly heap: Heap
  readonly moved: number
  readonly active: readonly string[]
}

/** Why the agents of a thread cannot move: now, or at all. */
interface Stays {
  readonly why: string
  readonly never?: boolean
}

/** Recycles threads. */
export class Recycler {
  readonly #host: RecyclerHost
  readonly #turnstile: Turnstile
  /** By loop: heaps that are full, whose move waits for its turn. */
  readonly #full = new Map<number, { readonly life: number; readonly heap: Heap }>()
  /** By life: when it may be tried again. */
  readonly #resting = new Map<ThreadLife, number>()
  readonly #left = new Map<number, Left>()
  #ended = false
  /** Threads that were recycled. */
  recycled = 0

  constructor(host: RecyclerHost) {
    this.#host = host
    this.#turnstile = new Turnstile(host.eventLoop, SETTLE_MS)
  }

  /** Whether agents are moving. */
  get busy(): boolean {
    return this.#turnstile.state === 'alone'
  }

  /** Runs work that must not meet a move. */
  undisturbed<T>(work: () => Promise<T>): Promise<T> {
    return this.#turnstile.share(work)
  }

  /** The heap of a thread is full. */
  full(index: number, life: number, heap: Heap): void {
    if (this.#ended || this.#movable(index, life) === undefined) return
    const waits = this.#full.has(index)
    this.#full.set(index, { life, heap })
    if (!waits) void this.#takeTurn(index)
  }

  /** Whether that life ended because its agents move. */
  hasLeft(thread: ThreadLife): boolean {
    this.#resting.delete(thread)
    return this.#left.get(thread.index)?.thread === thread
  }

  /** Gives a new life what the one before has left, before it is joined. @returns what is to be done once it is */
  async moveIn(loop: ThreadHandle): Promise<(() => Promise<void>) | undefined> {
    const left = this.#left.get(loop.index)
    if (left === undefined) return undefined
    this.#left.delete(loop.index)
    const { port, active, moved, heap } = left
    const now = await loop.order(control => control.moveIn(Comlink.transfer(port, [port as never])))
    this.recycled++
    const little = now !== undefined && HeapWatch.isLittle(heap, now)
    const freed = now === undefined ? '' : ` of ${megabytes(heap.used)} MB, ${megabytes(now.used)} MB are left;`
    const why = little ? '; that is little: their state fills the heap' : ''
    this.#host.observer.recycle(`thread ${loop.index} was recycled:${freed} ${moved} agents moved${why}`)
    if (little && this.#host.charge(loop.index).forGood) loop.thread.kill('the state of its agents fills its heap')
    return () => loop.order(control => control.rouse(active))
  }

  end(): void {
    this.#ended = true
    this.#full.clear()
    for (const { port } of this.#left.values()) port.close()
    this.#left.clear()
  }

  /** The loop, if that life of it is there and its move was not called off a moment ago. */
  #movable(index: number, life: number): ThreadHandle | undefined {
    const loop = this.#host.mesh.get(index)
    if (!(loop instanceof ThreadHandle) || loop.life !== life) return undefined
    return this.#host.now() < (this.#resting.get(loop.thread) ?? 0) ? undefined : loop
  }

  async #takeTurn(index: number): Promise<void> {
    /** Looked up only when it is its turn: much may have happened since it came. */
    const take = (): { readonly loop: ThreadHandle; readonly heap: Heap } | undefined => {
      const full = this.#full.get(index)
      this.#full.delete(index)
      const loop = full && this.#movable(index, full.life)
      return loop && { loop, heap: full.heap }
    }
    const moved = await this.#turnstile.alone(async () => {
      const taken = take()
      if (taken !== undefined) await this.#recycle(taken.loop, taken.heap)
    })
    const late = moved ? undefined : take()
    if (late !== undefined) this.#callOff(late.loop, { why: 'orders to agents are still at work' })
    this.#host.settled()
  }

  async #recycle(loop: ThreadHandle, heap: Heap): Promise<void> {
    const { thread } = loop
    const left = await this.#leave(loop).catch((error): Stays => ({ why: textOf(error) }))
    if ('why' in left) {
      if (thread.over) return // it ended of itself: that is told of, and what is held goes to its next life
      void this.#others(loop, control => control.release(loop.index, loop.life))
      void loop.order(control => control.stay()).catch(() => {})
      return this.#callOff(loop, left)
    }
    if (this.#ended) return left.port.close()
    this.#left.set(loop.index, { thread, heap, ...left })
    thread.kill('it was recycled')
    await thread.ended
    await this.#host.replaced(loop.index)
  }

  #callOff({ thread }: ThreadHandle, { why, never }: Stays): void {
    this.#resting.set(thread, never === true ? Number.POSITIVE_INFINITY : this.#host.now() + AGAIN_MS)
    this.#host.observer.recycle(`thread ${thread.index} has a full heap and was not recycled: ${why}`)
  }

  async #leave(loop: ThreadHandle): Promise<Pick<Left, 'port' | 'moved' | 'active'> | Stays> {
    const never = await loop.order(control => control.weigh())
    if (never !== undefined) return { why: never, never: true }
    // While one of them is busy the others are to hold nothing back: first see who comes by, by an order that changes nothing.
    await this.#inTime(SETTLE_MS, loop, control => control.release(loop.index, loop.life))
    const end = this.#host.now() + SETTLE_MS
    const hold = (all: boolean): Promise<boolean[]> =>
      this.#inTime(end - this.#host.now(), loop, control => control.hold(loop.index, loop.life, all))
    for (let left = SETTLE_MS; left > 0; left = end - this.#host.now()) {
      await hold(false)
      const ms = left
      const why = await loop.order(control => control.settle(ms))
      if (why !== undefined) return { why }
      const gone = await this.#depart(loop, () => hold(true))
      if (gone !== 'busy') return gone
    }
    return { why: 'it did not come to rest' }
  }

  /** Has a loop hand over its agents, if nothing comes to it any more and it has nothing left to do. */
  async #depart(
    loop: ThreadHandle,
    hold: () => Promise<boolean[]>,
  ): Promise<Pick<Left, 'port' | 'moved' | 'active'> | Stays | 'busy'> {
    const { mesh, channel } = this.#host
    let left = false
    mesh.part(loop) // who begins from here on would not hear that it is to hold what it has for this loop
    try {
      if (!(await hold()).every(Boolean)) return 'busy'
      const { port1, port2 } = channel() // what is left waits in it; the calling loop never reads it
      const leaving = await loop
        .order(control => control.leave(Comlink.transfer(port1, [port1 as never])))
        .catch((error): Stays => ({ why: textOf(error) })) // its thread ended
      if (leaving !== 'busy' && 'moved' in leaving) {
        left = true
        return { ...leaving, port: port2 }
      }
      port2.close()
      return leaving
    } finally {
      if (!left) mesh.stays(loop)
    }
  }

  /** {@link #others}, within `ms`: a thread may be busy for long, or for ever. @throws Error that names who did not come by */
  async #inTime<T>(ms: number, loop: ThreadHandle, give: (control: Orders) => Promise<T> | T): Promise<T[]> {
    const busy = new Set<number>()
    const all = this.#others(loop, give, busy)
    if (!(await within(this.#host.eventLoop, ms, all))) {
      throw new Error(`thread ${[...busy].join(', ')} did not come back to its event loop`)
    }
    return all
  }

  /**
   * Gives an order to all other loops; one that ends meanwhile knows nothing of this life any more.
   * @param busy has those in it that have not carried it out
   */
  async #others<T>(
    loop: ThreadHandle,
    give: (control: Orders) => Promise<T> | T,
    busy = new Set<number>(),
  ): Promise<T[]> {
    const others = this.#host.mesh.loops.filter(other => other !== loop)
    for (const { index } of others) busy.add(index)
    const done = await Promise.allSettled(
      others.map(other => other.order(give).finally(() => busy.delete(other.index))),
    )
    return done.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
  }
}

function megabytes(bytes: number): string {
  return (bytes / MB).toFixed(0)
}
