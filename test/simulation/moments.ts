// The moments between two steps of shared memory: every Atomics call is one. At each, another thread may have an event
// of its own; after each that writes, and wherever else a thread does something that others can see, the thread may end.
// What it writes after it ended is taken back when its event is over, so the others find what a real end would have left.
import type { SimThread, World } from './world.js'

const real = { ...atomics() }

function atomics(): Pick<typeof Atomics, 'load' | 'store' | 'exchange' | 'compareExchange'> {
  const { load, store, exchange, compareExchange } = Atomics
  return { load, store, exchange, compareExchange }
}

type Words = Int32Array<SharedArrayBuffer>

/** Sees every step of shared memory while it is installed. */
export class Moments {
  readonly #world: World
  /** The thread whose code runs; undefined: nobody's, or one cannot say whose. */
  #current: SimThread | undefined
  /** The thread that alone has this step. */
  #alone: SimThread | undefined
  #rude = false
  #depth = 0
  #countdown = 0
  /** The thread that is to end, and after how many more things. */
  #doomed: { readonly thread: SimThread; left: number; readonly die: () => void } | undefined
  #undo: { readonly words: Words; readonly index: number; readonly value: number }[] | undefined
  /** How often each thread did something that others can see, in steps that it had alone. */
  readonly counts = new Map<SimThread, number>()

  constructor(world: World) {
    this.#world = world
  }

  /** From now on `Atomics` is ours. */
  install(): Disposable {
    const write =
      <Rest extends number[]>(step: (words: Words, index: number, ...rest: Rest) => number) =>
      (words: Words, index: number, ...rest: Rest): number => {
        this.#between()
        this.#undo?.push({ words, index, value: real.load(words, index) })
        const result = step(words, index, ...rest)
        this.mark()
        return result
      }
    const replaced = {
      load: (words: Words, index: number) => {
        this.#between()
        return real.load(words, index)
      },
      store: write<[number]>(real.store),
      exchange: write<[number]>(real.exchange),
      compareExchange: write<[number, number]>(real.compareExchange),
    }
    Object.assign(Atomics, replaced)
    return { [Symbol.dispose]: () => Object.assign(Atomics, real) }
  }

  /** A thread is to end when it has done so many more things that others can see, in a step that it has alone. */
  doom(thread: SimThread, left: number, die: () => void): void {
    this.#doomed = { thread, left, die }
  }

  begin(): void {
    const { pace, below } = this.#world
    this.#rude = this.#doomed === undefined && pace.rudeness > 0 && below(pace.rudeness) === 0
    this.#countdown = this.#rude ? 1 + below(40) : 0
    this.#alone = undefined
  }

  enter(thread: SimThread): SimThread | undefined {
    const before = this.#current
    this.#current = thread
    this.#depth++
    if (!this.#rude) this.#alone = thread
    return before
  }

  leave(before: SimThread | undefined): void {
    this.#depth--
    this.#current = before
  }

  /** All that a step led to is done. */
  end(): void {
    const undo = this.#undo
    this.#undo = undefined
    this.#alone = undefined
    for (const { words, index, value } of undo?.reverse() ?? []) real.store(words, index, value)
  }

  /** A thread ended: if it is the one at work, what it does now is taken back. */
  died(thread: SimThread): void {
    if (this.#doomed?.thread === thread) this.#doomed = undefined
    if (this.#alone === thread) this.#undo ??= []
  }

  /** The thread at work has done something that others can see: it may end here. */
  mark(): void {
    const thread = this.#alone
    if (thread === undefined || this.#undo !== undefined) return
    this.counts.set(thread, (this.counts.get(thread) ?? 0) + 1)
    const doomed = this.#doomed
    if (doomed?.thread === thread && --doomed.left <= 0) doomed.die()
  }

  /** Another thread may do something now. */
  #between(): void {
    if (!this.#rude || this.#current === undefined || this.#depth > 3 || --this.#countdown !== 0) return
    const { below, steps } = this.#world
    this.#world.event(steps)
    this.#countdown = 1 + below(40)
  }
}
