// Shows how the programs of the Savina suite run on the single loop and on threads, each in its published size with
// --full and in about a tenth of it otherwise. Each run checks its own answer, so this is also a test under load.
import { createRuntime, type Runtime } from 'ringreeve'
import { type Contender, ratio, sideBySide } from '../parts/rounds.js'
import type { Settings, Spread, Suite, Table } from '../parts/suite.js'
import { programs } from '../savina/all.js'
import type { Program, Size } from '../savina/program.js'

/**
 * Messages per second of Erlang/OTP 25 with two schedulers on a machine of two cores, measured once, on another day:
 * an order of magnitude to compare with, not a neighbour in time like everything else here.
 */
const erlang: Readonly<Record<string, number>> = {
  PingPong: 2 * 105_000,
  Counting: 9_700_000,
  'Fork-Join Throughput': 4_500_000,
  'Fork-Join Create': 2 * 364_000,
  ThreadRing: 4_300_000,
  Big: 2_100_000,
}

/** Measures messages per second. Every run has agents of its own. */
function contender(name: string, runtime: Runtime, program: Program, size: Size): Contender {
  let runs = 0
  return {
    name,
    measure: async () => {
      const { messages, ms } = await program.run(runtime, size, String(runs++))
      return messages / (ms / 1_000)
    },
  }
}

export const savina: Suite = {
  name: 'savina',
  shows:
    'Messages per second in the programs of the Savina suite, by engine; where a program computes rather than sends, the ' +
    'ratio is what counts. Every run checked its answer.',
  async run({ rounds, threads, quick, full }: Settings, say): Promise<Table[]> {
    const size: Size = full ? 'published' : quick ? 'small' : 'brief'
    const rows: Table['rows'][number][] = []
    for (const program of programs) {
      say(program.name)
      const agents = [program.module]
      await using single = await createRuntime({ threads: 0, agents })
      await using threaded = await createRuntime({ threads, agents })
      const rates = await sideBySide(Math.min(rounds, full ? 3 : 5), [
        contender('single', single, program, size),
        contender('threads', threaded, program, size),
      ])
      const parameters = Object.entries(program.parameters(size)).map(
        ([name, n]) => `${name} ${n.toLocaleString('en')}`,
      )
      rows.push({
        program: program.name,
        parameters: parameters.join(', '),
        single: rates.get('single'),
        threads: rates.get('threads'),
        ratio: ratio(rates.get('threads'), rates.get('single')),
        erlang: erlang[program.name],
      })
    }
    return [
      {
        title: `Messages per second, ${threads} threads, ${size} sizes`,
        columns: [
          { key: 'program', head: 'program', unit: 'text' },
          { key: 'parameters', head: 'parameters', unit: 'text' },
          { key: 'single', head: 'single loop', unit: 'rate' },
          { key: 'threads', head: 'threads', unit: 'rate' },
          { key: 'ratio', head: 'threads / single', unit: 'ratio' },
          { key: 'erlang', head: 'Erlang', unit: 'rate' },
        ],
        rows,
        notes: [
          'Erlang: OTP 25 with two schedulers on a machine of two cores, measured on another day: an order of magnitude, no more.',
        ],
        chart: {
          kind: 'bars',
          name: 'savina',
          title: `Savina, ${size} sizes`,
          y: { label: 'messages per second', log: true },
          categories: rows.map(({ program }) => String(program)),
          series: [
            { name: 'single loop', values: rows.map(row => row.single as Spread) },
            { name: `${threads} threads`, values: rows.map(row => row.threads as Spread) },
            { name: 'Erlang', values: rows.map(row => row.erlang as number | undefined) },
          ],
        },
      },
    ]
  },
}
