// Promised: asking with a time limit, and asking for the outcome as a value.
import { request } from 'ringreeve'
import { expect, it } from 'vitest'
import { failure, flag, onEveryEngine, open, reaches, shared } from './engines.js'
import * as kit from './kit.js'

/** Tries with more and more time, until it was enough for the handler to begin: how long that takes is not promised. */
async function untilBegun<T>(begun: Int32Array, attempt: (timeout: number) => Promise<T>): Promise<T> {
  for (let timeout = 30; ; timeout *= 2) {
    const outcome = await attempt(timeout)
    if (Atomics.load(begun, 0) > 0) return outcome
  }
}

onEveryEngine('time limits', engine => {
  it('the caller gets TimeoutError, the signal of the callee aborts, and the next call works', async () => {
    const runtime = await shared(engine)
    const [begun, ended] = [flag(), flag()]
    const error = await untilBegun(begun, async timeout => {
      const late = await failure(runtime.send(kit.Await, { begun, ended }, 'holder/x', { timeout }))
      expect(late.message).toBe(`'await' for holder/x was not answered in ${timeout} ms`)
      return late
    })
    expect(error.code).toBe('ERR_RINGREEVE_TIMEOUT')
    expect([error.agent, error.messageType, error.retryable]).toEqual(['holder/x', 'await', true])
    await reaches(ended, 1)
    expect(await runtime.send(kit.Echo, 1, 'echo/x', { timeout: 10_000 })).toBe(1)
    await runtime.idle()
  })

  it('also for what never began, of a handler that calls on, and through a handle', async () => {
    const runtime = await shared(engine)
    const [begun, release] = [flag(), flag()]
    const held = runtime.send(kit.Hold, { begun, release }, 'holder/x')
    const word = flag()
    const late = await failure(runtime.handle(kit.holder, 'x').send(kit.Mark, { word }, { timeout: 20 }))
    expect(late.code).toBe('ERR_RINGREEVE_TIMEOUT')
    Atomics.store(release, 0, 1)
    expect(await held).toBe('released')
    await runtime.idle()
    expect(word[0]).toBe(0)
    const [began, ended] = [flag(), flag()]
    const words = { begun: began, ended, to: 'holder/y' }
    const error = await untilBegun(began, timeout =>
      failure(runtime.send(kit.AwaitInner, words, 'holder/z', { timeout })),
    )
    expect(error.code).toBe('ERR_RINGREEVE_TIMEOUT')
    await reaches(ended, 1) // the inner call was cancelled with the outer one
  })

  it('a signal beside it counts too, and what is no time is refused', async () => {
    await using runtime = await open(engine)
    const slow = { ms: 60_000, answer: 1 }
    const signal = AbortSignal.timeout(10)
    const error = await failure(runtime.send(kit.Slow, slow, 'echo/x', { timeout: 60_000, signal }))
    expect(error.code).toBe('ERR_RINGREEVE_CANCELLED')
    const aborted = { timeout: 60_000, signal: AbortSignal.abort('why') }
    expect((await failure(runtime.send(kit.Echo, 1, 'echo/x', aborted))).message).toContain('why')
    for (const timeout of [0, -1, Number.NaN, 2 ** 31]) {
      const refused = await failure(runtime.send(kit.Echo, 1, 'echo/x', { timeout }))
      expect(refused.code).toBe('ERR_RINGREEVE_INVALID_ARGUMENT')
    }
    await runtime.close({ drain: false, timeout: 50 })
  })
})

onEveryEngine('outcomes as values', engine => {
  it('trySend never rejects', async () => {
    const runtime = await shared(engine)
    expect(await runtime.trySend(kit.Echo, 'hi', 'echo/x')).toEqual({ ok: true, value: 'hi' })
    const results = [
      await runtime.trySend(kit.Fail, { kind: 'own' }, 'thrower/x'),
      await runtime.trySend(kit.Echo, 1, 'unknown/x'),
      await runtime.trySend(kit.Echo, 1, 'no slash'),
      await runtime.trySend(kit.Slow, { ms: 500, answer: 1 }, 'echo/x', { timeout: 5 }),
      await runtime.handle(kit.thrower, 'x').trySend(kit.Fail, { kind: 'own' }),
    ]
    expect(results.map(({ ok }) => ok)).toEqual([false, false, false, false, false])
    expect(results.map(({ error }) => (error as { code: string }).code)).toEqual([
      'E_OWN',
      'ERR_RINGREEVE_UNKNOWN_AGENT',
      'ERR_RINGREEVE_INVALID_NAME',
      'ERR_RINGREEVE_TIMEOUT',
      'E_OWN',
    ])
  })

  it('identical asks at the same time are kept apart', async () => {
    const runtime = await shared(engine)
    const asks = Array.from({ length: 100 }, () => runtime.send(kit.Store, 'same', 'recorder/x', { timeout: 10_000 }))
    expect(await Promise.all(asks)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1))
  })

  it('an answer may be of several types', async () => {
    const runtime = await shared(engine)
    const Number_ = request<number, 'even' | 'three'>(kit.Number_.name)
    const answers = await Promise.all([2, 3].map(n => runtime.send(Number_, n, 'chooser/x')))
    expect(answers).toEqual(['even', 'three'])
  })
})
