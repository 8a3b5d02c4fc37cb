// Shows that no message between two threads passes the host: two agents on two threads keep talking while the host's
// event loop is blocked for a second, asleep in `Atomics.wait` (its core is free) or in a busy loop (it takes one).
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Echo, Talk } from '../parts/agents.js'
import { pair } from '../parts/engines.js'
import { PortThreads } from '../parts/rivals.js'
import { type Contender, ratio, sideBySide } from '../parts/rounds.js'
import type { Settings, Suite, Table } from '../parts/suite.js'

const IN_FLIGHT = 64

/** Answers per second while the host does `wait`; counted in shared memory, since a blocked host cannot be told. */
async function watch(shared: Int32Array, ms: number, wait: (ms: number) => void | Promise<unknown>): Promise<number> {
  const before = Atomics.load(shared, 0)
  const began = performance.now()
  const waiting = wait(ms)
  if (waiting !== undefined) await waiting
  return (Atomics.load(shared, 0) - before) / ((performance.now() - began) / 1000)
}

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function busy(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

/** Measures with the host free, asleep and busy while `talk` goes on. */
async function measure(
  rounds: number,
  ms: number,
  talk: (shared: Int32Array) => Promise<unknown>,
  more: (shared: Int32Array) => Contender[] = () => [],
) {
  const shared = new Int32Array(new SharedArrayBuffer(8))
  const talking = talk(shared)
  await sleep(ms)
  const contenders = [
    { name: 'free', measure: () => watch(shared, ms, sleep) },
    // the pause lets the host's own loop come to rest first
    { name: 'asleep', measure: () => sleep(20).then(() => watch(shared, ms, block)) },
    { name: 'busy', measure: () => sleep(20).then(() => watch(shared, ms, busy)) },
    ...more(shared),
  ]
  // they have been talking for a while already
  const rates = await sideBySide(rounds, contenders, false)
  Atomics.store(shared, 1, 1)
  await talking
  return rates
}

export const hostBlock: Suite = {
  name: 'host-block',
  shows:
    `Requests per second between two threads, ${IN_FLIGHT} in flight, while the host's event loop is free and while it ` +
    'is blocked for a second (a third of one with --quick); and the ratio of the two.',
  async run({ quick }: Settings, say): Promise<Table[]> {
    const rounds = quick ? 2 : 3
    const ms = quick ? 300 : 1_000
    await using threads = await pair()
    await using ports = await PortThreads.start(2)
    const between = await ports.join()
    say('agents')
    const ours = await measure(
      rounds,
      ms,
      shared => threads.send(Talk, { to: 'callee/x', inFlight: IN_FLIGHT, shared }, 'caller/x'),
      shared => [
        {
          name: 'awake',
          measure: async () => {
            await threads.send(Echo, undefined, 'callee/x')
            return watch(shared, ms, block)
          },
        },
      ],
    )
    say('MessagePort')
    const port = await measure(rounds, ms, shared => between.talk(IN_FLIGHT, shared))
    const rows = [
      ['free', 'free'],
      ['blocked, its core free', 'asleep'],
      ['the same, just after a send of its own', 'awake'],
      ['blocked, its core busy', 'busy'],
    ] as const
    return [
      {
        title: 'Two threads talk while the host is blocked',
        columns: [
          { key: 'host', head: 'host', unit: 'text' },
          { key: 'agents', head: 'agents, per second', unit: 'rate' },
          { key: 'ratio', head: 'of free', unit: 'ratio' },
          { key: 'port', head: 'MessagePort, per second', unit: 'rate' },
          { key: 'portRatio', head: 'of free', unit: 'ratio' },
        ],
        rows: rows.map(([host, key]) => ({
          host,
          agents: ours.get(key)?.median,
          ratio: ratio(ours.get(key), ours.get('free')),
          port: port.get(key)?.median,
          portRatio: ratio(port.get(key), port.get('free')),
        })),
        notes: ['A busy host takes a core: on a machine of two cores the two threads then share what is left.'],
      },
    ]
  },
}
