// Promised: what the application throws may be anything, also what throws when it is read. Its send settles, and it is told.
import { request } from 'ringreeve'
import { expect, it, vi } from 'vitest'
import * as edge from './edge.js'
import { onEveryEngine, open, shared } from './engines.js'

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
