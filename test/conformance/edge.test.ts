// Promised: what the application throws, returns or is asked for in the middle of a send may be anything, also what throws when
// it is read, or sends. Its send settles, it is told, and what was not meant is refused where it is written.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { agent, createRuntime, interceptor, request } from 'ringreeve'
import { aggregator, createDispatcher } from 'ringreeve/dispatch'
import { memory } from 'ringreeve/memory'
import { TestClock, testAgent } from 'ringreeve/testing'
import { Tracer } from 'ringreeve/trace'
import { expect, it, vi } from 'vitest'
import * as edge from './edge.js'
import { failure, flag, onEveryEngine, open, reaches, shared } from './engines.js'

const agents = [new URL('./edge.js', import.meta.url)]

onEveryEngine('what is thrown', engine => {
  it('settles its send, whatever it is, and the agent goes on', async () => {
    const runtime = await shared(engine, { agents })
    for (const kind of Object.keys(edge.oddities)) {
      const result = await runtime.trySend(edge.Throw, kind, 'thrower/x')
      expect(result.ok, kind).toBe(false)
    }
    expect(await runtime.send(edge.Ping, undefined, 'thrower/x')).toBe('pong')
    await runtime.idle()
    for (const { accepted, done, running } of runtime.stats().loops) expect([running, done]).toEqual([0, accepted])
  })

  it('is told as text that can be read, also of events', async () => {
    const told: string[] = []
    const runtime = await open(engine, {
      agents,
      log: entry => {
        if (entry.event === 'error') told.push(entry.reason ?? '')
      },
    })
    const kinds = Object.keys(edge.oddities)
    for (const kind of kinds) {
      await runtime.publish(edge.Thrown, kind, { topic: 'thrown/x' })
      const all = await runtime
        .publish(edge.Thrown, kind, { topic: 'thrown/x', until: 'handled' })
        .catch(error => error)
      expect(all).toBeInstanceOf(AggregateError)
    }
    await runtime.idle()
    expect(told).toHaveLength(2 * kinds.length)
    for (const reason of told) expect(reason).not.toBe('')
    await runtime.close()
  })

  it('does not grow with each of many who are told of one error', async () => {
    const runtime = await shared(engine, { agents })
    let longest = 0
    for (let i = 0; i < 300; i++) {
      const { error } = (await runtime.trySend(edge.Same, undefined, `thrower/${i}`)) as { error: Error }
      longest = Math.max(longest, error.stack?.length ?? 0)
    }
    expect(longest).toBeLessThan(20_000)
  })
})

onEveryEngine('what is sent while something is being sent', engine => {
  it('by a getter or a serializer has a frame of its own', async () => {
    const runtime = await shared(engine, { agents })
    const inner: Promise<unknown>[] = []
    const count = (): void => void inner.push(runtime.send(edge.Count, 'inner', 'counter/getter'))
    const payload = {
      a: 1,
      get b() {
        count()
        void runtime.publish(edge.Counted, 'inner', { topic: 'counted/heard' })
        return new Uint8Array(8)
      },
      c: new Map([[1, { d: 2 }]]),
    }
    expect(await runtime.send(edge.Echo, payload, 'thrower/x')).toEqual(['a', 'b', 'c'])
    const serialized = request<string, string>('store', { serializer: edge.coded(count) })
    expect(await runtime.send(serialized, 'text', 'store/x')).toBe('stored text')
    const counted = await Promise.all(inner)
    expect(counted.sort()).toEqual(counted.map((_, i) => i + 1))
    expect(await runtime.send(edge.Nested, 'nested', 'store/x')).toEqual({ at: 'store/x', inner: 1 })
    await runtime.idle()
    for (const { accepted, done } of runtime.stats().loops) expect(done).toBe(accepted)
  })

  it('by what is cloned, and by what sends itself, ends', async () => {
    const runtime = await shared(engine, { agents })
    const inner: Promise<unknown>[] = []
    class Cloned {
      get a() {
        inner.push(runtime.send(edge.Count, this, 'counter/cloned').catch(error => error.code))
        return 1
      }
    }
    const cloned = new Cloned()
    Object.defineProperty(cloned, 'b', { enumerable: true, get: () => cloned.a })
    await runtime.send(edge.Count, cloned, 'counter/cloned')
    await Promise.all(inner)
    await runtime.idle()
  })
})

onEveryEngine('what is returned', engine => {
  const outcomes = { once: 'once', twice: 'twice', 'throws when called': 'then threw', 'throws late': 'late' }
  const others = { 'throws when looked at': 'getter threw', counted: 'counted', 'a function': 'function' }
  const all = { ...outcomes, ...others, nested: 'nested', 'of a class': 'class' }

  it('is waited for if it has a `then`, which is looked at once and heard once', async () => {
    const runtime = await shared(engine, { agents })
    for (const [kind, outcome] of Object.entries(all)) {
      const given = await runtime.trySend(edge.Give, kind, 'giver/x')
      expect(given.ok ? given.value : (given.error as Error).message, kind).toBe(outcome)
    }
    expect((await runtime.trySend(edge.Give, 'no promise', 'giver/x')).ok).toBe(false)
    expect(await runtime.send(edge.Looks, undefined, 'giver/x')).toBe(1)
    await runtime.idle()
    for (const { accepted, done, running } of runtime.stats().loops) expect([running, done]).toEqual([0, accepted])
  })

  it('is no answer of a predicate if it is a promise', async () => {
    const runtime = await shared(engine, { agents })
    const { code, message } = await failure(runtime.send(edge.Asked, undefined, 'giver/x'))
    expect([code, message]).toEqual(['ERR_RINGREEVE_INVALID_ARGUMENT', expect.stringContaining('when of')])
  })

  it('hooks of a definition that has several all run, in order', async () => {
    const runtime = await shared(engine, { agents })
    expect(await runtime.send(edge.Ran, undefined, 'hooked/x')).toEqual(['first start', 'second start'])
    const stopped = await failure(runtime.handle(edge.hooked, 'x').stop())
    expect(stopped.message).toBe('the first failed')
    const ran = await runtime.send(edge.Ran, undefined, 'hooked/x')
    expect(ran.slice(2)).toEqual(['first stop', 'second stop', 'first start', 'second start'])
  })
})

it('a payload with a then of its own is looked at by nobody on its way, with interceptors and schemas too', async () => {
  const seen = { looks: 0 }
  const odd = {
    // biome-ignore lint/suspicious/noThenProperty: that is what this is about
    get then() {
      seen.looks++
      return () => {
        throw new Error('called')
      }
    },
  }
  const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const
  const Take = request('take', { input: schema as StandardSchemaV1<object> })
  const taker = agent('taker').on(Take, payload => payload === odd)
  const passed = interceptor({ onSend: () => undefined, onPublish: () => undefined })
  await using runtime = await createRuntime({ agents: [taker], interceptors: [passed] })
  expect(await runtime.send(Take, odd, 'taker/x')).toBe(true)
  expect(seen.looks).toBe(0)
})

onEveryEngine('clocks and timers that a test runner puts in place of Node’s', engine => {
  it('do not stop a runtime', async () => {
    const toFake = [
      'setTimeout',
      'clearTimeout',
      'setInterval',
      'clearInterval',
      'setImmediate',
      'clearImmediate',
    ] as const
    vi.useFakeTimers({ toFake: [...toFake, 'Date', 'performance', 'hrtime', 'queueMicrotask'] })
    try {
      const runtime = await open(engine, { agents })
      await runtime.send(edge.Rest, undefined, 'giver/x')
      const { code } = await failure(runtime.send(edge.Rest, 100_000, 'giver/x', { timeout: 5 }))
      expect(code).toBe('ERR_RINGREEVE_TIMEOUT')
      await runtime.publish(edge.Counted, 1, { topic: 'counted/fake', until: 'handled' })
      await runtime.idle()
      await runtime.stopWhen(() => true)
      await runtime.close()
    } finally {
      vi.useRealTimers()
    }
  })
})

onEveryEngine('the signal of a turn', engine => {
  it('says why, with an error of the caller, wherever that is', async () => {
    const runtime = await shared(engine, { agents })
    const why = async (key: string, give: (to: AbortController) => unknown, timeout?: number): Promise<unknown> => {
      const controller = new AbortController()
      const { signal } = controller
      const options = timeout === undefined ? { signal } : { timeout }
      const words = { begun: flag(), over: flag() }
      const sent = failure(runtime.send(edge.Watch, words, `watcher/${key}`, options))
      await reaches(words.begun, 1)
      give(controller)
      await sent
      await reaches(words.over, 1)
      return runtime.send(edge.Why, undefined, `watcher/${key}`)
    }
    expect(await why('plain', one => one.abort())).toEqual(['AbortError', 'This operation was aborted'])
    const own = Object.assign(new TypeError('user left'), { name: 'UserLeft' })
    expect(await why('own', one => one.abort(own))).toEqual(['UserLeft', 'user left'])
    const odd = Object.assign(new Error('odd'), { what: () => {} })
    expect(await why('odd', one => one.abort(odd))).toEqual(['Error', 'odd'])
    await runtime.send(edge.Why, undefined, 'watcher/late') // it is there: its turn begins in time
    const late = (await why('late', () => {}, 1_000)) as string[]
    expect(late[0]).toBe('TimeoutError')
  })

  it('may be waited for by many at a time', async () => {
    const runtime = await shared(engine, { agents })
    expect(await runtime.send(edge.Many, undefined, 'watcher/many')).toEqual([])
  })
})

it('a stack that the application makes otherwise is left alone', async () => {
  const runtime = await open({ name: '', threads: 0 }, { agents: [edge.thrower] })
  const prepare = vi.fn((_: Error, frames: NodeJS.CallSite[]) => frames)
  const before = Error.prepareStackTrace
  Error.prepareStackTrace = prepare
  try {
    const { error } = (await runtime.trySend(request<string, void>('throw'), 'plain', 'thrower/x')) as { error: Error }
    expect(error.message).toBe('plain')
  } finally {
    Error.prepareStackTrace = before
  }
  await runtime.close()
})

it('times are numbers, and options that there are not are refused, of every call', async () => {
  const runtime = await open({ name: '', threads: 0 }, { agents: [edge.thrower] })
  const text = '50' as unknown as number
  const slip = { tiemout: 1 } as object
  const handle = runtime.handle(edge.thrower, 'x')
  const wrong: (() => unknown)[] = [
    () => agent('a', { deadline: text }),
    () => agent('a', { softDeadline: text }),
    () => agent('a', { unloadAfter: text }),
    () => agent('a', { restarts: { max: 1, within: text } }),
    () => agent('a', { restarts: { max: 1, within: 1, backoff: { min: text, max: text } } }),
    () => agent('a').every(text, () => {}),
    () => createRuntime({ threads: 0, recycleAt: '1' as unknown as number }),
    () => createRuntime({ threads: 0, ringBytes: '65536' as unknown as number }),
    () => runtime.send(edge.Ping, undefined, 'thrower/x', { timeout: text }),
    () => runtime.stop({ timeout: text }),
    () => runtime.close(slip),
    () => runtime.run(slip),
    () => runtime.saveState({ timeout: text }),
    () => runtime.saveState(slip),
    () => runtime.get('thrower/x', slip),
    () => runtime.register(edge.counter, slip),
    () => runtime.stopWhen(() => true, slip),
    () => runtime.stopWhen(() => true, { every: text }),
    () => runtime.stopWhen((async () => false) as never),
    () => handle.stop({ timeout: text }),
    () => handle.stop(slip),
    () => createDispatcher(runtime, slip),
    () => createDispatcher(runtime, { onFailure: 'x' as never }),
    () => aggregator('a', { needs: [edge.Thrown], combine: () => undefined, timeout: text }),
    () => aggregator('a', { needs: [edge.Thrown], combine: () => undefined, ...slip }),
    () => memory('a', slip),
    () => new Tracer(slip),
    () => new Tracer().entries(slip),
    () => testAgent(edge.thrower, slip),
    () => new TestClock().advance(text),
  ]
  for (const call of wrong) {
    const error = await failure(Promise.resolve().then(call))
    expect(error.code, String(call)).toBe('ERR_RINGREEVE_INVALID_ARGUMENT')
  }
  expect(runtime.running).toBe(true)
  expect(await runtime.send(edge.Ping, undefined, 'thrower/x')).toBe('pong')
  await runtime.close()
})

it('what a tracer hands out is not what it keeps', () => {
  const tracer = new Tracer({
    onEntry: entry => {
      Object.assign(entry, { agent: 'changed' })
    },
  })
  tracer.log({ event: 'create', loop: 0, time: 1, agent: 'a/x' })
  Object.assign(tracer.entries()[0] as object, { agent: 'changed' })
  expect(tracer.entries()[0]?.agent).toBe('a/x')
})
