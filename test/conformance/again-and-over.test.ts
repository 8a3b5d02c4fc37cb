// Promised: who asks something of a run has it of that run, or is told that it is over; a runtime that is being started takes what is
// sent from then on; and what lets something go can be called however often, and whenever.
import { request, StoppedError } from 'ringreeve'
import { expect, it } from 'vitest'
import { failure, flag, kit as kitUrl, onEveryEngine, open } from './engines.js'
import * as kit from './kit.js'

const library = new URL('../../../dist/index.js', import.meta.url).href
const Late = request<void, string>('late')
const late = (): URL =>
  new URL(
    `data:text/javascript,import { agent, request } from '${library}'; export const a = agent('late').on(request('late'), () => 'late')`,
  )

onEveryEngine('a run', engine => {
  it('takes nothing in, and resolves nothing, once it is over: what was held is told so', async () => {
    for (const drain of [false, true]) {
      await using runtime = await open(engine)
      const saved = runtime.saveState().catch(() => {})
      const registered = runtime.register(late()).then(
        () => true,
        error => error,
      )
      const subscribed = runtime.subscribe({ agent: 'echo', topic: 'late', id: 'late' }).then(
        () => true,
        error => error,
      )
      const stopped = runtime.stop({ drain })
      await Promise.all([saved, stopped])
      await runtime.start()
      const there = runtime.agents().some(({ type }) => type === 'late')
      const outcome = await registered
      if (there) expect([outcome, await runtime.send(Late, undefined, 'late/x')]).toEqual([true, 'late'])
      else expect(outcome).toBeInstanceOf(StoppedError)
      if ((await subscribed) === true) await runtime.unsubscribe('late')
      else expect((await failure(runtime.unsubscribe('late'))).code).toBe('ERR_RINGREEVE_UNKNOWN_SUBSCRIPTION')
    }
  })

  it('that was not started yet is not stopped by stopWhen() before its condition holds', async () => {
    await using runtime = await open(engine, { autoStart: false })
    const sent = runtime.send(kit.Echo, 1, 'echo/x')
    let looks = 0
    let holds = false
    const stopped = runtime.stopWhen(
      () => {
        looks++
        return holds
      },
      { every: 1 },
    )
    while (looks < 3) await new Promise(resolve => setImmediate(resolve))
    await runtime.start()
    expect(await sent).toBe(1)
    holds = true
    await stopped
    expect(runtime.running).toBe(false)
  })

  it('that comes after the one that stopWhen() was asked of is not stopped by it', async () => {
    await using runtime = await open(engine)
    const stopped = runtime.stopWhen(() => false, { every: 1 })
    await runtime.stop()
    await runtime.start()
    await stopped
    expect(await runtime.send(kit.Echo, 1, 'echo/x')).toBe(1)
  })

  it('takes what is sent in the same tick in which it is started', async () => {
    await using runtime = await open(engine)
    await runtime.stop()
    const started = runtime.start()
    const sent = runtime.send(kit.Echo, 1, 'echo/x')
    const published = runtime.publish(kit.Note, 1, { topic: 'news/x', until: 'handled' })
    expect(await sent).toBe(1)
    await Promise.all([started, published])
    expect(await runtime.send(kit.Notes, undefined, 'recorder/x')).toEqual([1])
  })
})

onEveryEngine('a subscription', engine => {
  it('can be disposed of when it has gone, in any way, and not another one of its id', async () => {
    await using runtime = await open(engine)
    const one = { agent: 'echo', topic: 'one', id: 'one' }
    const first = await runtime.subscribe(one)
    await first[Symbol.asyncDispose]()
    await first[Symbol.asyncDispose]()
    expect((await failure(first.unsubscribe())).code).toBe('ERR_RINGREEVE_UNKNOWN_SUBSCRIPTION')
    const second = await runtime.subscribe(one)
    await first[Symbol.asyncDispose]()
    expect((await failure(first.unsubscribe())).message).toContain('one that has its id now is another')
    expect((await failure(runtime.subscribe(one))).code).toBe('ERR_RINGREEVE_ALREADY_EXISTS')
    await second.unsubscribe()
    await second[Symbol.asyncDispose]()
  })

  it('that is disposed of while the runtime is stopped, stops or starts is not there in the next run', async () => {
    await using runtime = await open(engine)
    for (const when of ['stopped', 'stopping', 'starting']) {
      const heard = await runtime.subscribe({ agent: 'echo', topic: when, id: when })
      const stopped = runtime.stop()
      if (when === 'stopping') await heard[Symbol.asyncDispose]()
      await stopped
      if (when === 'stopped') await heard[Symbol.asyncDispose]()
      const started = runtime.start()
      if (when === 'starting') await heard[Symbol.asyncDispose]()
      await started
      expect((await failure(runtime.unsubscribe(when))).code).toBe('ERR_RINGREEVE_UNKNOWN_SUBSCRIPTION')
    }
    const heard = await runtime.subscribe({ agent: 'echo', topic: 'closed' })
    await runtime.close()
    await heard[Symbol.asyncDispose]()
  })
})

onEveryEngine('an order with a time limit', engine => {
  it.skipIf(engine.threads === 0)(
    'is told of within it, also when the thread of the agent computes, and is done',
    async () => {
      await using runtime = await open(engine, { agents: [kitUrl, new URL('./held-up.js', import.meta.url)] })
      const { Spin } = await import('./held-up.js')
      const word = flag()
      const spins = runtime.send(Spin, word, 'spinner/x')
      while (Atomics.load(word, 1) === 0) await new Promise(resolve => setImmediate(resolve))
      for (const options of [{ timeout: 1 }, { timeout: 1, drain: false }]) {
        const error = await failure(runtime.handle({ type: 'spinner' }, 'x').stop(options))
        expect(error.code).toBe('ERR_RINGREEVE_TIMEOUT')
        expect(error.message).toMatch(/spinner\/x .* thread \d does not come back/)
      }
      Atomics.store(word, 0, 1)
      await spins.catch(() => {})
      await runtime.idle()
    },
  )
})
