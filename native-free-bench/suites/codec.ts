// Shows what a body costs on its way through the codec, one encode and one decode, beside `@msgpack/msgpack` as it comes,
// the two quickest others (without their native parts), JSON, v8 and structuredClone. In one thread, so tinybench
// measures it.
import { deserialize, serialize } from 'node:v8'
import { Decoder, Encoder } from '@msgpack/msgpack'
import { Bench } from 'tinybench'
import { bodyOf, putBody } from '#ringreeve/transport/body.js'
import { Codec } from '#ringreeve/transport/codec.js'
import { Shape } from '#ringreeve/transport/shapes.js'
import { Source } from '#ringreeve/transport/source.js'
import { ratio, shuffled, spread } from '../parts/rounds.js'
import type { Settings, Spread, Suite, Table } from '../parts/suite.js'

// both look at this when they are loaded
process.env.CBOR_NATIVE_ACCELERATION_DISABLED = 'true'
process.env.MSGPACKR_NATIVE_ACCELERATION_DISABLED = 'true'
const { Packr } = await import('msgpackr')
const cbor = await import('cbor-x')

/** Values per sample: one alone is too quick for the clock. */
const BATCH = 50

const RING_BYTES = 256 * 1024

const row = (n: number) => ({ id: n, name: `row number ${n}`, score: n * 1.5, tags: ['one', 'two'], done: n % 2 === 0 })
const values: Readonly<Record<string, unknown>> = {
  'a number': 42,
  '5 fields, 100 B': { id: 1_234_567, name: 'a small message', score: 2.5, kind: 'measurement', done: true },
  '20 objects, 1.5 KB': Array.from({ length: 20 }, (_, n) => row(n)),
  'text, 4 KB': 'a line of text. '.repeat(256),
  'bytes, 64 KB': new Uint8Array(65_536).fill(7),
}

type Way = (value: unknown) => unknown

function ways(): Readonly<Record<string, Way>> {
  const codec = new Codec()
  const shapes: Shape[] = []
  let source = new Source(new Uint8Array(0), shapes)
  const ring = new Source(new Uint8Array(new SharedArrayBuffer(RING_BYTES)), shapes)
  const body = bodyOf(undefined)
  const encoder = new Encoder()
  const decoder = new Decoder()
  const packr = new Packr({ useRecords: true, structures: [] })
  const cborEncoder = new cbor.Encoder({ useRecords: true, structures: [] })
  return {
    ours(value) {
      codec.encode(value, body)
      // what a lane does once for each new shape, and a ring never needs: its memory stays where it is
      while (shapes.length < body.shapes) shapes.push(new Shape(codec.book.text(shapes.length)))
      const bytes = body.bytes as Uint8Array
      if (body.binaries.length > 0) {
        // what a lane does with them: they are not copied before
        putBody(body, ring.words, ring.bytes, 0)
        return codec.decode(ring, 0, body.length, true)
      }
      if (source.bytes.buffer !== bytes.buffer) source = new Source(bytes, shapes)
      return codec.decode(source, 0, body.length, false)
    },
    '@msgpack/msgpack': value => decoder.decode(encoder.encode(value)),
    msgpackr: value => packr.unpack(packr.pack(value)),
    'cbor-x': value => cborEncoder.decode(cborEncoder.encode(value)),
    JSON: value => JSON.parse(JSON.stringify(value)),
    v8: value => deserialize(serialize(value)),
    structuredClone: value => structuredClone(value),
  }
}

async function micros(way: Way, value: unknown, ms: number): Promise<number> {
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
    'Time to write a value and read it again, in microseconds. msgpackr and cbor-x use records, without their native parts.',
  async run({ rounds, ms }: Settings, say): Promise<Table[]> {
    const all = ways()
    const names = Object.keys(all)
    const took = new Map<string, Map<string, Spread>>()
    for (const [name, value] of Object.entries(values)) {
      say(name)
      const rates = new Map<string, number[]>(names.map(way => [way, []]))
      for (let round = 0; round < rounds; round++) {
        for (const way of shuffled(names)) {
          if (way === 'JSON' && value instanceof Uint8Array) continue // it cannot
          rates.get(way)!.push(await micros(all[way]!, value, ms / 5))
        }
      }
      took.set(name, new Map([...rates].filter(([, n]) => n.length > 0).map(([way, n]) => [way, spread(n)])))
    }
    const columns = (unit: 'micros' | 'ratio') =>
      Object.keys(values).map((name, n) => ({ key: `v${n}`, head: name, unit }) as const)
    const row = (way: string, value: (of: Map<string, Spread>) => Spread | number | undefined) => ({
      way,
      ...Object.fromEntries([...took.values()].map((of, n) => [`v${n}`, value(of)])),
    })
    return [
      {
        title: 'One value written and read again',
        columns: [{ key: 'way', head: '', unit: 'text' }, ...columns('micros')],
        rows: names.map(way => row(way, of => of.get(way)?.median)),
        notes: [],
        chart: {
          kind: 'bars',
          name: 'codec',
          title: 'One value written and read again',
          y: { label: 'µs to write and read', log: true },
          categories: [...took.keys()],
          series: names.map(name => ({ name, values: [...took.values()].map(of => of.get(name)) })),
        },
      },
      {
        title: 'The other over ours: above 1, ours is quicker',
        columns: [{ key: 'way', head: '', unit: 'text' }, ...columns('ratio')],
        rows: names.filter(way => way !== 'ours').map(way => row(way, of => ratio(of.get(way), of.get('ours')))),
        notes: [],
      },
    ]
  },
}
