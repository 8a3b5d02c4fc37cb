// Shows what a body costs on its way through the general codec, one encode and one decode, beside JSON and the
// structured clone by which MessagePort copies. In one thread, so tinybench measures it.
import { Bench } from 'tinybench'
import { Codec } from '#ringreeve/transport/codec.js'
import { Source } from '#ringreeve/transport/reader.js'
import { Shape } from '#ringreeve/transport/shapes.js'
import { ratio, shuffled, spread } from '../parts/rounds.js'
import type { Settings, Spread, Suite, Table } from '../parts/suite.js'

/** Values per sample: one alone is too quick for the clock. */
const BATCH = 50

const row = (n: number) => ({ id: n, name: `row number ${n}`, score: n * 1.5, tags: ['one', 'two'], done: n % 2 === 0 })
const values: Readonly<Record<string, unknown>> = {
  'a number': 42,
  'small object': row(1),
  '20 objects': Array.from({ length: 20 }, (_, n) => row(n)),
  'text, 4 KB': 'a line of text. '.repeat(256),
  'bytes, 64 KB': new Uint8Array(65_536).fill(7),
}

const codec = new Codec()
const shapes: Shape[] = []
let source = new Source(codec.bytes, shapes)

function throughCodec(value: unknown): unknown {
  const length = codec.encode(value)
  // what a lane does once for each new shape, and a ring never needs: its memory stays where it is
  while (shapes.length < codec.shapes) shapes.push(new Shape(codec.book.text(shapes.length)))
  if (source.bytes.buffer !== codec.bytes.buffer) source = new Source(codec.bytes, shapes)
  return codec.decode(source, 0, length, codec.binary)
}

const ways: readonly (readonly [string, (value: unknown) => unknown])[] = [
  ['codec', throughCodec],
  ['json', value => JSON.parse(JSON.stringify(value))],
  ['clone', value => structuredClone(value)],
]

async function micros(way: (value: unknown) => unknown, value: unknown, ms: number): Promise<number> {
  const bench = new Bench({ time: ms, warmupTime: ms / 4 })
  bench.add('way', () => {
    for (let i = 0; i < BATCH; i++) way(value)
  })
  const [task] = await bench.run()
  const result = task?.result
  if (result?.state !== 'completed') throw new Error('the codec could not be measured', { cause: result })
  return (result.latency.p50 * 1000) / BATCH
}

export const codecSuite: Suite = {
  name: 'codec',
  shows:
    'Time to write a value and read it again, in microseconds. Ratios are the other over the codec: above 1, the codec is quicker.',
  async run({ rounds, ms }: Settings, say): Promise<Table[]> {
    const rows: Table['rows'][number][] = []
    for (const [name, value] of Object.entries(values)) {
      say(name)
      const took = new Map<string, number[]>(ways.map(([way]) => [way, []]))
      for (let round = 0; round < rounds; round++) {
        for (const [way, run] of shuffled(ways)) {
          if (way === 'json' && value instanceof Uint8Array) continue
          took.get(way)!.push(await micros(run, value, ms / 5))
        }
      }
      const of = (way: string): Spread | undefined => (took.get(way)!.length === 0 ? undefined : spread(took.get(way)!))
      rows.push({
        value: name,
        codec: of('codec')?.median,
        json: of('json')?.median,
        overJson: ratio(of('json'), of('codec')),
        clone: of('clone')?.median,
        overClone: ratio(of('clone'), of('codec')),
      })
    }
    return [
      {
        title: 'One value through the codec',
        columns: [
          { key: 'value', head: 'value', unit: 'text' },
          { key: 'codec', head: 'codec', unit: 'micros' },
          { key: 'json', head: 'JSON', unit: 'micros' },
          { key: 'overJson', head: 'JSON / codec', unit: 'ratio' },
          { key: 'clone', head: 'structuredClone', unit: 'micros' },
          { key: 'overClone', head: 'clone / codec', unit: 'ratio' },
        ],
        rows,
        notes: [],
      },
    ]
  },
}
