// Cancel flags: one word per call of a loop, readable from every thread, so that a handler in a tight loop sees that
// its caller gave up. The word holds the generation of the call that was cancelled; a slot is used again only after
// the call it served was answered, with a higher generation, so an old flag never speaks for a new call.

/** Calls one loop can have in flight. */
export const MAX_CALLS = 2 ** 18

/** The flags of the calls that one life of one loop has made. */
export class CancelFlags {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array

  constructor(memory = new SharedArrayBuffer(MAX_CALLS * 4)) {
    this.memory = memory
    this.#words = new Int32Array(memory)
  }

  /** Marks a call as cancelled. */
  raise(slot: number, generation: number): void {
    Atomics.store(this.#words, slot, generation) // before the CANCEL frame: who gets the frame first finds the flag
  }

  /** Whether that very call was cancelled. */
  raised(slot: number, generation: number): boolean {
    return Atomics.load(this.#words, slot) === generation // seen by the next load, without any event
  }
}
