// Shows how many bodies, and bytes, go one way per second: between two threads and from the host to a thread, by their
// size; as events of agents, and by what one would use instead. Two limits stand beside them: a bare ring that copies
// bytes in and out without any codec, and one copy of memory to memory.
import { Arrivals, Frame, Pump, Where } from '../parts/agents.js'
import { drive } from '../parts/drive.js'
import { engine } from '../parts/engines.js'
import { type Pool, pools } from '../parts/pools.js'
import { type BodyName, bodyBytes, makeBody, pump } from '../parts/pump.js'
import { type Contender, ratio, sideBySide } from '../parts/rounds.js'
import { Streams } from '../parts/streams.js'
import type { Settings, Spread, Suite, Table } from '../parts/suite.js'

const bodies: readonly BodyName[] = ['none', 'small', 64, 256, 4_096, 65_536, 2 ** 20]
const IN_FLIGHT = 64
/** Code on a new thread is cold for half a second. */
const WARM_MS = 500

const named = (body: BodyName): string => {
  if (body === 'none') return 'no body'
  if (body === 'small') return '5 fields'
  return body < 1_024 ? `${body} B` : body < 2 ** 20 ? `${body / 1_024} KB` : `${body / 2 ** 20} MB`
}

/** One copy from shared memory to shared memory, as often as fits: what no way between threads can be faster than. */
function memcpy(body: BodyName, ms: number): number {
  const bytes = Math.max(8, bodyBytes(body))
  const ring = new Uint8Array(new SharedArrayBuffer(Math.max(2 ** 20, 2 * bytes)))
  const from = new Uint8Array(bytes).fill(7)
  const began = performance.now()
  let copies = 0
  let at = 0
  while ((copies & 15) !== 0 || performance.now() - began < ms) {
    ring.set(from, at)
    at = at + 2 * bytes <= ring.length ? at + bytes : 0
    copies++
  }
  return copies / ((performance.now() - began) / 1_000)
}

/** Agents whose source and sink are on different threads. */
async function agents() {
  const runtime = await engine(2)
  const arrived = new Int32Array(new SharedArrayBuffer(4))
  await runtime.send(Arrivals, arrived, 'sink/x')
  const [one, other] = await Promise.all(['source/x', 'sink/x'].map(id => runtime.send(Where, undefined, id)))
  if (one === other) throw new Error('source and sink are on the same thread')
  return {
    between: (body: BodyName, ms: number) => runtime.send(Pump, { body, ms, arrived, to: 'sink/x' }, 'source/x'),
    fromHost: (body: BodyName, ms: number) =>
      pump({ send: value => runtime.publish(Frame, value, { topic: 'sink/x' }) }, { body, ms, arrived }),
    [Symbol.asyncDispose]: () => runtime.close(),
  }
}

export const transport: Suite = {
  name: 'transport',
  shows:
    'Bodies and bytes per second, one way. Senders are held back by what has arrived, so nothing is counted that is ' +
    'merely queued. Pools are called with 64 calls in flight, each answered with nothing.',
  async run(settings: Settings, say): Promise<Table[]> {
    const tables: Table[] = []
    {
      await using ours = await agents()
      await using ports = await Streams.start('thread')
      const between = (body: BodyName, ms: number): Contender[] => [
        { name: 'agents', measure: () => ours.between(body, ms) },
        { name: 'postMessage', measure: () => ports.between('port', body, ms) },
        { name: 'postMessage, arrays of 64', measure: () => ports.between('array', body, ms) },
        { name: 'BroadcastChannel', measure: () => ports.between('broadcast', body, ms) },
        { name: 'bare ring', measure: () => ports.ring(body, ms) },
        { name: 'memcpy', measure: async () => memcpy(body, ms) },
      ]
      tables.push(...(await measure('thread to thread', between, settings, say)))
    }
    await using ours = await agents()
    await using ports = await Streams.start('host')
    const others = pools()
    try {
      const fromHost = (body: BodyName, ms: number): Contender[] => [
        { name: 'agents', measure: () => ours.fromHost(body, ms) },
        { name: 'postMessage', measure: () => ports.fromHost('port', body, ms) },
        { name: 'postMessage, arrays of 64', measure: () => ports.fromHost('array', body, ms) },
        { name: 'BroadcastChannel', measure: () => ports.fromHost('broadcast', body, ms) },
        ...others.map(pool => ({ name: pool.name, measure: () => called(pool, body, ms) })),
      ]
      tables.push(...(await measure('host to thread', fromHost, settings, say)))
    } finally {
      await Promise.all(others.map(pool => pool[Symbol.asyncDispose]()))
    }
    return tables
  },
}

async function called(pool: Pool, body: BodyName, ms: number): Promise<number> {
  const value = makeBody(body)
  // so much is copied at once that more in flight would only fill the memory
  const inFlight = bodyBytes(body) >= 65_536 ? 8 : IN_FLIGHT
  return (await drive(() => pool.run(value), { ms, inFlight })).rate
}

async function measure(
  path: string,
  contenders: (body: BodyName, ms: number) => Contender[],
  { rounds, ms, quick, full }: Settings,
  say: (progress: string) => void,
): Promise<Table[]> {
  const measured = new Map<BodyName, Map<string, Spread>>()
  say(`${path}, warming up`)
  for (const { measure } of contenders('small', quick ? WARM_MS / 5 : WARM_MS)) await measure()
  const sizes = full ? bodies : bodies.filter(body => body !== 256)
  for (const body of sizes) {
    say(`${path}, ${named(body)}`)
    // shorter, memory that is new and code that is cold would be most of it
    measured.set(body, await sideBySide(Math.min(rounds, full ? 7 : 3), contenders(body, ms * 2)))
  }
  const names = [...(measured.get('none')?.keys() ?? [])]
  const key = (body: BodyName) => `b${body}`
  const columns = (unit: 'rate' | 'ratio') => sizes.map(body => ({ key: key(body), head: named(body), unit }) as const)
  const rate = (body: BodyName, name: string) => measured.get(body)?.get(name)
  const row = (name: string, value: (body: BodyName) => Spread | number | undefined) => ({
    name,
    ...Object.fromEntries(sizes.map(body => [key(body), value(body)])),
  })
  const perSecond = (name: string): [number, number | undefined][] =>
    sizes
      .filter(body => typeof body === 'number')
      .map(body => [bodyBytes(body), (rate(body, name)?.median ?? Number.NaN) * bodyBytes(body)])
  return [
    {
      title: `Bodies per second, ${path}`,
      columns: [{ key: 'name', head: '', unit: 'text' }, ...columns('rate')],
      rows: names.map(name => row(name, body => rate(body, name)?.median)),
      notes: [
        'Bodies are byte arrays of that size, but for the one of 5 fields, two of them text. Arrays hold 4 of the largest.',
      ],
      chart: {
        kind: 'lines',
        name: `transport-${path.replaceAll(' ', '-')}`,
        title: `One way, ${path}`,
        x: { label: 'bytes of one body', log: true },
        y: { label: 'bytes per second', log: true },
        series: names.map(name => ({ name, points: perSecond(name) })),
      },
    },
    {
      title: `Agents over the other, ${path}`,
      columns: [{ key: 'name', head: 'agents over', unit: 'text' }, ...columns('ratio')],
      rows: names
        .filter(name => name !== 'agents')
        .map(name => row(name, body => ratio(rate(body, 'agents'), rate(body, name)))),
      notes: [],
    },
  ]
}
