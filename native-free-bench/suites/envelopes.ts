// Shows what a request and its answer cost, by how many of them pass per second when the handler does nothing: between
// two threads, and between host and thread; one at a time, and 64 in flight. Beside MessagePort.postMessage with
// request numbers, written by hand between the same kinds of threads, and beside piscina.run.
import type { Runtime } from 'ringreeve'
import { Drive, Echo } from '../parts/agents.js'
import { drive } from '../parts/drive.js'
import { engine, pair } from '../parts/engines.js'
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
  async run({ rounds, ms, quick }: Settings, say): Promise<Table[]> {
    await using single = await engine(0)
    await using threads = await pair()
    await using ports = await PortThreads.start(2)
    const piscina = pool(1)
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
          for (const inFlight of [1, 64]) {
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
            })
          }
        }
      }
      return [table(rows)]
    } finally {
      await piscina.destroy()
    }
  },
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
    ],
    rows,
    notes: [
      'Within one loop a payload is passed by reference. Piscina has one thread, as the others have one that answers, and its defaults.',
    ],
  }
}
