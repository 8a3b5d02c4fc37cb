// Shows what threads are for: the same CPU-bound agents, the same messages, on one loop and on threads, by how much
// each message has to compute. Beside them `piscina.run` with the same work, and bare threads that are told once what
// to compute: the ceiling that this machine has at this moment.
import { performance } from 'node:perf_hooks'
import type { Runtime } from 'ringreeve'
import { Spin, SpinAll } from '../parts/agents.js'
import { engine, spreadEvenly } from '../parts/engines.js'
import { PortThreads, pool } from '../parts/rivals.js'
import { type Contender, ratio, sideBySide } from '../parts/rounds.js'
import type { Settings, Suite, Table } from '../parts/suite.js'
import { blocksPerMicro } from '../parts/work.js'

const works = [10, 100, 1_000, 10_000] // µs per message
const bars: Readonly<Record<number, string>> = { 100: '1.7x', 1000: '1.85x' }

/** Messages in flight per thread: enough that no thread waits for its next one, few enough that all end together. */
const inFlight = (work: number): number => (work < 1_000 ? 32 : work < 10_000 ? 8 : 4)

/** Keeps one message per agent in flight until `messages` are handled. @returns seconds */
async function fromHost(
  send: (to: string) => Promise<unknown>,
  ids: readonly string[],
  messages: number,
): Promise<number> {
  let left = messages
  const began = performance.now()
  const lane = async (to: string) => {
    while (left-- > 0) await send(to)
  }
  await Promise.all(ids.map(lane))
  return (performance.now() - began) / 1000
}

/** One driving agent on every thread, each sending to agents on all of them; they share what is left to send. */
async function fromAgents(
  runtime: Runtime,
  drivers: string[],
  ids: string[],
  blocks: number,
  messages: number,
): Promise<number> {
  const left = new Int32Array(new SharedArrayBuffer(4))
  left[0] = messages
  const began = performance.now()
  const all = drivers.map((id, i) => {
    const keys = ids.filter((_, n) => n % drivers.length === i)
    return runtime.send(SpinAll, { keys, blocks, left }, id)
  })
  await Promise.all(all)
  return (performance.now() - began) / 1000
}

export const cpuBound: Suite = {
  name: 'cpu-bound',
  shows:
    'Speed-up of threads over the single loop, by the work of one message. "Host" sends the messages from the ' +
    'application; "agents" lets one agent on each thread send to agents on all of them, and the host has nothing to do.',
  async run({ rounds, ms, threads, quick }: Settings, say): Promise<Table[]> {
    await using single = await engine(0)
    await using threaded = await engine(threads)
    await using bare = await PortThreads.start(threads)
    const piscina = pool(threads)
    try {
      const perMicro = blocksPerMicro()
      const most = inFlight(0)
      const byThread = await spreadEvenly(threaded, 'worker', most)
      const drivers = (await spreadEvenly(threaded, 'driver', 1)).flat()
      const rows: Table['rows'][number][] = []
      for (const work of works) {
        say(`${work} µs`)
        const blocks = Math.round(work * perMicro)
        const messages = Math.round(Math.max(ms * 1_000, (quick ? 24 : 60) * work) / work)
        // the threads by turns: neighbours in this list are on different ones
        const ids = Array.from({ length: inFlight(work) }, (_, n) => byThread.map(ids => ids[n]!)).flat()
        const send = (runtime: Runtime) => (to: string) => runtime.send(Spin, blocks, to)
        const contenders: Contender[] = [
          { name: 'host single', measure: () => fromHost(send(single), ids, messages) },
          { name: 'host threads', measure: () => fromHost(send(threaded), ids, messages) },
          { name: 'agents single', measure: () => fromAgents(single, drivers, ids, blocks, messages) },
          { name: 'agents threads', measure: () => fromAgents(threaded, drivers, ids, blocks, messages) },
          { name: 'piscina', measure: () => fromHost(() => piscina.run(blocks), ids, messages) },
          { name: 'bare', measure: () => timed(() => bare.computeAll(blocks, messages)) },
        ]
        const took = await sideBySide(rounds, contenders)
        const host = took.get('host single')!
        rows.push({
          work: work < 1_000 ? `${work} µs` : `${work / 1_000} ms`,
          messages: String(messages),
          host: ratio(host, took.get('host threads')),
          agents: ratio(took.get('agents single'), took.get('agents threads')),
          bar: threads === 2 ? (bars[work] ?? '') : '',
          piscina: ratio(host, took.get('piscina')),
          bare: ratio(host, took.get('bare')),
          share: ratio(took.get('bare'), took.get('host threads')),
          cost: ((host.median * 1e6) / messages).toFixed(work < 100 ? 1 : 0),
        })
      }
      return [table(rows, threads)]
    } finally {
      await piscina.destroy()
    }
  },
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}

function table(rows: Table['rows'], threads: number): Table {
  return {
    title: `Speed-up over the single loop, ${threads} thread${threads === 1 ? '' : 's'}`,
    columns: [
      { key: 'work', head: 'work', unit: 'text' },
      { key: 'host', head: 'threads, host sends', unit: 'ratio' },
      { key: 'agents', head: 'threads, agents send', unit: 'ratio' },
      { key: 'bar', head: 'bar', unit: 'text' },
      { key: 'piscina', head: 'piscina.run', unit: 'ratio' },
      { key: 'bare', head: 'ceiling', unit: 'ratio' },
      { key: 'share', head: 'host sends / ceiling', unit: 'ratio' },
      { key: 'messages', head: 'messages', unit: 'text' },
      { key: 'cost', head: 'µs each on one loop', unit: 'text' },
    ],
    rows,
    notes: [
      'Ceiling: the same work on bare worker threads that are told once how much of it to do; no messages.',
      'While the host sends to as many threads as there are cores, it takes its own share of a core from them.',
      'Bars are meant for two cores that nothing else uses.',
    ],
  }
}
