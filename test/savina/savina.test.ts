// The programs of the Savina suite, made small, on every engine. Each checks its own answer: counts, order, sums.
import { createRuntime, type Runtime } from 'ringreeve'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { programs } from '../../native-free-bench/savina/all.js'
import { engines } from '../conformance/engines.js'

describe.each(engines)('Savina ($name)', ({ threads }) => {
  let runtime: Runtime
  beforeAll(async () => {
    runtime = await createRuntime({ threads, agents: programs.map(({ module }) => module) })
  })
  afterAll(() => runtime.close())

  it.each(programs)('$name gives the right answer', async program => {
    for (let i = 0; i < 3; i++) await program.run(runtime, 'small', `${i}`)
  })
})
