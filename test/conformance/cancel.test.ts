// Promised: cancellation and deadlines.
import { getEventListeners } from 'node:events'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { request } from 'ringreeve'
import { expect, it, vi } from 'vitest'
import { failure, flag, onEveryEngine, reaches, shared, sleep } from './engines.js'
import * as kit from './kit.js'

onEveryEngine('cancellation', engine => {
  it('a signal that was aborted before: the handler never runs', async () => {
    const runtime = await shared(engine)
    const word = flag()
    const error = await failure(
      runtime.send(kit.Mark, { word }, 'holder/before', { signal: AbortSignal.abort(new Error('changed my mind')) }),
    )
    expect(error.code).toBe('ERR_RINGREEVE_CANCELLED')
    expect(error.message).toContain('changed my mind')
    expect((error.cause as Error).message).toBe('changed my mind')
    await runtime.idle()
    expect(word[0]).toBe(0)
  })

  it('cancelled while it waits for its turn: the handler never runs', async () => {
    const runtime = await shared(engine)
    const begun = flag()
    const release = flag()
    const word = flag()
    const held = runtime.send(kit.Hold, { begun, release }, 'holder/waiting')
    await reaches(begun, 1)
    const controller = new AbortController()
    const waiting = failure(runtime.send(kit.Mark, { word }, 'holder/waiting', { signal: controller.signal }))
    await sleep(5)
    controller.abort()
    expect((await waiting).code).toBe('ERR_RINGREEVE_CANCELLED')
    Atomics.store(release, 0, 1)
    expect(await held).toBe('released')
    await runtime.idle()
    expect(word[0]).toBe(0)
  })

  it('events that wait for their turn or for room in a full mailbox: their handlers never run', async () => {
    const runtime = await shared(engine)
    const begun = flag()
    const release = flag()
    const held = runtime.send(kit.Hold, { begun, release }, 'waits/cancel')
    await reaches(begun, 1)
    const controller = new AbortController()
    const options = { topic: 'waits/cancel', until: 'handled', signal: controller.signal } as const
    const failures: Promise<Error>[] = []
    for (let n = 0; n < 12; n++) {
      failures.push(failure(runtime.publish(kit.Note, n, options)))
      await sleep(2) // so that the mailbox is known to be full
    }
    controller.abort(new Error('changed my mind'))
    Atomics.store(release, 0, 1)
    await held
    for (const error of await Promise.all(failures)) {
      expect((error as AggregateError).errors).toMatchObject([
        { code: 'ERR_RINGREEVE_CANCELLED', agent: 'waits/cancel' },
      ])
    }
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'waits/cancel')).toEqual([])
  })

  it('one signal may go with any number of sends, and keeps none of them', async () => {
    const runtime = await shared(engine)
    const warned = vi.spyOn(process, 'emitWarning')
    const controller = new AbortController()
    const { signal } = controller
    const all = Array.from({ length: 30 }, (_, n) => {
      const options = n % 2 === 0 ? { signal } : { signal, timeout: 10_000 }
      return runtime.send(kit.Echo, n, `echo/${n}`, options)
    })
    expect(getEventListeners(signal, 'abort').length).toBe(1)
    await Promise.all(all)
    expect(getEventListeners(signal, 'abort').length).toBe(0)
    expect(warned).not.toHaveBeenCalled()
    warned.mockRestore()
    const waiting = Array.from({ length: 3 }, (_, n) =>
      failure(runtime.send(kit.Slow, { ms: 1_000, answer: n }, `echo/${n}`, { signal })),
    )
    controller.abort()
    for (const error of await Promise.all(waiting)) expect(error.code).toBe('ERR_RINGREEVE_CANCELLED')
  })

  it('cancelled while its payload is checked: the caller is told at once, and the handler never runs', async () => {
    const runtime = await shared(engine)
    const word = flag()
    let pass = (_: { value: unknown }): void => {}
    const validate = () => new Promise<{ value: unknown }>(resolve => (pass = resolve))
    const input: StandardSchemaV1<unknown> = { '~standard': { version: 1, vendor: 'test', validate } }
    const controller = new AbortController()
    const Checked = request(kit.Mark.name, { input })
    const waiting = failure(runtime.send(Checked, { word }, 'holder/checked', { signal: controller.signal }))
    controller.abort()
    expect((await waiting).code).toBe('ERR_RINGREEVE_CANCELLED')
    pass({ value: { word } })
    await runtime.idle()
    expect(word[0]).toBe(0)
  })

  it('ctx.signal aborts in a handler that waits', async () => {
    const runtime = await shared(engine)
    const words = { begun: flag(), ended: flag() }
    const controller = new AbortController()
    const waiting = failure(runtime.send(kit.Await, words, 'holder/await', { signal: controller.signal }))
    await reaches(words.begun, 1)
    controller.abort()
    expect((await waiting).code).toBe('ERR_RINGREEVE_CANCELLED')
    await reaches(words.ended, 1)
  })

  it('ctx.signal aborts through a nested send, also on a third loop', async () => {
    const runtime = await shared(engine)
    for (const to of ['holder/a', 'holder/b', 'holder/c', 'holder/d']) {
      const words = { begun: flag(), ended: flag(), to }
      const controller = new AbortController()
      const waiting = failure(runtime.send(kit.AwaitInner, words, 'holder/nest', { signal: controller.signal }))
      await reaches(words.begun, 1)
      controller.abort()
      expect((await waiting).code).toBe('ERR_RINGREEVE_CANCELLED')
      await reaches(words.ended, 1)
    }
  })

  it('nested, cancelled before the inner one begins: the outer is cancelled, the inner never runs', async () => {
    const runtime = await shared(engine)
    const hold = { begun: flag(), release: flag() }
    const held = runtime.send(kit.Hold, hold, 'holder/inner')
    await reaches(hold.begun, 1)
    const words = { begun: flag(), ended: flag(), to: 'holder/inner' }
    const controller = new AbortController()
    const waiting = failure(runtime.send(kit.AwaitInner, words, 'holder/outer', { signal: controller.signal }))
    await sleep(10)
    controller.abort()
    expect((await waiting).code).toBe('ERR_RINGREEVE_CANCELLED')
    Atomics.store(hold.release, 0, 1)
    await held
    await runtime.idle()
    expect(words.begun[0]).toBe(0)
  })

  it('a handler that throws after its caller left hurts nobody', async () => {
    const runtime = await shared(engine)
    const begun = flag()
    const controller = new AbortController()
    const waiting = failure(runtime.send(kit.ThrowLate, { begun }, 'holder/late', { signal: controller.signal }))
    await reaches(begun, 1)
    controller.abort()
    expect((await waiting).code).toBe('ERR_RINGREEVE_CANCELLED')
    await runtime.idle()
    const words = { begun: flag(), release: Int32Array.of(1) }
    expect(await runtime.send(kit.Hold, words, 'holder/late')).toBe('released')
  })

  it('an event can be cancelled for those that have not begun with it', async () => {
    const runtime = await shared(engine)
    const hold = { begun: flag(), release: flag() }
    const held = runtime.send(kit.Hold, hold, 'waits/event')
    await reaches(hold.begun, 1)
    const controller = new AbortController()
    await runtime.publish(kit.Note, 'never', { topic: 'waits/event', signal: controller.signal })
    await runtime.publish(kit.Note, 'always', { topic: 'waits/event' })
    controller.abort()
    await sleep(10)
    Atomics.store(hold.release, 0, 1)
    await held
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'waits/event')).toEqual(['always'])
  })

  it('ctx.cancelled stops a loop that never yields', async () => {
    if (engine.threads === 0) return // a busy single loop cannot even hear its caller
    const runtime = await shared(engine)
    const words = { begun: flag(), ended: flag() }
    const error = await failure(runtime.send(kit.Spin, words, 'holder/spin', { signal: AbortSignal.timeout(50) }))
    expect(error.code).toBe('ERR_RINGREEVE_CANCELLED')
    expect((error.cause as Error).name).toBe('TimeoutError')
    await reaches(words.ended, 1)
    expect(words.ended[0]).toBe(1)
  })

  it('many cancelled and answered calls leave nothing behind', async () => {
    const runtime = await shared(engine)
    const outcomes = await Promise.all(
      Array.from({ length: 300 }, async (_, n) => {
        const controller = new AbortController()
        const sent = runtime.send(kit.Slow, { ms: n % 5, answer: n }, `echo/${n % 7}`, { signal: controller.signal })
        if (n % 3 === 0) setTimeout(() => controller.abort(), n % 6)
        return sent.then(
          answer => answer === n,
          error => error.code === 'ERR_RINGREEVE_CANCELLED',
        )
      }),
    )
    expect(outcomes.every(Boolean)).toBe(true)
    await runtime.idle()
  })
})

onEveryEngine('deadlines', engine => {
  it('a turn that waits too long is answered with DeadlineError, and the agent goes on', async () => {
    const runtime = await shared(engine)
    const error = await failure(runtime.send(kit.Slow, { ms: 200, answer: 1 }, 'hurried/slow'))
    expect(error.code).toBe('ERR_RINGREEVE_DEADLINE')
    expect(error.message).toMatch(/'slow' took hurried\/slow longer than its deadline of 60 ms/)
    expect(await runtime.send(kit.Slow, { ms: 1, answer: 2 }, 'hurried/slow')).toBe(2)
    await runtime.idle()
  })

  it('ctx.cancelled turns true at the deadline in a loop that never yields', async () => {
    const runtime = await shared(engine)
    const words = { begun: flag(), ended: flag() }
    await runtime.send(kit.Spin, words, 'hurried/spin').catch(() => {})
    expect(words.ended[0]).toBe(1)
  })
})
