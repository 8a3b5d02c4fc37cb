// Shows what Ringreeve takes before it does anything: memory of an idle agent, memory and time of a thread, the time
// from `createRuntime` to the first answer, and the CPU that is used while nothing happens. Each is measured in a
// process of its own.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Costs } from '../parts/cost-child.js'
import { spread } from '../parts/rounds.js'
import type { Settings, Suite, Table } from '../parts/suite.js'

const child = fileURLToPath(new URL('../parts/cost-child.js', import.meta.url))

async function measure<What extends keyof Costs>(what: What, ...more: (string | number)[]): Promise<Costs[What]> {
  const started = fork(child, [what, ...more.map(String)], { execArgv: ['--expose-gc', '--max-old-space-size=4096'] })
  const ended = once(started, 'exit')
  const [costs] = (await Promise.race([
    once(started, 'message'),
    ended.then(([code]) => Promise.reject(new Error(`the process that measures '${what}' ended with ${code}`))),
  ])) as [Costs[What]]
  await ended
  return costs
}

async function often<T>(rounds: number, once: () => Promise<T>): Promise<T[]> {
  const all: T[] = []
  for (let round = 0; round < rounds; round++) all.push(await once())
  return all
}

export const cost: Suite = {
  name: 'cost',
  elsewhere: true,
  shows: 'Memory, time and CPU that are taken by what does nothing yet.',
  async run({ rounds, threads, quick, full }: Settings, say): Promise<Table[]> {
    const times = quick ? 1 : Math.min(rounds, full ? 5 : 3)
    const n = quick ? 100_000 : 1_000_000
    say(`${n} idle agents`)
    const agents = await often(full ? times : 1, () => measure('agents', n))
    const perThread: Table['rows'][number][] = []
    for (const count of [...new Set([0, 1, threads, ...(quick ? [] : [threads * 2, threads * 4])])]) {
      say(`start of ${count} threads`)
      const started = await often(times, () => measure('threads', count))
      perThread.push({
        threads: String(count),
        ms: spread(started.map(one => one.ms)),
        resident: spread(started.map(one => one.resident)),
        each: count === 0 ? undefined : spread(started.map(one => one.resident / count)),
      })
    }
    const idle: Table['rows'][number][] = []
    for (const wait of ['poll', 'park'] as const) {
      say(`idle, wait '${wait}'`)
      const used = await often(full ? times : 1, () => measure('idle', threads, wait))
      idle.push({ wait: `'${wait}'`, cpu: spread(used.map(one => one.cpu)) })
    }
    return [
      {
        title: `${n.toLocaleString('en')} idle agents without state, on the single loop`,
        columns: [
          { key: 'bytes', head: 'heap of each', unit: 'bytes' },
          { key: 'resident', head: 'resident of each', unit: 'bytes' },
          { key: 'perSecond', head: 'made per second', unit: 'rate' },
        ],
        rows: [
          {
            bytes: spread(agents.map(one => one.bytes)),
            resident: spread(agents.map(one => one.resident)),
            perSecond: spread(agents.map(one => one.perSecond)),
          },
        ],
        notes: ['Each was made by a request that was answered. Its key is a string of its own and counts too.'],
      },
      {
        title: 'Start of a runtime',
        columns: [
          { key: 'threads', head: 'threads', unit: 'text' },
          { key: 'ms', head: 'to the first answer', unit: 'ms' },
          { key: 'resident', head: 'memory', unit: 'bytes' },
          { key: 'each', head: 'memory of a thread', unit: 'bytes' },
        ],
        rows: perThread,
        notes: ['From `createRuntime` on; the library was loaded before.'],
      },
      {
        title: `CPU of ${threads} threads and the host after 1.5 s of silence`,
        columns: [
          { key: 'wait', head: 'wait', unit: 'text' },
          { key: 'cpu', head: 'share of one core', unit: 'share' },
        ],
        rows: idle,
        notes: [],
      },
    ]
  },
}
