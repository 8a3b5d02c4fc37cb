// Promised: the aggregator gathers what belongs together, whatever the order, and closes every group once.
import { createRuntime, type LogEntry, type Runtime, type Snapshot } from 'ringreeve'
import {
  aggregator,
  createDispatcher,
  type Dispatcher,
  type DispatchFailure,
  type Group,
  WaitFor,
} from 'ringreeve/dispatch'
import { TestClock } from 'ringreeve/testing'
import { expect, it } from 'vitest'
import { anew, type Engine, failure, onEveryEngine, shared } from './engines.js'
import * as kit from './patterns.js'

const agents = [new URL('./patterns.js', import.meta.url)]
const restarts = { max: 100, within: 1_000, backoff: { min: 1, max: 1 } }
const own = (engine: Engine): Promise<Runtime> => createRuntime({ threads: engine.threads, agents, restarts })
const open = (engine: Engine): Promise<Runtime> =>
  anew(shared(engine, { agents }), ['gatherer/x', 'hasty/x', 'votes/x', 'witness/x'])

async function gathering(runtime: Runtime, to: string, failures: DispatchFailure[] = []): Promise<Dispatcher> {
  const dispatcher = await createDispatcher(runtime, { onFailure: one => void failures.push(one) })
  dispatcher.route(kit.Words, to)
  dispatcher.route(kit.Letters, to)
  dispatcher.route(kit.Both, 'witness/x')
  dispatcher.route(kit.Count, 'witness/x')
  return dispatcher
}

const results = async (runtime: Runtime) =>
  (await runtime.send(kit.Seen, undefined, 'witness/x')).map(({ payload, correlationId }) => ({
    id: correlationId,
    ...(payload as object),
  }))

onEveryEngine('aggregating', engine => {
  it('fires once all needed are there, in any order, each id apart, and an id can be used again', async () => {
    const runtime = await open(engine)
    await using dispatcher = await gathering(runtime, 'gatherer/x')
    const say = {
      words: (n: number, id: string) => dispatcher.dispatch(kit.Words, { words: n }, { correlationId: id }),
      letters: (n: number, id: string) => dispatcher.dispatch(kit.Letters, { letters: n }, { correlationId: id }),
    }
    await say.words(1, 'a')
    await say.letters(2, '__proto__')
    await say.letters(10, 'a')
    await say.words(20, '__proto__')
    await dispatcher.waitUntilEmpty()
    // two of one kind: the second belongs to the next group of that id
    for (const n of [3, 4]) await say.words(n, 'a')
    for (const n of [30, 40]) await say.letters(n, 'a')
    await say.words(5, 'b')
    expect(await dispatcher.waitUntilEmpty(5_000)).toBe(true)
    expect(await results(runtime)).toEqual([
      { id: 'a', words: 1, letters: 10, complete: true },
      { id: '__proto__', words: 20, letters: 2, complete: true },
      { id: 'a', words: 3, letters: 30, complete: true },
      { id: 'a', words: 4, letters: 40, complete: true },
    ])
  })

  it('closes a group with what there is when its time is over; the follow-ups reach the dispatcher', async () => {
    const runtime = await open(engine)
    await using dispatcher = await gathering(runtime, 'hasty/x')
    const { id } = await dispatcher.dispatch(kit.Words, { words: 7 }, { correlationId: 'half' })
    const group = await runtime.send(WaitFor, { correlationId: 'half' }, 'hasty/x')
    expect(group).toMatchObject({ correlationId: 'half', complete: false, events: [{ id }] })
    let seen = await runtime.send(kit.Seen, undefined, 'witness/x')
    while (seen.length === 0) seen = await runtime.send(kit.Seen, undefined, 'witness/x')
    expect(seen).toEqual([
      { type: 'both', payload: { words: 7, letters: -1, complete: false }, correlationId: 'half', cause: id },
    ])
  })

  it('one group too many closes the oldest with what there is', async () => {
    const runtime = await open(engine)
    await using dispatcher = await gathering(runtime, 'gatherer/x')
    for (const n of [1, 2, 3, 4, 5]) await dispatcher.dispatch(kit.Words, { words: n }, { correlationId: `${n}` })
    await dispatcher.dispatch(kit.Letters, { letters: 50 }, { correlationId: '5' })
    await dispatcher.waitUntilEmpty()
    expect((await results(runtime)).sort((a, b) => a.id.localeCompare(b.id))).toEqual([
      { id: '1', words: 1, letters: -1, complete: false },
      { id: '2', words: 2, letters: -1, complete: false },
      { id: '5', words: 5, letters: 50, complete: true },
    ])
  })

  it('what combine throws for the oldest is no failure of the event that it made room for', async () => {
    const told: unknown[] = []
    const log = ({ event, agent, reason }: LogEntry) => {
      if (event === 'error') told.push([agent, reason])
    }
    await using runtime = await createRuntime({ threads: engine.threads, agents, log })
    const failures: DispatchFailure[] = []
    await using dispatcher = await gathering(runtime, 'picky/x', failures)
    for (const id of ['a', 'b']) await dispatcher.dispatch(kit.Words, { words: 1 }, { correlationId: id })
    await dispatcher.dispatch(kit.Letters, { letters: 2 }, { correlationId: 'b' })
    await dispatcher.waitUntilEmpty()
    expect(failures).toEqual([])
    expect(await results(runtime)).toEqual([{ id: 'b', words: 1, letters: 2, complete: true }])
    await runtime.stop()
    expect(told).toEqual([['picky/x', expect.stringContaining('half of a')]])
  })

  it('a type that is needed more than once is waited for as often', async () => {
    const runtime = await open(engine)
    await using dispatcher = await gathering(runtime, 'votes/x')
    for (let i = 0; i < 5; i++) await dispatcher.dispatch(kit.Words, { words: i }, { correlationId: 'poll' })
    await dispatcher.waitUntilEmpty()
    expect(await results(runtime)).toEqual([{ id: 'poll', left: 3 }])
  })

  it('WaitFor gives the group that closes, or closed before, or what is there when time is over', async () => {
    const runtime = await open(engine)
    await using dispatcher = await gathering(runtime, 'gatherer/x')
    const ask = (correlationId: string, timeout?: number) =>
      runtime.send(WaitFor, timeout === undefined ? { correlationId } : { correlationId, timeout }, 'gatherer/x')
    expect(await ask('a', 5)).toEqual({ correlationId: 'a', events: [], complete: false })
    await dispatcher.dispatch(kit.Words, { words: 1 }, { correlationId: 'a' })
    await dispatcher.waitUntilEmpty()
    expect(await ask('a', 5)).toMatchObject({ events: [{ type: 'words' }], complete: false })
    const both = [ask('a'), ask('a')]
    await dispatcher.dispatch(kit.Letters, { letters: 2 }, { correlationId: 'a' })
    for (const group of await Promise.all(both))
      expect(group).toMatchObject({ events: [{ type: 'words' }, { type: 'letters' }], complete: true })
    await dispatcher.dispatch(kit.Words, { words: 1 }, { correlationId: 'b' })
    await dispatcher.dispatch(kit.Letters, { letters: 2 }, { correlationId: 'b' })
    await dispatcher.waitUntilEmpty()
    expect((await ask('b')).complete).toBe(true)
    expect((await ask('b', 5)).complete).toBe(false) // it was asked for
  })

  it('open groups are state: saved, and gone on with elsewhere', async () => {
    const runtime = await open(engine)
    await using dispatcher = await gathering(runtime, 'gatherer/x')
    await dispatcher.dispatch(kit.Words, { words: 1 }, { correlationId: 'a' })
    await dispatcher.waitUntilEmpty()
    const saved = JSON.parse(JSON.stringify(await runtime.saveState())) as Snapshot
    await using second = await own(engine)
    await using other = await gathering(second, 'gatherer/x')
    await second.loadState(saved)
    await other.dispatch(kit.Letters, { letters: 2 }, { correlationId: 'a' })
    await other.waitUntilEmpty()
    expect(await results(second)).toEqual([{ id: 'a', words: 1, letters: 2, complete: true }])
  })

  it('who waits when it stops is given what is there', async () => {
    await using runtime = await own(engine)
    await using dispatcher = await gathering(runtime, 'gatherer/x')
    await dispatcher.dispatch(kit.Words, { words: 1 }, { correlationId: 'a' })
    await dispatcher.waitUntilEmpty()
    const asked = runtime.send(WaitFor, { correlationId: 'a', timeout: 600_000 }, 'gatherer/x')
    await runtime.send(WaitFor, { correlationId: 'b', timeout: 1 }, 'gatherer/x')
    await runtime.stop()
    expect(await asked).toMatchObject({ events: [{ type: 'words' }], complete: false })
  })

  it.runIf(engine.threads > 0)('with checkpoints its open groups outlive its thread', async () => {
    await using runtime = await own(engine)
    await using dispatcher = await gathering(runtime, 'lasting/x')
    await dispatcher.dispatch(kit.Words, { words: 1 }, { correlationId: 'a' })
    await dispatcher.waitUntilEmpty()
    const mortals = engine.threads === 1 ? 1 : 8 // agents enough to be on every thread
    for (let n = 0; n < mortals; n++) await failure(runtime.send(kit.Crash, undefined, `mortal/${n}`))
    await dispatcher.dispatch(kit.Letters, { letters: 2 }, { correlationId: 'a' })
    expect(await runtime.send(WaitFor, { correlationId: 'a' }, 'lasting/x')).toMatchObject({ complete: true })
  })
})

/** Three fake seconds for a group, on one loop. */
async function timed(clock: TestClock): Promise<{ runtime: Runtime; dispatcher: Dispatcher; closed: Group[] }> {
  const closed: Group[] = []
  const needs = [kit.Words, kit.Letters]
  const slow = aggregator('slow', { needs, timeout: 3_000, combine: group => void closed.push(group) })
  const runtime = await createRuntime({ threads: 0, clock, agents: [slow] })
  const dispatcher = await createDispatcher(runtime)
  dispatcher.route(kit.Words, 'slow/x')
  return { runtime, dispatcher, closed }
}

it('its time is that of the loop, so tests can drive it', async () => {
  const clock = new TestClock()
  const { runtime, dispatcher, closed } = await timed(clock)
  await dispatcher.dispatch(kit.Words, { words: 1 }, { correlationId: 'a' })
  await clock.advance(2_000)
  await dispatcher.dispatch(kit.Words, { words: 2 }, { correlationId: 'b' })
  await clock.advance(999)
  expect(closed).toEqual([])
  await clock.advance(1)
  expect(closed).toMatchObject([{ correlationId: 'a', complete: false }])
  let answer: Group | undefined
  const asked = runtime.send(WaitFor, { correlationId: 'c', timeout: 1_000 }, 'slow/x')
  void asked.then(group => {
    answer = group
  })
  await clock.advance(999)
  expect([answer, closed.length]).toEqual([undefined, 1])
  await clock.advance(1)
  expect(answer).toEqual({ correlationId: 'c', events: [], complete: false })
  await clock.advance(1_000)
  expect(closed).toMatchObject([{ correlationId: 'a' }, { correlationId: 'b' }])
  await runtime.close()
  expect(clock.pending).toBe(0)
})

it('the time of restored groups goes on without a further event', async () => {
  const first = await timed(new TestClock())
  await first.dispatcher.dispatch(kit.Words, { words: 1 }, { correlationId: 'a' })
  await first.dispatcher.waitUntilEmpty()
  const saved = await first.runtime.saveState()
  await first.runtime.close()
  const clock = new TestClock()
  const { runtime, closed } = await timed(clock)
  await runtime.loadState(saved)
  await clock.advance(5_999)
  expect(closed).toEqual([])
  await clock.advance(1)
  expect(closed).toMatchObject([{ correlationId: 'a', complete: false }])
  await runtime.close()
})

it('bad options are refused', () => {
  const combine = () => undefined
  expect(() => aggregator('x', { needs: [], combine })).toThrow('at least one event type')
  expect(() => aggregator('x', { needs: [kit.Text], combine: undefined as never })).toThrow(
    'combine must be a function',
  )
  expect(() => aggregator('x', { needs: [kit.Text], combine, timeout: 0 })).toThrow(
    "aggregator 'x': timeout takes milliseconds",
  )
})
