// Shows what a request and its answer cost, by how many of them pass per second when the handler does nothing: between
// two threads, and between host and thread; one at a time, 64 and 1,024 in flight. Beside MessagePort.postMessage with
// request numbers, written by hand between the same kinds of threads, and beside piscina.run. And what an event costs,
// by how many agents hear it.
import type { Runtime } from 'ringreeve'
import { Cry, Drive, Echo } from '../parts/agents.js'
import { drive } from '../parts/drive.js'
import { engine, pair } from '../parts/engines.js'
import { listenersModule, Noise } from '../parts/listeners.js'
import { PortThreads, pool } from '../parts/rivals.js'
import { type Contender, ratio, sideBySide } from '../parts/rounds.js'
import type { Settings, Suite, Table } from '../parts/suite.js'

/** Threads that only just came up are slow for a second: code is cold, and the system has not found them a core each. */
const WARM_MS = 500

const bodies = [
  { name: 'none', body: undefined },
  {
    name: 'small',
    body: { name: 'a small message', count: 1_234_567, scores: [1, 2.5, 3], tags: ['one', 'two'], done: true },
  },
] as const

interface Path {
  readonly name: string
  /** Measures requests per second for each contender that can go this way. */
  contenders(ms: number, inFlight: number, body: unknown): Contender[]
}

async function fromHere(send: () => Promise<unknown>, ms: number, inFlight: number): Promise<number> {
  return (await drive(send, { ms, inFlight })).rate
}

export const envelopes: Suite = {
  name: 'envelopes',
  shows:
    'Requests answered per second by a handler that gives back what it got. Ratios are Ringreeve over the other, round by round.',
  async run(settings: Settings, say): Promise<Table[]> {
    const { rounds, ms, quick } = settings
    await using single = await engine(0)
    await using threads = await pair()
    await using ports = await PortThreads.start(2)
    const piscina = pool(1)
    const ahead = pool(1, 64)
    try {
      const between = await ports.join()
      const agents = (runtime: Runtime, body: unknown) => () => runtime.send(Echo, body, 'callee/x')
      const paths: Path[] = [
        {
          name: 'thread to thread',
          contenders: (ms, inFlight, body) => [
            {
              name: 'agents',
              measure: async () => (await threads.send(Drive, { ms, inFlight, body, to: 'callee/x' }, 'caller/x')).rate,
            },
            { name: 'port', measure: async () => (await between.drive({ ms, inFlight }, body)).rate },
          ],
        },
        {
          name: 'host to thread',
          contenders: (ms, inFlight, body) => [
            { name: 'agents', measure: () => fromHere(agents(threads, body), ms, inFlight) },
            { name: 'port', measure: () => fromHere(() => ports.echo(body), ms, inFlight) },
            { name: 'piscina', measure: () => fromHere(() => piscina.run(body), ms, inFlight) },
            { name: 'ahead', measure: () => fromHere(() => ahead.run(body), ms, inFlight) },
          ],
        },
        {
          name: 'within one loop',
          contenders: (ms, inFlight, body) => [
            { name: 'agents', measure: () => fromHere(agents(single, body), ms, inFlight) },
          ],
        },
      ]
      say('warming up')
      for (const { contenders } of paths) {
        for (const inFlight of [64, 1])
          for (const one of contenders(quick ? WARM_MS / 5 : WARM_MS, inFlight, bodies[1].body)) await one.measure()
      }
      const rows: Table['rows'][number][] = []
      for (const { name, contenders } of paths) {
        for (const { name: bodyName, body } of bodies) {
          for (const inFlight of [1, 64, 1_024]) {
            say(`${name}, body ${bodyName}, ${inFlight} in flight`)
            const rates = await sideBySide(rounds, contenders(ms, inFlight, body))
            const ours = rates.get('agents')
            rows.push({
              path: name,
              body: bodyName,
              inFlight: String(inFlight),
              agents: ours?.median,
              port: rates.get('port')?.median,
              overPort: ratio(ours, rates.get('port')),
              piscina: rates.get('piscina')?.median,
              overPiscina: ratio(ours, rates.get('piscina')),
              overAhead: ratio(ours, rates.get('ahead')),
            })
          }
        }
      }
      return [table(rows), await fanOut(settings, say)]
    } finally {
      await Promise.all([piscina.destroy(), ahead.destroy()])
    }
  },
}

/** Deliveries of one measurement between two looks at whether all has arrived. */
const BURST = 20_000

/** Publishes bursts for a while, each when all of the one before is handled. @returns deliveries per second */
async function deliveries(
  runtime: Runtime,
  audience: number,
  ms: number,
  publish: (events: number) => Promise<unknown>,
): Promise<number> {
  const handled = () => runtime.stats().loops.reduce((sum, loop) => sum + loop.handled, 0)
  const events = Math.max(1, Math.round(BURST / audience))
  const began = performance.now()
  let published = 0
  const before = handled()
  while (performance.now() - began < ms) {
    await publish(events)
    await runtime.idle()
    published += events
  }
  const seconds = (performance.now() - began) / 1_000
  if (handled() - before < published * audience)
    throw new Error(`${handled() - before} messages were handled of ${published} events for ${audience} agents`)
  return (published * audience) / seconds
}

/** Events from one of two threads, and from the host, to agents that are spread over both threads. */
async function fanOut({ rounds, ms, quick, full }: Settings, say: (progress: string) => void): Promise<Table> {
  const audiences = full ? [1, 10, 1_000, 100_000] : [1, 10, 1_000]
  await using module = await listenersModule(audiences)
  await using single = await engine(0, module.url)
  await using threads = await engine(2, module.url)
  const { body } = bodies[1]
  const fromHost = (runtime: Runtime, topic: string) => async (events: number) => {
    for (let i = 0; i < events; i++) await runtime.publish(Noise, body, { topic })
  }
  const fromThread = (topic: string) => (events: number) => threads.send(Cry, { topic, events, body }, 'crier/x')
  const rows: Table['rows'][number][] = []
  for (const n of audiences) {
    say(`publish to ${n}`)
    const topic = `to-${n}/x`
    const contenders: Contender[] = [
      { name: 'single', measure: () => deliveries(single, n, ms, fromHost(single, topic)) },
      { name: 'thread', measure: () => deliveries(threads, n, ms, fromThread(topic)) },
      { name: 'host', measure: () => deliveries(threads, n, ms, fromHost(threads, topic)) },
    ]
    if (n === audiences[0]) for (const one of contenders) for (let i = 0; i < (quick ? 2 : 8); i++) await one.measure()
    const rates = await sideBySide(rounds, contenders)
    rows.push({ audience: n.toLocaleString('en'), ...Object.fromEntries(rates) })
  }
  return {
    title: 'Events delivered per second, by how many agents hear each',
    columns: [
      { key: 'audience', head: 'agents', unit: 'text' },
      { key: 'single', head: 'within one loop', unit: 'rate' },
      { key: 'thread', head: 'from a thread to 2 threads', unit: 'rate' },
      { key: 'host', head: 'from the host to 2 threads', unit: 'rate' },
    ],
    rows,
    notes: ['Counted when handled: the sender awaits each publish, and now and then that all is handled.'],
  }
}

function table(rows: Table['rows']): Table {
  return {
    title: 'Requests with answers, per second',
    columns: [
      { key: 'path', head: 'from, to', unit: 'text' },
      { key: 'body', head: 'body', unit: 'text' },
      { key: 'inFlight', head: 'in flight', unit: 'text' },
      { key: 'agents', head: 'agents', unit: 'rate' },
      { key: 'port', head: 'MessagePort', unit: 'rate' },
      { key: 'overPort', head: 'agents / MessagePort', unit: 'ratio' },
      { key: 'piscina', head: 'piscina.run', unit: 'rate' },
      { key: 'overPiscina', head: 'agents / piscina', unit: 'ratio' },
      { key: 'overAhead', head: 'agents / piscina, 64 ahead', unit: 'ratio' },
    ],
    rows,
    chart: {
      kind: 'bars',
      name: 'envelopes',
      title: 'Requests with answers',
      y: { label: 'requests answered per second', log: true },
      categories: rows.map(({ path, body, inFlight }) => `${path}, ${body}, ${inFlight}`),
      series: [
        { name: 'agents', values: rows.map(row => row.agents as number) },
        { name: 'MessagePort', values: rows.map(row => row.port as number | undefined) },
        { name: 'piscina.run', values: rows.map(row => row.piscina as number | undefined) },
      ],
    },
    notes: [
      'Within one loop a payload is passed by reference. Piscina has one thread, as the others have one that answers: with its defaults, and with 64 tasks sent ahead (concurrentTasksPerWorker), its best.',
    ],
  }
}
