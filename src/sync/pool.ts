// Shared memory that was used and is free again, by size, for whoever begins next: one pool for the whole process, since
// runtimes come and go. What it keeps: what is in here is nobody's. Whoever gives memory back has seen that no thread and
// no object can still reach it; whoever takes it finds it as it was left, and wipes what must begin at nothing.
//
// Without it each life of a thread leaves megabytes to the garbage collector, which has no reason to hurry: shared
// memory is not on its heap.

/** How much may lie here unused: the rings of seven threads and their host. */
const MOST_BYTES = 32 * 2 ** 20

/** Shared memory to be used again. */
export class MemoryPool {
  readonly #most: number
  readonly #free = new Map<number, SharedArrayBuffer[]>()
  /** Bytes that lie here. */
  bytes = 0
  /** Pieces that were allocated, because none of their size lay here. */
  made = 0

  /** @param most bytes that may lie here; what is given beyond that is left to the garbage collector */
  constructor(most: number) {
    this.#most = most
  }

  /** Memory of that size, with anything in it. */
  take(bytes: number): SharedArrayBuffer {
    const memory = this.#free.get(bytes)?.pop()
    if (memory !== undefined) {
      this.bytes -= bytes
      return memory
    }
    this.made++
    return new SharedArrayBuffer(bytes)
  }

  /** Gives back what nobody can reach any more. */
  give(memory: SharedArrayBuffer): void {
    const { byteLength } = memory
    if (this.bytes + byteLength > this.#most) return
    this.bytes += byteLength
    const free = this.#free.get(byteLength)
    if (free === undefined) this.#free.set(byteLength, [memory])
    else free.push(memory)
  }
}

/** The pool of this process. */
export const sharedMemory = new MemoryPool(MOST_BYTES)
