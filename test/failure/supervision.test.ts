// Promised: what ends threads too often is given up, and nothing else is; an agent comes back with its last checkpoint
// and is told.
import {
  AgentFailedError,
  agent,
  createRuntime,
  InvalidArgumentError,
  type LogEntry,
  type Runtime,
  request,
  ThreadLostError,
} from 'ringreeve'
import { describe, expect, it } from 'vitest'
import { Supervisor } from '#ringreeve/coordinator/supervisor.js'
import { placeOf } from '#ringreeve/routing/table.js'
import { failure, flag, reaches, threadCounts } from '../conformance/engines.js'
import * as mortals from './mortals.js'

const url = new URL('./mortals.js', import.meta.url)
const open = (threads: number, more = {}): Promise<Runtime> => createRuntime({ threads, agents: [url], ...more })
const { Count, Look, Keep, End, Both, Slip, Fine, Linger, Told } = mortals

async function end(runtime: Runtime, agent: string): Promise<void> {
  expect(await failure(runtime.send(End, undefined, agent))).toBeInstanceOf(ThreadLostError)
}

for (const threads of threadCounts) {
  describe(`supervision (${threads})`, () => {
    it('everyMessages: what was answered is there after a crash', async () => {
      await using runtime = await open(threads)
      for (let n = 1; n <= 5; n++) expect(await runtime.send(Count, undefined, 'every/x')).toBe(n)
      await end(runtime, 'every/x')
      expect(await runtime.send(Look, undefined, 'every/x')).toMatchObject({ n: 5, restarts: 1 })
      expect(await runtime.send(Count, undefined, 'every/x')).toBe(6)
      await end(runtime, 'every/x')
      expect(await runtime.send(Look, undefined, 'every/x')).toMatchObject({ n: 6, restarts: 2 })
    })

    it('an onRestart that fails leaves nothing in the checkpoint that the next attempt begins with', async () => {
      await using runtime = await open(threads)
      await runtime.send(Count, undefined, 'retrying/x')
      await end(runtime, 'retrying/x')
      for (let n = 0; n < 3; n++)
        expect((await failure(runtime.send(Look, undefined, 'retrying/x'))).message).toContain('the database is away')
      expect(await runtime.send(Look, undefined, 'retrying/x')).toEqual({ n: 1, restarts: 1, starts: 0 })
    })

    it('everyMessages: 3 keeps each third turn', async () => {
      await using runtime = await open(threads)
      for (let n = 1; n <= 5; n++) await runtime.send(Count, undefined, 'thirds/x')
      await end(runtime, 'thirds/x')
      expect(await runtime.send(Look, undefined, 'thirds/x')).toMatchObject({ n: 3, restarts: 1 })
    })

    it('everyMs keeps what changed, after that time', async () => {
      await using runtime = await open(threads, { restarts: { max: 1_000, within: 1_000 } }) // as many as it takes
      for (let n = 1; n <= 5; n++) await runtime.send(Count, undefined, 'timed/x')
      let kept = 0
      while (kept !== 5) {
        await new Promise(resolve => setTimeout(resolve, 25))
        await end(runtime, 'timed/x')
        kept = (await runtime.send(Look, undefined, 'timed/x')).n
        for (let n = kept; n < 5; n++) await runtime.send(Count, undefined, 'timed/x')
      }
    })

    it('an agent that was stopped, here or before it came back, does not come back', async () => {
      await using runtime = await open(threads)
      for (const key of ['here', 'away', 'stays']) await runtime.send(Count, undefined, `every/${key}`)
      await runtime.handle(mortals.every, 'here').stop()
      await end(runtime, 'every/here')
      await end(runtime, 'every/away')
      await runtime.handle(mortals.every, 'away').stop()
      await end(runtime, 'every/stays')
      for (const key of ['here', 'away']) {
        expect(await runtime.send(Look, undefined, `every/${key}`)).toMatchObject({ n: 0 })
      }
      expect(await runtime.send(Look, undefined, 'every/stays')).toMatchObject({ n: 1 })
    })

    it('on demand: as it was when the handler asked; without checkpoints the agent begins anew and is told', async () => {
      await using runtime = await open(threads)
      for (const agent of ['demand/x', 'plain/x']) {
        for (let n = 1; n <= 2; n++) await runtime.send(Count, undefined, agent)
      }
      await runtime.send(Keep, undefined, 'demand/x')
      await runtime.send(Count, undefined, 'demand/x')
      expect(await failure(runtime.send(Keep, undefined, 'plain/x'))).toBeInstanceOf(InvalidArgumentError)
      await end(runtime, 'demand/x')
      await end(runtime, 'plain/x')
      expect(await runtime.send(Look, undefined, 'demand/x')).toMatchObject({ n: 2, restarts: 1 })
      expect(await runtime.send(Look, undefined, 'plain/x')).toEqual({ n: 0, restarts: 1, starts: 1 })
    })

    it('innocents on the same thread come back the same way, also before their next message when state is saved', async () => {
      await using runtime = await open(threads)
      const keys = Array.from({ length: 8 }, (_, key) => `every/${key}`)
      for (const agent of keys) await runtime.send(Count, undefined, agent)
      await end(runtime, 'every/0')
      const snapshot = await runtime.saveState()
      for (const agent of keys) expect(snapshot[agent as 'every/0']).toMatchObject({ n: 1 })
      for (const agent of keys) expect(await runtime.send(Count, undefined, agent)).toBe(2)
    })

    it('what was kept of agents whose thread was given up is in the snapshot', async () => {
      await using runtime = await open(threads, { restarts: { max: 1, within: 60_000 } })
      await runtime.send(Count, undefined, 'every/x')
      const gone = () =>
        runtime.get('every/x').then(
          () => false,
          () => true,
        )
      for (let most = 1_000; most > 0 && !(await gone()); most--) await runtime.trySend(Slip, undefined, 'every/x')
      expect(await gone()).toBe(true)
      expect((await runtime.saveState())['every/x']).toMatchObject({ n: 1 })
    })

    it.each(['factory', 'starting', 'belated', 'again', 'stopping', 'looping'])(
      'what is no turn is charged to its type too: %s',
      async type => {
        await using runtime = await open(threads, { restarts: { max: 1, within: 60_000 } })
        for (const key of ['a', 'b', 'c', 'd']) await runtime.send(Fine, undefined, `resting/${key}`)
        if (type === 'again') await runtime.trySend(End, undefined, 'again/x')
        const failed = () => runtime.agents().find(one => one.type === type)?.failed
        for (let most = 1_000; most > 0 && failed() === undefined; most--) {
          await runtime.trySend(Fine, undefined, `${type}/x`)
          if (type === 'stopping')
            await runtime
              .handle({ type }, 'x')
              .stop()
              .catch(() => {})
        }
        expect(failed()).toContain('exited')
        expect(runtime.stats().givenUp).toEqual([])
        for (const key of ['a', 'b', 'c', 'd']) {
          expect(await runtime.send(Fine, undefined, `resting/${key}`, { idempotent: true })).toBe('fine')
        }
      },
    )

    it('an agent type that ends threads too often fails; its senders are told at once, others go on', async () => {
      const log: string[] = []
      await using runtime = await open(threads, { log: (entry: { reason?: string }) => log.push(`${entry.reason}`) })
      for (let n = 0; n < 2; n++) await end(runtime, 'fragile/x')
      const error = await failure(runtime.send(End, undefined, 'fragile/x'))
      expect(error).toBeInstanceOf(AgentFailedError)
      expect(error).toMatchObject({ code: 'ERR_RINGREEVE_AGENT_FAILED', retryable: false, agent: 'fragile/x' })
      expect(error.message).toContain('it exited with code 7')
      expect(await failure(runtime.send(End, undefined, 'fragile/y'))).toBeInstanceOf(AgentFailedError)
      const events = await failure(runtime.publish(Told, undefined, { topic: 'told/x', until: 'handled' }))
      expect((events as unknown as AggregateError).errors).toMatchObject([{ agent: 'fragile/x' }])
      for (let key = 0; key < 8; key++) {
        expect(await runtime.send(Fine, undefined, `innocent/${key}`)).toBe('fine')
      }
      expect(runtime.agents().find(one => one.type === 'fragile')?.failed).toContain('exited')
      expect(log.some(reason => reason.includes("agent type 'fragile' failed"))).toBe(true)
      await runtime.idle()
      await runtime.stop()
      await runtime.start()
      await end(runtime, 'fragile/x')
    })
  })
}

it('a turn that outlived its agent is a suspect like any other: no innocent is charged alone', async () => {
  await using runtime = await open(1)
  for (let n = 0; n < 2; n++) {
    const words = { begun: flag(), release: flag() }
    const other = { begun: flag(), release: flag() }
    const turns = [
      failure(runtime.send(Linger, words, 'lingering/x')),
      failure(runtime.send(Linger, other, 'fragile/x')),
    ]
    await Promise.all([reaches(words.begun, 1), reaches(other.begun, 1)])
    await runtime.handle(mortals.lingering, 'x').stop({ timeout: 1 })
    Atomics.store(words.release, 0, 1)
    expect(await turns[1]).toBeInstanceOf(ThreadLostError)
    await turns[0]
  }
  expect(runtime.agents().find(one => one.type === 'fragile')?.failed).toBe(undefined)
  await end(runtime, 'fragile/x')
})

it('a request that is still being checked when its agent type fails is told so, and is no work for ever', async () => {
  const Go = request<void, unknown>('go')
  let pass = (_: { value: unknown }): void => {}
  const schema = {
    '~standard': { version: 1, vendor: 'test', validate: () => new Promise(ok => (pass = ok)) },
  } as const
  const Checked = request('fine', { input: schema as never })
  const asker = agent('asker').on(Go, (_, ctx) => ctx.send(Checked, undefined as never, 'fragile/x'))
  await using runtime = await createRuntime({ threads: 1, agents: [url, asker] })
  const asked = failure(runtime.send(Go, undefined, 'asker/x'))
  for (let n = 0; n < 2; n++) await end(runtime, 'fragile/y')
  expect(await failure(runtime.send(End, undefined, 'fragile/y'))).toBeInstanceOf(AgentFailedError)
  pass({ value: undefined })
  expect(await asked).toBeInstanceOf(AgentFailedError)
  await runtime.idle()
})

it('threads that begin later know of one that was given up', async () => {
  await using runtime = await open(2, { restarts: { max: 0, within: 60_000 } })
  const keyOn = (loop: number): string =>
    ['a', 'b', 'c', 'd', 'e', 'f'].find(key => placeOf(key, 2) === loop - 1) as string
  const lost = `plain/${keyOn(1)}`
  await runtime.send(Slip, undefined, lost)
  for (let told = ''; !told.includes('not started again'); ) {
    const sent = await runtime.trySend(Look, undefined, lost)
    if (!sent.ok) told = (sent.error as Error).message
  }
  const other = `fragile/${keyOn(2)}`
  await end(runtime, other)
  expect((await failure(runtime.send(Both, { to: lost }, other))).message).toContain('thread 1 was lost')
})

describe('the supervisor', () => {
  const policy = { max: 3, within: 1_000, backoff: { min: 10, max: 35 } }

  it('charges a type when only its turns were open, else the thread', () => {
    const supervisor = new Supervisor({ ...policy, max: 1 }, () => 0)
    const ended = (agents: string[] | undefined) => supervisor.ended(1, agents, undefined, () => undefined)
    expect(ended(['a/1', 'a/2']).failed).toBe(undefined)
    expect(ended(['a/1', 'b/1']).forGood).toBe(false)
    expect(ended(['a/3']).failed).toBe('a')
    expect(ended(undefined)).toMatchObject({ forGood: true })
    expect(supervisor.ended(2, [], undefined, () => undefined).forGood).toBe(false)
  })

  it('charges a module with what it did outside of its agents’ turns', () => {
    const supervisor = new Supervisor({ ...policy, max: 1 }, () => 0)
    const ended = (agents: string[], module: string) => supervisor.ended(1, agents, module, () => undefined)
    expect(ended(['a/1'], 'file:///m.js')).toMatchObject({ forGood: false, delay: 0 })
    expect(ended([], 'file:///other.js').failedModule).toBe(undefined)
    expect(ended(['a/1'], 'file:///m.js')).toEqual({ failedModule: 'file:///m.js', forGood: false, delay: 0 })
  })

  it('forgets what is long ago', () => {
    let now = 0
    const supervisor = new Supervisor(policy, () => now)
    for (let n = 0; n < 50; n++, now += 400)
      expect(supervisor.ended(1, ['a/x'], undefined, () => undefined).failed).toBe(undefined)
  })

  it('backs off: at once, then doubling up to a bound, between half and all of it', () => {
    for (const chance of [0, 1]) {
      const supervisor = new Supervisor(
        { ...policy, max: 10 },
        () => 0,
        () => chance,
      )
      const delays = Array.from({ length: 5 }, () => supervisor.ended(1, undefined, undefined, () => undefined).delay)
      expect(delays).toEqual([0, 10, 20, 35, 35].map(full => full * (0.5 + chance / 2)))
    }
  })
})

it('policies that make no sense are refused', async () => {
  expect((await failure(createRuntime({ restarts: { max: -1, within: 10 } }))).message).toMatch(/^restarts: max/)
  const backoff = { min: 10, max: 1 }
  expect((await failure(createRuntime({ restarts: { max: 1, within: 10, backoff } }))).message).toMatch(/backoff/)
})

it('a module that ends its threads of itself is given up, with its agents; others go on', async () => {
  const library = new URL('../../../dist/index.js', import.meta.url)
  const late = `import { agent, request } from '${library}'
    export const late = agent('late').on(request('ask'), () => 1)
    setTimeout(() => Promise.reject(new Error('refused')), 20)`
  const told: string[] = []
  const log = ({ event, reason }: LogEntry) => {
    if (event === 'crash' && reason?.startsWith('agent module')) told.push(reason)
  }
  await using runtime = await open(2, { log })
  await runtime.send(Count, undefined, 'every/x')
  const module = `data:text/javascript,${encodeURIComponent(late)}`
  await runtime.register(new URL(module))
  while (told.length === 0) await new Promise(resolve => setTimeout(resolve, 10))
  expect(told).toEqual([expect.stringMatching(/^agent module data:.* failed, with all its agents: .*refused/)])
  // a life that loaded the module before may end of it once more
  let counted = await runtime.trySend(Count, undefined, 'every/x')
  while (!counted.ok) counted = await runtime.trySend(Count, undefined, 'every/x')
  expect(counted.value).toBeGreaterThan(1)
  while ((await failure(runtime.send(request('ask'), undefined, 'late/x'))).code !== 'ERR_RINGREEVE_AGENT_FAILED');
  while (!runtime.stats().loops.every(({ alive }) => alive)) await new Promise(resolve => setTimeout(resolve, 10))
})
