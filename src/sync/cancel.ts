// Cancel flags: one word per call of a loop, readable from every thread, so that a handler in a tight loop sees that
// its caller gave up. The word holds the generation of the call that was cancelled; a slot is used again only after
// the call it served was answered, with a higher generation, so an old flag never speaks for a new call. One more word
// says how many of the words were ever written, so that the next life wipes these and leaves the others untouched.
import { sharedMemory } from './pool.js'

/** Calls one loop can have in flight. */
export const MAX_CALLS = 2 ** 18
const USED = MAX_CALLS

/** Flags that are all down. */
function lowered(): SharedArrayBuffer {
  const memory = sharedMemory.take((MAX_CALLS + 2) * 4)
  const words = new Int32Array(memory)
  words.fill(0, 0, words[USED] as number) // nobody else has the memory; who gets it gets it by a message, after this
  words[USED] = 0
  return memory
}

/** The flags of the calls that one life of one loop has made. */
export class CancelFlags {
  readonly memory: SharedArrayBuffer
  #words: Int32Array | undefined

  constructor(memory = lowered()) {
    this.memory = memory
    this.#words = new Int32Array(memory)
  }

  /** Marks a call as cancelled. For the loop that made the call. */
  raise(slot: number, generation: number): void {
    const words = this.#words
    if (words === undefined) return
    if (slot >= (words[USED] as number)) Atomics.store(words, USED, slot + 1) // before the flag: it is wiped for sure
    Atomics.store(words, slot, generation) // before the CANCEL frame: who gets the frame first finds the flag
  }

  /** Whether that very call was cancelled. */
  raised(slot: number, generation: number): boolean {
    return this.#words !== undefined && Atomics.load(this.#words, slot) === generation // seen by the next load, without any event
  }

  /** Lets go of the memory, which may soon speak of other calls: turns of a life that is over may outlive it. */
  close(): void {
    this.#words = undefined
  }
}
