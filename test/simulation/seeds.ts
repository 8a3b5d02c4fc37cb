// The runs that are given by a number alone. They are in two files (wide.test.ts has the others), to use two cores.
import { it } from 'vitest'
import { type Run, simulate } from './scenario.js'

export const only = process.env.RINGREEVE_SEED === undefined ? undefined : Number(process.env.RINGREEVE_SEED)
/** Whether the seed that runs alone is of a wide run. */
export const alone = process.env.RINGREEVE_WIDE === '1'
/** Whether all of it is to run. */
export const all = process.env.RINGREEVE_SEEDS !== undefined
const seeds = Number(process.env.RINGREEVE_SEEDS ?? 60)
/** What so many seeds may take on a machine that does a tenth of what this one should. */
const timeout = 120_000 + seeds * 400

export function check(seed: number, { wrong }: Run, wide: boolean): void {
  const which = `RINGREEVE_SEED=${seed}${wide ? ' RINGREEVE_WIDE=1' : ''}`
  if (wrong.length > 0) throw new Error(`${which}: ${wrong.slice(0, 5).join('; ')}`)
}

export function theBooksBalance(wide: boolean): void {
  const what = wide ? 'in wide runs' : 'in mixed traffic'
  it.skipIf(only !== undefined)(`the books balance ${what}, ${seeds} seeds`, { timeout }, async () => {
    const sum = { steps: 0, messages: 0, crashes: 0 }
    for (let seed = 1; seed <= seeds; seed++) {
      const run = await simulate({ seed, wide })
      check(seed, run, wide)
      sum.steps += run.steps
      sum.messages += run.messages
      sum.crashes += run.crashes
    }
    process.stdout.write(`simulation: ${seeds} seeds ${what}, ${JSON.stringify(sum)}\n`)
  })
}
