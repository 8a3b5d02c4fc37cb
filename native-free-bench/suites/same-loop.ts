// Shows what our single loop costs beside the baseline: an engine with one queue and one promise task per message, as
// the known ones are written. Threads are compared with this single loop, so it must not be a straw man.
import { agent, createRuntime, event, type Runtime, request } from 'ringreeve'
import { BaselineEngine } from '../baseline/engine.js'
import { drive } from '../parts/drive.js'
import { type Contender, ratio, sideBySide } from '../parts/rounds.js'
import type { Settings, Spread, Suite, Table } from '../parts/suite.js'

const Echo = request<unknown, unknown>('echo')
const Note = event<unknown>('note')
const inFlights = [1, 64, 1_024]
const body = { name: 'a small message', count: 1_234_567, done: true }

let heard = 0
const hear = () => {
  heard++
}

/** The same agents in both engines: `echo`, and as many types that hear topic type `to-N` as there are subscribers. */
async function ours(audiences: readonly number[]): Promise<Runtime> {
  const listeners = audiences.flatMap(n =>
    Array.from({ length: n }, (_, i) =>
      agent(`listener-${n}-${i}`, { subscriptions: [`to-${n}`], concurrency: 'interleaved' }).on(Note, hear),
    ),
  )
  const echo = agent('echo', { concurrency: 'interleaved' }).on(Echo, payload => payload)
  return createRuntime({ threads: 0, agents: [echo, ...listeners] })
}

function baseline(audiences: readonly number[]): BaselineEngine {
  const engine = new BaselineEngine()
  engine.register('echo', () => ({ echo: payload => payload }))
  for (const n of audiences) {
    for (let i = 0; i < n; i++) {
      engine.register(`listener-${n}-${i}`, () => ({ note: hear }))
      engine.subscribe(`listener-${n}-${i}`, `to-${n}`)
    }
  }
  return engine
}

/** Publishes for a while, then waits until all is handled. @returns deliveries per second */
async function publishFor(
  ms: number,
  audience: number,
  publish: () => Promise<void>,
  idle: () => Promise<void>,
): Promise<number> {
  const burst = Math.max(1, Math.round(1_000 / audience))
  const before = heard
  const began = performance.now()
  let published = 0
  while (performance.now() - began < ms) {
    for (let i = 0; i < burst; i++) await publish()
    published += burst
    await idle()
  }
  const seconds = (performance.now() - began) / 1_000
  if (heard - before !== published * audience)
    throw new Error(`${heard - before} deliveries of ${published} events to ${audience} agents`)
  return (heard - before) / seconds
}

export const sameLoop: Suite = {
  name: 'same-loop',
  shows:
    'The single loop beside the baseline engine (one queue, one promise task per message), both on this thread, driven by ' +
    'the same code. Ratios are Ringreeve over the baseline.',
  async run({ rounds, ms, full }: Settings, say): Promise<Table[]> {
    const audiences = full ? [1, 10, 1_000, 10_000] : [1, 10, 1_000]
    say('registering')
    await using runtime = await ours(audiences)
    const engine = baseline(audiences)
    const cases: { what: string; contenders: Contender[] }[] = [
      ...inFlights.map(inFlight => ({
        what: `send with answer, ${inFlight} in flight`,
        contenders: [
          {
            name: 'ours',
            measure: async () => (await drive(() => runtime.send(Echo, body, 'echo/x'), { ms, inFlight })).rate,
          },
          {
            name: 'baseline',
            measure: async () => (await drive(() => engine.send('echo', body, 'echo/x'), { ms, inFlight })).rate,
          },
        ],
      })),
      ...audiences.map(n => ({
        what: `publish to ${n.toLocaleString('en')} synchronous handler${n === 1 ? '' : 's'}`,
        contenders: [
          {
            name: 'ours',
            measure: () =>
              publishFor(
                ms,
                n,
                () => runtime.publish(Note, body, { topic: `to-${n}/x` }),
                () => runtime.idle(),
              ),
          },
          {
            name: 'baseline',
            measure: () =>
              publishFor(
                ms,
                n,
                () => engine.publish('note', body, `to-${n}/x`),
                () => engine.idle(),
              ),
          },
        ],
      })),
    ]
    const rows: Table['rows'][number][] = []
    for (const { what, contenders } of cases) {
      say(what)
      const rates = await sideBySide(rounds, contenders)
      const [mine, other] = [rates.get('ours'), rates.get('baseline')]
      rows.push({ what, ours: mine, baseline: other, ratio: ratio(mine, other) })
    }
    return [
      {
        title: 'Requests answered, and events delivered, per second',
        columns: [
          { key: 'what', head: '', unit: 'text' },
          { key: 'ours', head: 'single loop', unit: 'rate' },
          { key: 'baseline', head: 'baseline', unit: 'rate' },
          { key: 'ratio', head: 'single loop / baseline', unit: 'ratio' },
        ],
        rows,
        notes: [],
        chart: {
          kind: 'bars',
          name: 'same-loop',
          title: 'The single loop over the baseline engine',
          y: { label: 'times the messages per second' },
          categories: rows.map(({ what }) => String(what)),
          series: [{ name: 'single loop / baseline', values: rows.map(row => row.ratio as Spread) }],
        },
      },
    ]
  },
}
