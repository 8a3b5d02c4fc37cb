// Promised: where nobody listens, the first of each kind of what nobody waits for is a process warning, from whatever loop:
// a crash, something that is given up, a handler that hangs.
import { agent, createRuntime, event, type LogEntry, request } from 'ringreeve'
import { expect, it } from 'vitest'

const library = new URL('../../../dist/index.js', import.meta.url).href
const agents = new URL(
  `data:text/javascript,${encodeURIComponent(`import { agent, request } from '${library}'
    export const mortal = agent('mortal').on(request('die'), () => process.exit(1))
    export const spins = agent('spins').on(request('spin'), word => { while (Atomics.load(word, 0) === 0); })`)}`,
)
const Die = request<null, void>('die')
const Spin = request<Int32Array, void>('spin')

type Told = Error & { readonly code?: string }

async function warnings(until: (all: readonly Told[]) => boolean, work: () => Promise<void>): Promise<readonly Told[]> {
  const all: Told[] = []
  let look = (): void => {}
  const told = (warning: Error): void => {
    if (warning.name === 'RingreeveWarning') all.push(warning)
    look()
  }
  process.on('warning', told)
  await work()
  await new Promise<void>(resolve => {
    look = () => until(all) && resolve()
    look()
  })
  process.off('warning', told)
  return all
}

it('a crash, and a type that is given up', async () => {
  await using runtime = await createRuntime({ threads: 1, agents: [agents], restarts: { max: 1, within: 60_000 } })
  const all = await warnings(
    told => told.some(({ code }) => code === 'RINGREEVE_GIVEN_UP'),
    async () => {
      for (let i = 0; i < 3; i++) await runtime.trySend(Die, null, 'mortal/x')
    },
  )
  expect(all.map(({ code }) => code).sort()).toEqual(['RINGREEVE_CRASH', 'RINGREEVE_GIVEN_UP'])
  expect(all.map(({ message }) => message).join()).toContain("agent type 'mortal' failed")
})

it('a handler that hangs, by name', async () => {
  await using runtime = await createRuntime({ threads: 1, agents: [agents] })
  const word = new Int32Array(new SharedArrayBuffer(4))
  let spun: Promise<void> = Promise.resolve()
  const [told] = await warnings(
    all => all.length > 0,
    async () => {
      spun = runtime.send(Spin, word, 'spins/x')
    },
  )
  Atomics.store(word, 0, 1)
  await spun
  expect(told?.code).toBe('RINGREEVE_SLOW')
  expect(told?.message).toContain("'spin' of spins/x")
})

it('an event that is given up in its queue is one drop entry, whatever the reason', async () => {
  const Note = event<number>('note')
  const Hold = request<null, void>('hold')
  const holds: (() => void)[] = []
  const busy = agent('busy', { subscriptions: ['note'], mailbox: { capacity: 1, overflow: 'reject' } })
    .on(Note, () => {})
    .on(Hold, () => new Promise<void>(resolve => holds.push(resolve)))
  const drops: LogEntry[] = []
  const log = (entry: LogEntry): void => {
    if (entry.event === 'drop') drops.push(entry)
  }
  await using runtime = await createRuntime({ threads: 0, agents: [busy], log })
  const cases = ['stopped', 'aborted', 'refused', 'refused and waited for']
  const aborting = new AbortController()
  for (const [n, what] of cases.entries()) {
    const held = runtime.trySend(Hold, null, `busy/${n}`)
    while (holds.length <= n) await new Promise(resolve => setImmediate(resolve))
    const topic = `note/${n}`
    await runtime.publish(Note, n, { topic, ...(what === 'aborted' && { signal: aborting.signal }) })
    if (what === 'stopped') await runtime.handle(busy, `${n}`).stop({ drain: false, timeout: 50 })
    else if (what === 'aborted') aborting.abort()
    else await runtime.publish(Note, n, { topic, until: what === 'refused' ? 'accepted' : 'handled' }).catch(() => {})
    holds[n]?.()
    await held
    await runtime.idle()
    expect([what, ...drops.splice(0).map(entry => entry.agent)]).toEqual([what, `busy/${n}`])
  }
})

it('an error that is told is cut where it is longer than anybody reads', async () => {
  const Fail = event<string>('fail')
  const failing = agent('failing', { subscriptions: ['t'] }).on(Fail, text => {
    throw new Error(text)
  })
  const reasons: number[] = []
  const log = ({ reason = '' }: LogEntry) => void reasons.push(reason.length)
  await using runtime = await createRuntime({ threads: 0, agents: [failing] })
  await using heard = await createRuntime({ threads: 0, agents: [failing], log })
  const [told] = await warnings(
    all => all.length > 0,
    () => runtime.publish(Fail, 'x'.repeat(1_000_000), { topic: 't/x' }),
  )
  expect(told?.message).toMatch(/^'fail' failed at failing\/x: Error: x+… \(1000\d+ characters\)/)
  expect(told?.message.length).toBeLessThan(3_000)
  await heard.publish(Fail, 'x'.repeat(1_000_000), { topic: 't/x' })
  await heard.idle()
  expect(Math.max(...reasons)).toBeGreaterThan(9_000)
  expect(Math.max(...reasons)).toBeLessThan(11_000)
})

it('a hundred kinds of one code silence no other, and that there are more is told', async () => {
  const Bad = event<null>('bad')
  const bad = Array.from({ length: 102 }, (_, n) =>
    agent(`bad-${n}`, { subscriptions: [`bad-${n}`] }).on(Bad, () => {
      throw new Error('bad')
    }),
  )
  await using runtime = await createRuntime({
    threads: 1,
    agents: [...bad, agents],
    restarts: { max: 1, within: 60_000 },
  })
  const all = await warnings(
    told => told.some(({ code }) => code === 'RINGREEVE_GIVEN_UP'),
    async () => {
      for (const { type } of bad) await runtime.publish(Bad, null, { topic: `${type}/x` })
      await runtime.idle()
      for (let i = 0; i < 3; i++) await runtime.trySend(Die, null, 'mortal/x')
    },
  )
  const errors = all.filter(({ code }) => code === 'RINGREEVE_ERROR').map(({ message }) => message)
  expect(errors.length).toBe(101)
  expect(errors.at(-1)).toContain('more than 100 kinds of RINGREEVE_ERROR')
  expect(all.some(({ code }) => code === 'RINGREEVE_CRASH')).toBe(true)
})
