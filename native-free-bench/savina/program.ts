// What a program of the Savina suite is (Imam and Sarkar, "Savina: An Actor Benchmark Suite", 2014): agents written
// against the public API, sizes to run them with, and a run that checks its own answer. A run that is not right throws:
// so every measurement is a correctness test under load, and the same programs, made small, run in `npm test`.
//
// Actors send one way. Here that is an event published to a topic that exactly one agent hears: agents of type `ring`
// subscribe to topic type `ring`, so what is published to `ring/7` reaches agent `ring/7`. Where a sender could flood,
// it awaits what it publishes; where a program bounds its own messages in flight, it does not.
import type { Runtime } from 'ringreeve'

/** `published`: as in the paper. `brief`: about a tenth. `small`: for tests. */
export type Size = 'published' | 'brief' | 'small'

/** What was measured of a run that gave the right answer. */
export interface Outcome {
  /** Messages that agents sent; a request and its answer are two. */
  readonly messages: number
  readonly ms: number
}

/** A program whose parameters are nobody else's business. */
export interface Program {
  readonly name: string
  /** Its agents. */
  readonly module: URL
  readonly parameters: (size: Size) => Readonly<Record<string, number>>
  /**
   * Runs it once.
   * @param tag part of every key, so that each run has agents of its own
   * @throws Error when the answer is wrong
   */
  run(runtime: Runtime, size: Size, tag: string): Promise<Outcome>
}

/** Declares a program. `run` resolves with the messages that were sent, and must throw if anything is not as it must be. */
export function program<P extends Readonly<Record<string, number>>>(
  name: string,
  module: string,
  sizes: Readonly<Record<Size, P>>,
  run: (runtime: Runtime, parameters: P, tag: string, clock: Clock) => Promise<number>,
): Program {
  return {
    name,
    module: new URL(module),
    parameters: size => sizes[size],
    async run(runtime, size, tag) {
      const clock = new Clock()
      const messages = await run(runtime, sizes[size], tag, clock)
      return { messages, ms: clock.ms }
    },
  }
}

/** Times the part of a run that counts: neither setting up nor checking. */
export class Clock {
  ms = 0

  async time<T>(work: () => Promise<T>): Promise<T> {
    const began = performance.now()
    const result = await work()
    this.ms += performance.now() - began
    return result
  }
}

/** A promise and its end: how an agent answers a request after other messages have come. */
export class Later<T = void> {
  resolve!: (value: T) => void
  readonly promise = new Promise<T>(resolve => {
    this.resolve = resolve
  })
}

/** @throws Error that says what is wrong */
export function expect(what: string, got: number, wanted: number): void {
  if (got !== wanted) throw new Error(`${what}: ${got}, and it must be ${wanted}`)
}

/** Addresses (and topics) `type/tag.0` to `type/tag.n-1`. */
export function many(type: string, tag: string, n: number): string[] {
  return Array.from({ length: n }, (_, i) => `${type}/${tag}.${i}`)
}

export function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const n of numbers) total += n
  return total
}

/** The next of a row of numbers from 0 to 2^31 - 1 that looks random and is the same every time. */
export function nextRandom(seed: number): number {
  return (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
}

/** Work that costs about as much as the paper's: a few logarithms. The result depends on every round. */
export function work(rounds: number): number {
  let x = 1
  for (let i = 1; i <= rounds; i++) x = Math.log(x + i) + 0.01
  return x
}
