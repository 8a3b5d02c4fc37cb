// Measuring side by side: in every round each contender has one turn, in an order drawn anew, so that whatever else
// the machine does falls on all of them. A ratio is taken within a round, between neighbours in time, never between
// medians of different moments.
import type { Spread } from './suite.js'

/** No measurement takes so long. */
const MOST_MS = 60_000

/** Something that can be measured once: a rate, a time. Larger or smaller is better, as the caller has it. */
export interface Contender {
  readonly name: string
  measure(): Promise<number>
}

export function spread(rounds: readonly number[]): Spread {
  const sorted = rounds.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)!, rounds }
}

/** `over` / `under`, round by round. */
export function ratio(over: Spread | undefined, under: Spread | undefined): Spread | undefined {
  if (over === undefined || under === undefined) return undefined
  return spread(over.rounds.map((n, round) => n / under.rounds[round]!))
}

/**
 * Measures every contender once per round.
 * @param warm a first round that is not counted: code gets hot, threads come up
 */
export async function sideBySide(
  rounds: number,
  contenders: readonly Contender[],
  warm = true,
): Promise<Map<string, Spread>> {
  const measured = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  for (let round = warm ? -1 : 0; round < rounds; round++) {
    for (const { name, measure } of shuffled(contenders)) {
      const result = await inTime(name, measure)
      if (round >= 0) measured.get(name)!.push(result)
    }
  }
  return new Map([...measured].map(([name, results]) => [name, spread(results)]))
}

/** Ends the bench when a measurement does not end: what is stuck would hold up the way out too. */
async function inTime(name: string, measure: () => Promise<number>): Promise<number> {
  const timer = setTimeout(() => {
    console.error(`\n'${name}' has not ended after ${MOST_MS / 1000} s; the bench stops here`)
    process.exit(1)
  }, MOST_MS)
  try {
    return await measure()
  } finally {
    clearTimeout(timer)
  }
}

export function shuffled<T>(items: readonly T[]): T[] {
  const result = [...items]
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    const held = result[i]!
    result[i] = result[j]!
    result[j] = held
  }
  return result
}
