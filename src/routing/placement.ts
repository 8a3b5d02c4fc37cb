// Placement: which loops host a type. A type goes to all threads, or to as many as it asks for: those with the fewest
// types of their own so far. The choice is made once, when the type is registered; keys are then dealt
// out, or spread by hash (table.ts).

/** Remembers how many types each thread was chosen for. */
export class Placement {
  readonly #chosen: number[]

  /** @param threads worker threads; loop 0 is the host and hosts only what is given to it as an object */
  constructor(threads: number) {
    this.#chosen = new Array<number>(threads + 1).fill(0)
  }

  /** Loops for a type that is loaded from a module. @param wanted how many; default all */
  place(wanted: number | undefined): readonly number[] {
    const threads = this.#chosen.length - 1
    if (threads === 0) return [0]
    const loops = Array.from({ length: threads }, (_, i) => i + 1)
    if (wanted === undefined || wanted >= threads) return loops
    loops.sort((a, b) => (this.#chosen[a] as number) - (this.#chosen[b] as number) || a - b)
    const chosen = loops.slice(0, wanted).sort((a, b) => a - b)
    for (const loop of chosen) this.#chosen[loop] = (this.#chosen[loop] as number) + 1
    return chosen
  }
}
