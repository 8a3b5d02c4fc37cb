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

  /**
   * Loops for types that are loaded from one module, in their order. Nothing is taken yet.
   * @param wanted of each type, how many; undefined: all
   */
  choose(wanted: readonly (number | undefined)[]): readonly (readonly number[])[] {
    const chosen = [...this.#chosen]
    return wanted.map(many => {
      const loops = chooseFrom(chosen, many)
      count(chosen, loops)
      return loops
    })
  }

  /** A type lives there from now on. */
  take(loops: readonly number[]): void {
    count(this.#chosen, loops)
  }
}

/** What is on all threads weighs nothing: it is no reason to choose another one. */
function count(chosen: number[], loops: readonly number[]): void {
  if (loops.length < chosen.length - 1) for (const loop of loops) chosen[loop] = (chosen[loop] as number) + 1
}

function chooseFrom(chosen: readonly number[], wanted: number | undefined): readonly number[] {
  const threads = chosen.length - 1
  if (threads === 0) return [0]
  const loops = Array.from({ length: threads }, (_, i) => i + 1)
  if (wanted === undefined || wanted >= threads) return loops
  loops.sort((a, b) => (chosen[a] as number) - (chosen[b] as number) || a - b)
  return loops.slice(0, wanted).sort((a, b) => a - b)
}
