// Promised: the dispatcher routes events and what follows from them, loses none, and stops when told.
import { createRuntime, type Runtime } from 'ringreeve'
import { createDispatcher, type DispatchFailure, Terminate } from 'ringreeve/dispatch'
import { expect, it } from 'vitest'
import { anew, type Engine, failure, flag, onEveryEngine, reaches, shared } from './engines.js'
import * as kit from './patterns.js'

const agents = [new URL('./patterns.js', import.meta.url)]
const open = (engine: Engine): Promise<Runtime> => anew(shared(engine, { agents }), ['witness/x', 'held/x'])

onEveryEngine('dispatching', engine => {
  it('what follows keeps the correlation id and names its cause; an id is made where none is given', async () => {
    const runtime = await open(engine)
    await using dispatcher = await createDispatcher(runtime)
    dispatcher.route(kit.Text, 'words/x')
    dispatcher.route(kit.Words, 'witness/x')
    const given = await dispatcher.dispatch(kit.Text, { text: 'a b c' }, { correlationId: 'mine' })
    const made = await dispatcher.dispatch(kit.Text, { text: 'd e' })
    expect(await dispatcher.waitUntilEmpty(5_000)).toBe(true)
    expect(given.correlationId).toBe('mine')
    expect(made.correlationId).toMatch(/^[\da-f-]{36}$/)
    expect(await runtime.send(kit.Seen, undefined, 'witness/x')).toEqual([
      { type: 'words', payload: { words: 3 }, correlationId: 'mine', cause: given.id },
      { type: 'words', payload: { words: 2 }, correlationId: made.correlationId, cause: made.id },
    ])
  })

  it('routes by type, by condition and by what a function picks; an agent gets an event once; a route ends', async () => {
    const runtime = await open(engine)
    await using dispatcher = await createDispatcher(runtime)
    dispatcher.route(kit.Text, ({ correlationId }) => `witness/${correlationId}`)
    dispatcher.route(kit.Text, 'witness/long', { when: ({ payload }) => payload.text.length > 3 })
    const end = dispatcher.route(kit.Text, 'witness/long', { when: ({ payload }) => payload.text.length > 2 })
    for (const text of ['ab', 'abc', 'abcd']) await dispatcher.dispatch(kit.Text, { text }, { correlationId: text })
    end()
    await dispatcher.dispatch(kit.Text, { text: 'xyz' })
    await dispatcher.dispatch(kit.Words, { words: 1 })
    await dispatcher.waitUntilEmpty()
    const seen = async (key: string) =>
      (await runtime.send(kit.Seen, undefined, `witness/${key}`)).map(
        ({ payload }) => (payload as { text: string }).text,
      )
    expect(await seen('long')).toEqual(['abc', 'abcd'])
    expect(await seen('ab')).toEqual(['ab'])
    expect(await seen('abcd')).toEqual(['abcd'])
    expect(dispatcher.stats()).toEqual({ queued: 0, atWork: 0, done: 5, failed: 0, unrouted: 1 })
  })

  it('waitUntilEmpty waits for what follows, and gives false when time is over', async () => {
    const runtime = await open(engine)
    await using dispatcher = await createDispatcher(runtime, { batchSize: 2 })
    dispatcher.route(kit.Count, 'counting/x')
    dispatcher.route(kit.Held, 'held/x')
    expect(await dispatcher.waitUntilEmpty()).toBe(true)
    for (let i = 0; i < 5; i++) await dispatcher.dispatch(kit.Count, { left: 9 })
    expect(await dispatcher.waitUntilEmpty(10_000)).toBe(true)
    expect(dispatcher.stats().done).toBe(50)
    const words = { begun: flag(), release: flag() }
    await dispatcher.dispatch(kit.Held, words)
    expect(await dispatcher.waitUntilEmpty(10)).toBe(false)
    Atomics.store(words.release, 0, 1)
    expect(await dispatcher.waitUntilEmpty()).toBe(true)
  })

  it('an agent that fails stops nobody, and is told of', async () => {
    const runtime = await open(engine)
    const failures: DispatchFailure[] = []
    await using dispatcher = await createDispatcher(runtime, { onFailure: one => failures.push(one) })
    dispatcher.route(kit.Text, 'faulty/x')
    dispatcher.route(kit.Text, 'nobody/x')
    dispatcher.route(kit.Text, 'witness/x')
    dispatcher.route(kit.Text, 'words/x', {
      when: () => {
        throw new Error('no choice')
      },
    })
    for (const text of ['a', 'b']) await dispatcher.dispatch(kit.Text, { text })
    expect(await dispatcher.waitUntilEmpty(5_000)).toBe(true)
    expect((await runtime.send(kit.Seen, undefined, 'witness/x')).length).toBe(2)
    const told = failures.map(({ event, agent, error }) => [
      (event.payload as { text: string }).text,
      agent,
      (error as Error).message,
    ])
    expect(told).toHaveLength(6)
    expect(told).toContainEqual(['a', 'faulty/x', 'not today'])
    expect(told).toContainEqual(['b', undefined, 'no choice'])
    expect(told.filter(([, agent]) => agent === 'nobody/x')).toHaveLength(2)
    expect(dispatcher.stats()).toMatchObject({ done: 2, failed: 6 })
  })

  it('a terminate event stops it at once: what was begun ends, what was not is handed back', async () => {
    const runtime = await open(engine)
    const dispatcher = await createDispatcher(runtime, { batchSize: 2 })
    dispatcher.route(kit.Held, 'held/x')
    dispatcher.route(kit.Count, 'ending/x')
    dispatcher.route(kit.Text, 'witness/x')
    const words = { begun: flag(), release: flag() }
    await dispatcher.dispatch(kit.Held, words)
    await reaches(words.begun, 1)
    await Promise.all([
      dispatcher.dispatch(kit.Count, { left: 0 }),
      ...['a', 'b'].map(text => dispatcher.dispatch(kit.Text, { text })),
    ])
    const emptied = dispatcher.waitUntilEmpty()
    let ended = false
    void dispatcher.ended.then(() => {
      ended = true
    })
    while (dispatcher.stats().queued > 0) await new Promise(resolve => setTimeout(resolve, 1))
    expect(ended).toBe(false)
    expect((await failure(dispatcher.dispatch(kit.Text, { text: 'late' }))).code).toBe('ERR_RINGREEVE_STOPPED')
    expect((await failure(createDispatcher(runtime))).code).toBe('ERR_RINGREEVE_ALREADY_EXISTS') // it is still at work
    Atomics.store(words.release, 0, 1)
    const { by, undone } = await dispatcher.ended
    expect(by?.type).toBe(Terminate.name)
    expect(undone.map(({ payload }) => payload)).toEqual([{ text: 'a' }, { text: 'b' }, { text: 'afterwards' }])
    expect(await emptied).toBe(false)
    expect(await runtime.send(kit.Seen, undefined, 'witness/x')).toEqual([])
    // the name is free again, now that it has ended
    await using second = await createDispatcher(runtime)
    second.route(kit.Text, 'witness/x')
    for (const { type, payload } of undone) if (type === 'text') await second.dispatch(kit.Text, payload as never)
    expect(await second.waitUntilEmpty()).toBe(true)
    expect(await runtime.send(kit.Seen, undefined, 'witness/x')).toHaveLength(3)
  })

  it('batchSize 1 handles one event after another; dispatch waits while the queue is full', async () => {
    const runtime = await open(engine)
    await using dispatcher = await createDispatcher(runtime, { batchSize: 1, capacity: 2 })
    dispatcher.route(kit.Held, ({ correlationId }) => `held/${correlationId}`)
    const words = { begun: flag(), release: flag() }
    for (const correlationId of ['a', 'b', 'c']) await dispatcher.dispatch(kit.Held, words, { correlationId })
    await reaches(words.begun, 1)
    let taken = false
    const late = dispatcher.dispatch(kit.Held, words, { correlationId: 'd' }).then(() => {
      taken = true
    })
    for (let n = 0; n < 100; n++) await undefined // no timer comes between: after a second it may go on
    expect([taken, words.begun[0], dispatcher.stats().atWork, dispatcher.stats().queued]).toEqual([false, 1, 1, 3])
    Atomics.store(words.release, 0, 1)
    await late
    expect(await dispatcher.waitUntilEmpty()).toBe(true)
    expect(words.begun[0]).toBe(4)
  })

  it('every dispatch resolves once there is room, however many wait for it', async () => {
    const runtime = await open(engine)
    await using dispatcher = await createDispatcher(runtime, { batchSize: 1, capacity: 1 })
    dispatcher.route(kit.Text, 'witness/x')
    await Promise.all(Array.from({ length: 20 }, (_, n) => dispatcher.dispatch(kit.Text, { text: `${n}` })))
    expect(await dispatcher.waitUntilEmpty()).toBe(true)
  })

  it('an agent at work on an event does not wait for the room that its own end would make', async () => {
    const runtime = await open(engine)
    await using dispatcher = await createDispatcher(runtime, { batchSize: 1, capacity: 1 })
    dispatcher.route(kit.Count, 'eloquent/x')
    dispatcher.route(kit.Text, 'witness/x')
    await dispatcher.dispatch(kit.Count, { left: 5 })
    expect(await dispatcher.waitUntilEmpty(10_000)).toBe(true)
    expect((await runtime.send(kit.Seen, undefined, 'witness/x')).length).toBe(5)
  })

  it('nor does one whose events begin while its own timer waits for room', async () => {
    const runtime = await open(engine)
    await using dispatcher = await createDispatcher(runtime, { batchSize: 2, capacity: 4 })
    dispatcher.route(kit.Held, ({ correlationId }) => ({ type: correlationId, key: 'x' }))
    dispatcher.route(kit.Count, 'ticking/x')
    dispatcher.route(kit.Text, 'witness/x')
    const [tick, full] = [
      { begun: flag(), release: flag() },
      { begun: flag(), release: flag() },
    ]
    await dispatcher.dispatch(kit.Held, tick, { correlationId: 'ticking' })
    await reaches(tick.begun, 1)
    expect(await dispatcher.waitUntilEmpty()).toBe(true)
    for (let n = 0; n < 2; n++) void dispatcher.dispatch(kit.Held, full, { correlationId: 'holding' })
    for (let n = 0; n < 20; n++) void dispatcher.dispatch(kit.Count, { left: 0 })
    await reaches(full.begun, 2)
    Atomics.store(tick.release, 0, 1)
    while (dispatcher.stats().queued < 21) await new Promise(resolve => setTimeout(resolve, 1))
    Atomics.store(full.release, 0, 1) // all that may be at work stands behind the timer's turn now
    expect(await dispatcher.waitUntilEmpty()).toBe(true)
  })

  it('nor one that an agent at work waits for', async () => {
    const runtime = await open(engine)
    await using dispatcher = await createDispatcher(runtime, { batchSize: 1, capacity: 1 })
    dispatcher.route(kit.Count, 'delegating/x')
    dispatcher.route(kit.Text, 'witness/x')
    await dispatcher.dispatch(kit.Count, { left: 3 })
    expect(await dispatcher.waitUntilEmpty()).toBe(true)
    expect((await runtime.send(kit.Seen, undefined, 'witness/x')).length).toBe(3)
  })

  it('agents on any thread can dispatch by themselves', async () => {
    const runtime = await open(engine)
    await using dispatcher = await createDispatcher(runtime, { name: 'second' })
    dispatcher.route(kit.Text, 'speaker/x')
    dispatcher.route(kit.Count, 'witness/x')
    await dispatcher.dispatch(kit.Text, { text: 'go' }, { correlationId: 'c' })
    await dispatcher.waitUntilEmpty()
    expect(await runtime.send(kit.Seen, undefined, 'witness/x')).toMatchObject([{ type: 'count', correlationId: 'c' }])
  })

  it('a schema of the event is checked on the way', async () => {
    const runtime = await open(engine)
    const failures: DispatchFailure[] = []
    await using dispatcher = await createDispatcher(runtime, { onFailure: one => failures.push(one) })
    dispatcher.route(kit.Checked, 'witness/x')
    await dispatcher.dispatch(kit.Checked, { n: 1 })
    await dispatcher.dispatch(kit.Checked, { n: 'one' as unknown as number })
    await dispatcher.waitUntilEmpty()
    expect((await runtime.send(kit.Seen, undefined, 'witness/x')).map(({ payload }) => payload)).toEqual([
      { n: 1, tag: 'none' },
    ])
    expect(failures[0]?.error).toHaveProperty('code', 'ERR_RINGREEVE_VALIDATION')
    expect(String(failures[0]?.error)).toContain('payload.n')
  })

  it('ends when the runtime stops, with what was not done', async () => {
    const runtime = await createRuntime({ threads: engine.threads, agents })
    const dispatcher = await createDispatcher(runtime, { batchSize: 1 })
    dispatcher.route(kit.Held, 'held/x')
    const words = { begun: flag(), release: flag() }
    for (let i = 0; i < 3; i++) await dispatcher.dispatch(kit.Held, words)
    await reaches(words.begun, 1)
    await runtime.close({ drain: false, timeout: 10 })
    const { by, undone } = await dispatcher.ended
    expect(by).toBeUndefined()
    expect(undone.length).toBeGreaterThanOrEqual(2)
    expect(undone.length + dispatcher.stats().done).toBe(3)
  })
})

it('bad arguments are refused', async () => {
  await using runtime = await createRuntime({ threads: 0 })
  for (const options of [{ batchSize: 0 }, { capacity: 1.5 }])
    expect((await failure(createDispatcher(runtime, options))).code).toBe('ERR_RINGREEVE_INVALID_ARGUMENT')
  const dispatcher = await createDispatcher(runtime)
  for (const ms of [-1, Number.NaN, 2 ** 31])
    expect((await failure(dispatcher.waitUntilEmpty(ms))).code).toBe('ERR_RINGREEVE_INVALID_ARGUMENT')
  expect((await failure(createDispatcher(runtime))).code).toBe('ERR_RINGREEVE_ALREADY_EXISTS')
  expect(() => dispatcher.route(kit.Seen as never, 'witness/x')).toThrow('what event() returned')
  expect(() => dispatcher.route(kit.Text, 'nowhere')).toThrow('type/key')
  expect(() => dispatcher.route(Terminate, 'witness/x')).toThrow('it has no route')
  expect((await failure(dispatcher.dispatch(kit.Text, { text: '' }, { correlationId: '' }))).message).toContain(
    '1 to 256',
  )
  expect((await failure(dispatcher.dispatch(kit.Seen as never, {} as never))).message).toContain(
    'what event() returned',
  )
})
