// Shows how long one request takes from the call to its answer: alone, while both sides are at it (threads look for work
// before they sleep); alone, after a rest of some milliseconds, when the other side is asleep and must be woken; and
// while 64 others are under way between the same two threads. Beside MessagePort and piscina.run.
import { Drive, Echo, Talk } from '../parts/agents.js'
import { type Driven, type DriveOptions, drive } from '../parts/drive.js'
import { pair } from '../parts/engines.js'
import { PortThreads, pool } from '../parts/rivals.js'
import { ratio, shuffled, spread } from '../parts/rounds.js'
import type { Settings, Spread, Suite, Table } from '../parts/suite.js'

const REST_MS = 3
const LOAD = 64
const WARM_MS = 1_000

interface Contender {
  readonly name: string
  /** Keeps requests under way between the two threads until word 1 of `shared` is set; not for who has no second thread. */
  readonly load?: (shared: Int32Array) => Promise<unknown>
  measure(options: DriveOptions): Promise<Driven>
}

async function sideBySide(
  rounds: number,
  options: DriveOptions,
  loaded: boolean,
  all: readonly Contender[],
): Promise<Map<string, Driven[]>> {
  const contenders = all.filter(({ load }) => !loaded || load !== undefined)
  const measured = new Map<string, Driven[]>(contenders.map(({ name }) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (const { name, measure, load } of shuffled(contenders)) {
      const shared = new Int32Array(new SharedArrayBuffer(8))
      const talking = loaded ? load?.(shared) : undefined
      const driven = await measure(options)
      Atomics.store(shared, 1, 1)
      await talking
      if (round >= 0) measured.get(name)!.push(driven)
    }
  }
  return measured
}

export const roundTrip: Suite = {
  name: 'round-trip',
  shows:
    'Time from a call to its answer, without payload, one request at a time. The ratio is of medians, the other over ' +
    'Ringreeve, so above 1 means that Ringreeve is quicker.',
  async run({ rounds, ms, quick }: Settings, say): Promise<Table[]> {
    await using threads = await pair()
    await using ports = await PortThreads.start(2)
    const piscina = pool(1)
    try {
      const between = await ports.join()
      const agentsTalk = (shared: Int32Array) =>
        threads.send(Talk, { to: 'callee/y', inFlight: LOAD, shared }, 'caller/y')
      const portsTalk = (shared: Int32Array) => between.talk(LOAD, shared)
      const paths: readonly (readonly [string, readonly Contender[]])[] = [
        [
          'thread to thread',
          [
            {
              name: 'agents',
              load: agentsTalk,
              measure: options => threads.send(Drive, { ...options, body: undefined, to: 'callee/x' }, 'caller/x'),
            },
            { name: 'port', load: portsTalk, measure: options => between.drive(options, undefined) },
          ],
        ],
        [
          'host to thread',
          [
            {
              name: 'agents',
              load: agentsTalk,
              measure: options => drive(() => threads.send(Echo, undefined, 'callee/x'), options),
            },
            { name: 'port', load: portsTalk, measure: options => drive(() => ports.echo(undefined), options) },
            { name: 'piscina', measure: options => drive(() => piscina.run(undefined), options) },
          ],
        ],
      ]
      say('warming up')
      for (const [, contenders] of paths)
        for (const one of contenders) await one.measure({ inFlight: 1, ms: quick ? WARM_MS / 5 : WARM_MS })
      const rows: Table['rows'][number][] = []
      for (const [path, contenders] of paths) {
        for (const state of ['awake', 'asleep', 'loaded']) {
          const rest = state === 'asleep' ? REST_MS : undefined
          say(`${path}, ${state}`)
          const options = { inFlight: 1, ...(rest === undefined ? { ms } : { ms: ms * 3, rest }) }
          rows.push(...toRows(path, state, await sideBySide(rounds, options, state === 'loaded', contenders)))
        }
      }
      return [table(rows)]
    } finally {
      await piscina.destroy()
    }
  },
}

function toRows(path: string, state: string, measured: Map<string, Driven[]>): Table['rows'][number][] {
  const names: Readonly<Record<string, string>> = { agents: 'agents', port: 'MessagePort', piscina: 'piscina.run' }
  const p50 = (name: string) => spread((measured.get(name) ?? []).map(one => one.p50))
  return [...measured].map(([name, driven]) => ({
    path,
    state,
    contender: names[name],
    p50: p50(name),
    p99: spread(driven.map(one => one.p99)),
    p999: spread(driven.map(one => one.p999)),
    quicker: name === 'agents' ? undefined : ratio(p50(name), p50('agents')),
  }))
}

function table(rows: Table['rows']): Table {
  return {
    title: 'Round trips, one at a time',
    columns: [
      { key: 'path', head: 'from, to', unit: 'text' },
      { key: 'state', head: 'other side', unit: 'text' },
      { key: 'contender', head: '', unit: 'text' },
      { key: 'p50', head: 'p50', unit: 'micros' },
      { key: 'p99', head: 'p99', unit: 'micros' },
      { key: 'p999', head: 'p99.9', unit: 'micros' },
      { key: 'quicker', head: 'agents are quicker by', unit: 'ratio' },
    ],
    rows,
    chart: {
      kind: 'bars',
      name: 'round-trip',
      title: 'Round trips, one at a time, p50',
      y: { label: 'µs', log: true },
      categories: rows.map(({ path, state, contender }) => `${path}, ${state}, ${contender}`),
      series: [{ name: 'p50', values: rows.map(row => row.p50 as Spread) }],
    },
    notes: [
      `Asleep: ${REST_MS} ms of rest before each request. What a wake costs is the operating system's and the virtual machine's.`,
      `Loaded: ${LOAD} other requests are under way between the two threads all the time.`,
    ],
  }
}
