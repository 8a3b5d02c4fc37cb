// Shows what dispatcher, tracer and shared memory cost beside what they stand on: a plain loop that calls the same
// handlers, messages without a tracer, and a message to an agent at the same place that gives back what it got.
import { createRuntime, type Runtime, type RuntimeOptions } from 'ringreeve'
import { createDispatcher, type Dispatcher, type FollowUp } from 'ringreeve/dispatch'
import { memoryAt } from 'ringreeve/memory'
import { Tracer } from 'ringreeve/trace'
import { Observer } from '#ringreeve/observe/observer.js'
import { drive } from '../parts/drive.js'
import { Echo, next, Step } from '../parts/pattern-agents.js'
import { ratio, sideBySide } from '../parts/rounds.js'
import type { Settings, Suite, Table } from '../parts/suite.js'

const agents = [new URL('../parts/pattern-agents.js', import.meta.url)]
const IN_FLIGHT = 64
/** Events that follow one from the other, and how many such lines are begun at a time. */
const LINE = 10
const LINES = 100
/** When a request is sent, when its handler begins, when it is answered. */
const LOOKS = 3

const open = (threads: number, options: RuntimeOptions = {}): Promise<Runtime> =>
  createRuntime({ threads, agents, ...options })

/** Events per second: lines of events, each event to two agents, one of which lets the next follow. */
async function dispatching(dispatcher: Dispatcher, ms: number): Promise<number> {
  const before = dispatcher.stats().done
  const began = performance.now()
  do {
    for (let i = 0; i < LINES; i++) void dispatcher.dispatch(Step, { left: LINE - 1 })
    await dispatcher.waitUntilEmpty()
  } while (performance.now() - began < ms)
  return (dispatcher.stats().done - before) / ((performance.now() - began) / 1000)
}

/** The same without agents: a queue, and a loop that calls the handlers. */
async function plain(ms: number): Promise<number> {
  const handlers: ((payload: { left: number }) => FollowUp | undefined)[] = [next, () => undefined]
  let done = 0
  const began = performance.now()
  do {
    const queue: { left: number }[] = Array.from({ length: LINES }, () => ({ left: LINE - 1 }))
    for (let payload = queue.pop(); payload !== undefined; payload = queue.pop()) {
      done++
      for (const handle of handlers) {
        const follows = await handle(payload)
        if (follows !== undefined) queue.push(follows.payload as { left: number })
      }
    }
  } while (performance.now() - began < ms)
  return done / ((performance.now() - began) / 1000)
}

const rate = async (send: () => Promise<unknown>, ms: number) => (await drive(send, { ms, inFlight: IN_FLIGHT })).rate

async function dispatcherTable({ rounds, ms, threads }: Settings): Promise<Table> {
  await using single = await open(0)
  await using threaded = await open(threads)
  const routed = async (runtime: Runtime) => {
    const dispatcher = await createDispatcher(runtime)
    dispatcher.route(Step, 'stepper/x')
    dispatcher.route(Step, 'listener/x')
    return dispatcher
  }
  const [here, there] = [await routed(single), await routed(threaded)]
  const rates = await sideBySide(rounds, [
    { name: 'plain', measure: () => plain(ms) },
    { name: 'one loop', measure: () => dispatching(here, ms) },
    { name: 'threads', measure: () => dispatching(there, ms) },
  ])
  const rows = [
    { way: 'a loop that awaits the handlers', rate: rates.get('plain'), slower: undefined },
    {
      way: 'dispatcher, one loop',
      rate: rates.get('one loop'),
      slower: ratio(rates.get('plain'), rates.get('one loop')),
    },
    {
      way: `dispatcher, ${threads} threads`,
      rate: rates.get('threads'),
      slower: ratio(rates.get('plain'), rates.get('threads')),
    },
  ]
  return {
    title: 'Events dispatched per second, each to two agents that do nothing',
    columns: [
      { key: 'way', head: '', unit: 'text' },
      { key: 'rate', head: 'events', unit: 'rate' },
      { key: 'slower', head: 'the loop is quicker by', unit: 'ratio' },
    ],
    rows,
    notes: ['Bar on one loop: 49,000, a thousand times what was measured of the system that the pattern comes from.'],
  }
}

/** What a message does when nobody listens, in seconds: it looks whether anybody does. */
function look(): number {
  const observer = new Observer(0, undefined, () => {})
  const looks = 1_000_000
  let active = 0
  const began = performance.now()
  for (let i = 0; i < looks; i++) if (observer.active) active++
  return (performance.now() - began + active) / looks / 1000
}

async function tracerTable({ rounds, ms }: Settings): Promise<Table> {
  const rows: Table['rows'][number][] = []
  look() // compiled
  const looks = LOOKS * look()
  for (const [path, threads] of [
    ['within one loop', 0],
    ['host to thread', 1],
  ] as const) {
    await using off = await open(threads)
    await using on = await open(threads, { log: new Tracer().log })
    const echo = (runtime: Runtime) => () => rate(() => runtime.send(Echo, undefined, 'callee/x'), ms)
    const rates = await sideBySide(rounds, [
      { name: 'off', measure: echo(off) },
      { name: 'on', measure: echo(on) },
    ])
    const [without, with_] = [rates.get('off'), rates.get('on')]
    const share = looks * (without?.median ?? 0)
    rows.push({ path, off: without, share, on: with_, costs: ratio(without, with_) })
  }
  return {
    title: 'Requests with answers per second, without and with a tracer',
    columns: [
      { key: 'path', head: 'from, to', unit: 'text' },
      { key: 'off', head: 'off', unit: 'rate' },
      { key: 'share', head: 'of that, looking', unit: 'share' },
      { key: 'on', head: 'tracer', unit: 'rate' },
      { key: 'costs', head: 'off / tracer', unit: 'ratio' },
    ],
    rows,
    notes: [
      `Off is a runtime without \`log\`: the same as in every other suite. All that is left of the tracer then is that a request looks ${LOOKS} times whether anybody listens, together ${(looks * 1e9).toFixed(0)} ns. With it a request is three entries.`,
    ],
  }
}

async function memoryTable({ rounds, ms }: Settings): Promise<Table> {
  const rows: Table['rows'][number][] = []
  const value = { name: 'a small value', count: 1, tags: ['one', 'two'] }
  for (const [path, threads] of [
    ['within one loop', 0],
    ['host to thread', 1],
  ] as const) {
    await using runtime = await open(threads)
    const shared = memoryAt(runtime, 'memory/x')
    await shared.set('value', value)
    const ways: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['message', () => runtime.send(Echo, value, 'callee/x')],
      ['get', () => shared.get('value')],
      ['set', () => shared.set('value', value)],
      ['merge', () => shared.merge('value', { count: 2 })],
      ['add', () => shared.add('number')],
      ['compareAndSet, refused', () => shared.compareAndSet('value', value, 0)],
    ]
    const rates = await sideBySide(
      rounds,
      ways.map(([name, send]) => ({ name, measure: () => rate(send, ms) })),
    )
    for (const [way] of ways) {
      const costs = way === 'message' ? undefined : ratio(rates.get('message'), rates.get(way))
      rows.push({ path, way, rate: rates.get(way), costs })
    }
  }
  return {
    title: 'Operations on shared memory per second, beside a message',
    columns: [
      { key: 'path', head: 'from, to', unit: 'text' },
      { key: 'way', head: '', unit: 'text' },
      { key: 'rate', head: 'per second', unit: 'rate' },
      { key: 'costs', head: 'messages for one', unit: 'ratio' },
    ],
    rows,
    notes: [`${IN_FLIGHT} in flight. The message carries the same small value, there and back.`],
  }
}

export const patterns: Suite = {
  name: 'patterns',
  shows: 'What dispatcher, tracer and shared memory cost beside what they stand on.',
  async run(settings: Settings, say): Promise<Table[]> {
    say('dispatcher')
    const dispatcher = await dispatcherTable(settings)
    say('tracer')
    const tracer = await tracerTable(settings)
    say('shared memory')
    return [dispatcher, tracer, await memoryTable(settings)]
  },
}
