// Shows what threads are for: the same CPU-bound agents, the same messages, on one loop and on threads; by how much
// each message has to compute, by how many threads there are, and by how the work is spread. Beside them `piscina.run`
// with the same work, and bare threads that are told once what to compute: the ceiling of this machine at this moment.
import type { Runtime } from 'ringreeve'
import { Spin } from '../parts/agents.js'
import { engine, spreadEvenly } from '../parts/engines.js'
import { LagMeter, quantile } from '../parts/lag.js'
import { bursts, fromAgents, fromHost, type Served, spreadOut, steady, timed, zipf } from '../parts/loads.js'
import { PortThreads, pool } from '../parts/rivals.js'
import { type Contender, ratio, sideBySide } from '../parts/rounds.js'
import type { Settings, Spread, Suite, Table } from '../parts/suite.js'
import { blocksPerMicro } from '../parts/work.js'

type Row = Table['rows'][number]

const someWorks = [0, 2, 10, 20, 100, 1_000, 10_000] // µs per message
const allWorks = [0, 1, 2, 5, 10, 20, 50, 100, 1_000, 10_000]
const bars: Readonly<Record<number, string>> = { 20: '1.75x', 100: '1.9x', 1000: '1.95x', 10000: '1.97x' }

/** Messages in flight per thread: enough that no thread waits for its next one, few enough that all end together. */
const inFlight = (work: number): number => (work < 1_000 ? 32 : work < 10_000 ? 8 : 4)
const named = (work: number): string => (work < 1_000 ? `${work} µs` : `${work / 1_000} ms`)
/** So many as keep one loop busy for some time, at least a few of the largest. */
const count = (work: number, { ms, full }: Settings): number =>
  Math.round(Math.max(ms * 1_000, (full ? 60 : 24) * work) / Math.max(work, 2))
const sender = (runtime: Runtime, blocks: number) => (to: string) => runtime.send(Spin, blocks, to)
/** The threads by turns: neighbours are on different ones. */
const byTurns = (byThread: string[][], each: number): string[] =>
  Array.from({ length: each }, (_, n) => byThread.map(ids => ids[n]!)).flat()

export const parallel: Suite = {
  name: 'parallel',
  shows:
    'Speed-up of threads over the single loop, by the work of one message. "Host" sends the messages from the ' +
    'application; "agents" lets one agent on each thread send to agents on all of them, and the host has nothing to do.',
  async run(settings: Settings, say): Promise<Table[]> {
    const perMicro = blocksPerMicro()
    return [
      await byWork(settings, perMicro, say),
      await byThreads(settings, perMicro, say),
      await byLoad(settings, perMicro, say),
    ]
  },
}

/** A contender during which the host's timers are watched. */
function watched(contender: Contender, meters: Map<string, LagMeter>): Contender {
  return {
    name: contender.name,
    measure: async () => {
      const meter = meters.get(contender.name) ?? new LagMeter()
      meters.set(contender.name, meter)
      meter.start()
      try {
        return await contender.measure()
      } finally {
        meter.stop()
      }
    },
  }
}

/** Code on a new thread is cold: it must have run for a while. */
async function warm(settings: Settings, perMicro: number, ...runtimes: readonly Runtime[]): Promise<void> {
  const ids = Array.from({ length: 2 * inFlight(0) }, (_, n) => `worker/warm-${n}`)
  for (const runtime of runtimes)
    await fromHost(sender(runtime, Math.round(5 * perMicro)), ids, settings.quick ? 10_000 : 50_000)
}

// ---- by the work of one message -------------------------------------------------------------------------------------

async function byWork(settings: Settings, perMicro: number, say: (progress: string) => void): Promise<Table> {
  const { rounds, threads, full } = settings
  await using single = await engine(0)
  await using threaded = await engine(threads)
  await using bare = await PortThreads.start(threads)
  const piscina = pool(threads)
  try {
    const byThread = await spreadEvenly(threaded, 'worker', inFlight(0))
    const drivers = (await spreadEvenly(threaded, 'driver', 1)).flat()
    await warm(settings, perMicro, single, threaded)
    const works = full ? allWorks : someWorks
    const rows: Row[] = []
    const curve = { host: [] as [number, Spread][], agents: [] as [number, Spread][] }
    for (const work of works) {
      say(`${named(work)} of work`)
      const blocks = Math.round(work * perMicro)
      const messages = count(work, settings)
      const ids = byTurns(byThread, inFlight(work))
      const meters = new Map<string, LagMeter>()
      const contenders: Contender[] = [
        { name: 'host single', measure: () => fromHost(sender(single, blocks), ids, messages) },
        { name: 'host threads', measure: () => fromHost(sender(threaded, blocks), ids, messages) },
        { name: 'agents single', measure: () => fromAgents(single, drivers, ids, blocks, messages) },
        { name: 'agents threads', measure: () => fromAgents(threaded, drivers, ids, blocks, messages) },
        { name: 'piscina', measure: () => fromHost(() => piscina.run(blocks), ids, messages) },
        { name: 'bare', measure: () => timed(() => bare.computeAll(blocks, messages)) },
      ]
      const took = await sideBySide(
        rounds,
        contenders.map(one => watched(one, meters)),
      )
      const host = ratio(took.get('host single'), took.get('host threads'))!
      const agents = ratio(took.get('agents single'), took.get('agents threads'))!
      curve.host.push([work, host])
      curve.agents.push([work, agents])
      rows.push({
        work: named(work),
        messages: String(messages),
        host,
        agents,
        bar: threads === 2 ? (bars[work] ?? '') : '',
        piscina: ratio(took.get('host single'), took.get('piscina')),
        bare: ratio(took.get('host single'), took.get('bare')),
        lagSingle: meters.get('host single')?.at(0.99),
        lagHost: meters.get('host threads')?.at(0.99),
        lagAgents: meters.get('agents threads')?.at(0.99),
      })
    }
    return {
      title: `Speed-up over the single loop, ${threads} thread${threads === 1 ? '' : 's'}`,
      columns: [
        { key: 'work', head: 'work', unit: 'text' },
        { key: 'host', head: 'threads, host sends', unit: 'ratio' },
        { key: 'agents', head: 'threads, agents send', unit: 'ratio' },
        { key: 'bar', head: 'bar', unit: 'text' },
        { key: 'piscina', head: 'piscina.run', unit: 'ratio' },
        { key: 'bare', head: 'ceiling', unit: 'ratio' },
        { key: 'lagSingle', head: 'timers late p99: one loop', unit: 'ms' },
        { key: 'lagHost', head: 'host sends', unit: 'ms' },
        { key: 'lagAgents', head: 'agents send', unit: 'ms' },
        { key: 'messages', head: 'messages', unit: 'text' },
      ],
      rows,
      notes: [
        `Threads begin to pay at ${breakEven(curve.agents)} of work when agents send, at ${breakEven(curve.host)} when the host sends.`,
        'Ceiling: the same work on bare worker threads that are told once how much of it to do; no messages.',
        'While the host sends to as many threads as there are cores, it takes its own share of a core from them.',
        'Bars are meant for two cores that nothing else uses.',
      ],
      chart: {
        kind: 'lines',
        name: 'parallel-work',
        title: `${threads} threads over the single loop`,
        x: { label: 'µs of work in one message', log: true },
        y: { label: 'times as fast as the single loop' },
        series: [
          { name: 'agents send', points: curve.agents.filter(([work]) => work > 0) },
          { name: 'host sends', points: curve.host.filter(([work]) => work > 0) },
        ],
      },
    }
  } finally {
    await piscina.destroy()
  }
}

/** From which work on threads are quicker for good: where the line crosses 1 for the last time, between two measured. */
function breakEven(curve: readonly (readonly [work: number, speedUp: Spread])[]): string {
  const last = curve.findLastIndex(([, { median }]) => median < 1)
  if (last === -1) return `${curve[0]![0]} µs`
  const above = curve[last + 1]
  if (above === undefined) return `more than ${named(curve[last]![0])}`
  const [from, to] = [curve[last]!, above]
  const part = (1 - from[1].median) / (to[1].median - from[1].median)
  return `${(from[0] + part * (to[0] - from[0])).toFixed(1)} µs`
}

// ---- by the number of threads -------------------------------------------------------------------------------------

async function byThreads(settings: Settings, perMicro: number, say: (progress: string) => void): Promise<Table> {
  const { rounds, threads: cores, full } = settings
  const counts = [...new Set([1, 2, 4, 8, 16, cores, cores * 2, cores * 4])].filter(n => n <= cores * 4)
  counts.sort((a, b) => a - b)
  const works = full ? [20, 100, 1_000] : [100, 1_000]
  const rows: Row[] = counts.map(threads => ({
    threads: `${threads}${threads > cores ? `, ${threads / cores} a core` : ''}`,
  }))
  await using single = await engine(0)
  await warm(settings, perMicro, single)
  const lines = works.map(work => ({ name: named(work), points: [] as [number, Spread][] }))
  for (const [i, threads] of counts.entries()) {
    say(`${threads} threads`)
    await using threaded = await engine(threads)
    await warm(settings, perMicro, threaded)
    const each = (work: number) => Math.max(2, Math.ceil((inFlight(work) * cores) / threads))
    const byThread = await spreadEvenly(threaded, 'worker', each(0))
    const drivers = (await spreadEvenly(threaded, 'driver', 1)).flat()
    for (const runtime of [single, threaded])
      await fromAgents(runtime, drivers, byTurns(byThread, 2), Math.round(5 * perMicro), 20_000)
    for (const [w, work] of works.entries()) {
      const blocks = Math.round(work * perMicro)
      const messages = count(work, settings)
      const ids = byTurns(byThread, each(work))
      const took = await sideBySide(rounds, [
        { name: 'single', measure: () => fromAgents(single, drivers, ids, blocks, messages) },
        { name: 'threads', measure: () => fromAgents(threaded, drivers, ids, blocks, messages) },
      ])
      const speedUp = ratio(took.get('single'), took.get('threads'))!
      rows[i] = { ...rows[i], [`w${work}`]: speedUp }
      lines[w]!.points.push([threads, speedUp])
    }
  }
  return {
    title: `Speed-up by the number of threads, ${cores} core${cores === 1 ? '' : 's'}, agents send`,
    columns: [
      { key: 'threads', head: 'threads', unit: 'text' },
      ...works.map(work => ({ key: `w${work}`, head: `${named(work)} of work`, unit: 'ratio' }) as const),
    ],
    rows,
    notes: ['More threads than cores cannot be quicker; the question is how much slower they are.'],
    chart: {
      kind: 'lines',
      name: 'parallel-threads',
      title: `Threads over the single loop, ${cores} core${cores === 1 ? '' : 's'}`,
      x: { label: 'threads', log: true },
      y: { label: 'times as fast as the single loop' },
      series: lines,
    },
  }
}

// ---- by how the work is spread --------------------------------------------------------------------------------------

const WORK = 100
const KEYS = 256
const LANES = 64
const BURST = 128
const PAUSE_MS = 5

async function byLoad(settings: Settings, perMicro: number, say: (progress: string) => void): Promise<Table> {
  const { rounds, threads } = settings
  await using single = await engine(0)
  await using threaded = await engine(threads)
  await warm(settings, perMicro, single, threaded)
  const blocks = Math.round(WORK * perMicro)
  const ids = Array.from({ length: KEYS }, (_, n) => `worker/load-${n}`)
  const n = count(WORK, settings)
  const even = Array.from({ length: n }, (_, i) => ids[i % KEYS]!)
  const hot = even.map((id, i) => (spreadOut(i) < 0.5 ? ids[0]! : id))
  type Send = (to: string) => Promise<unknown>
  const loads: readonly (readonly [string, (send: Send) => Promise<Served>])[] = [
    ['even', send => steady(send, even, LANES)],
    [`Zipf over ${KEYS} agents`, send => steady(send, zipf(ids, n), LANES)],
    ['half of all for one agent', send => steady(send, hot, LANES)],
    [`bursts of ${BURST}`, send => bursts(send, even, BURST, PAUSE_MS)],
  ]
  const rows: Row[] = []
  for (const [name, load] of loads) {
    say(name)
    const meters = new Map<string, LagMeter>()
    const took = new Map<string, number[]>()
    const contender = (engine: string, runtime: Runtime): Contender => ({
      name: engine,
      measure: async () => {
        const served = await load(sender(runtime, blocks))
        took.set(engine, [...(took.get(engine) ?? []), ...served.took])
        return served.seconds
      },
    })
    const seconds = await sideBySide(
      rounds,
      [contender('single', single), contender('threads', threaded)].map(one => watched(one, meters)),
    )
    rows.push({
      load: name,
      speedUp: ratio(seconds.get('single'), seconds.get('threads')),
      ...Object.fromEntries(
        ['single', 'threads'].flatMap(engine => [
          [`${engine}50`, quantile(took.get(engine)!, 0.5)],
          [`${engine}99`, quantile(took.get(engine)!, 0.99)],
          [`${engine}Lag`, meters.get(engine)?.at(0.99)],
        ]),
      ),
    })
  }
  return {
    title: `Uneven loads, ${WORK} µs of work, ${threads} threads, host sends`,
    columns: [
      { key: 'load', head: 'load', unit: 'text' },
      { key: 'speedUp', head: 'speed-up', unit: 'ratio' },
      { key: 'single50', head: 'answer after p50: one loop', unit: 'ms' },
      { key: 'threads50', head: 'threads', unit: 'ms' },
      { key: 'single99', head: 'p99: one loop', unit: 'ms' },
      { key: 'threads99', head: 'threads', unit: 'ms' },
      { key: 'singleLag', head: 'timers late p99: one loop', unit: 'ms' },
      { key: 'threadsLag', head: 'threads', unit: 'ms' },
    ],
    rows,
    notes: [
      `${LANES} messages in flight; bursts ${PAUSE_MS} ms apart, each after the one before is answered. An agent is on one thread: what one agent has to do is never parallel.`,
    ],
  }
}
