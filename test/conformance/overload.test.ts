// Promised: overload: every queue is bounded, by the policy of the type; answers always get through.
import { expect, it } from 'vitest'
import { failure, flag, onEveryEngine, open, reaches, shared, sleep } from './engines.js'
import * as kit from './kit.js'

onEveryEngine('overload', engine => {
  const held = async (runtime: Awaited<ReturnType<typeof open>>, agent: string) => {
    const words = { begun: flag(), release: flag() }
    const done = runtime.send(kit.Hold, words, agent)
    await reaches(words.begun, 1)
    return async () => {
      Atomics.store(words.release, 0, 1)
      await done
    }
  }

  /** When what was sent to agents with that key is in their mailboxes: an agent of the same loop answers what came later. */
  const arrived = (runtime: Awaited<ReturnType<typeof open>>, key: string) => runtime.send(kit.Echo, 0, `echo/${key}`)

  it('wait: a publisher waits for room, and nothing is lost', async () => {
    const runtime = await shared(engine, { ringBytes: 65_536 })
    const release = await held(runtime, 'waits/full')
    const all = 20_000
    let accepted = 0
    const publishing = (async () => {
      for (let n = 0; n < all; n++) {
        await runtime.publish(kit.Note, n, { topic: 'waits/full' })
        accepted++
      }
    })()
    while (accepted < 4) await sleep(1) // what the mailbox holds
    await sleep(100)
    // and on its way to another thread about what a ring holds (frames of 48 bytes) before word comes back
    expect(accepted).toBeLessThan(engine.threads === 0 ? 6 : (3 * 65_536) / 48)
    await release()
    await publishing
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'waits/full')).toEqual(Array.from({ length: all }, (_, n) => n))
  })

  it('wait: order holds for one recipient while it is held back, and others are not held back', async () => {
    const runtime = await shared(engine)
    const release = await held(runtime, 'waits/held')
    const sends: Promise<unknown>[] = []
    for (let n = 0; n < 60; n++) {
      sends.push(
        n % 2 === 0 ? runtime.send(kit.Store, n, 'waits/held') : runtime.publish(kit.Note, n, { topic: 'waits/held' }),
      )
      sends.push(runtime.send(kit.Store, n, 'waits/free'))
      if (n % 10 === 0) await sleep(2)
    }
    while (((await runtime.send(kit.Notes, undefined, 'waits/free')) as unknown[]).length < 60) await sleep(1)
    await release()
    await Promise.all(sends)
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'waits/held')).toEqual(Array.from({ length: 60 }, (_, n) => n))
  })

  it('wait: what was held back comes as there is room for it', async () => {
    if (engine.threads === 0) return // nothing holds a request back within a loop
    const runtime = await shared(engine, { ringBytes: 65_536 })
    const release = await held(runtime, 'waits/credit')
    const again = { begun: flag(), release: flag() }
    const sends: Promise<unknown>[] = []
    for (let n = 0; n < 6_500; n++) {
      sends.push(runtime.send(kit.Store, n, 'waits/credit'))
      if (n === 1_000) sends.push(runtime.send(kit.Hold, again, 'waits/credit')) // behind some, for which there will be room
      if (n % 200 === 0) await sleep(1) // for word to come back that the mailbox is full
    }
    await release()
    await reaches(again.begun, 1)
    await sleep(100)
    const queued = runtime.stats().loops.map(loop => loop.queued)
    Atomics.store(again.release, 0, 1)
    await Promise.all(sends)
    expect(Math.max(...queued)).toBeLessThan((3 * 65_536) / 48) // about what a ring held before word came back
    expect(await runtime.send(kit.Notes, undefined, 'waits/credit')).toEqual(Array.from({ length: 6_500 }, (_, n) => n))
  })

  it('wait: what was given up while it waited is not kept, and keeps nobody out', async () => {
    const runtime = await shared(engine)
    const release = await held(runtime, 'waits/given-up')
    for (let round = 0; round < 10; round++) {
      const controller = new AbortController()
      const { signal } = controller
      const all = Array.from({ length: 200 }, () => failure(runtime.send(kit.Store, 0, 'waits/given-up', { signal })))
      controller.abort()
      await Promise.all(all)
    }
    if (engine.threads === 0) expect(runtime.unprocessedMessages).toBeLessThan(1_000)
    const live = runtime.send(kit.Store, 1, 'waits/given-up')
    await release()
    await live
    expect(await runtime.send(kit.Notes, undefined, 'waits/given-up')).toEqual([1])
    await runtime.idle()
  })

  it('reject: requests beyond the bound are refused, events are dropped, exactly', async () => {
    await using runtime = await open(engine)
    const release = await held(runtime, 'rejects/x')
    const outcomes = Promise.allSettled(Array.from({ length: 10 }, (_, n) => runtime.send(kit.Store, n, 'rejects/x')))
    for (let n = 0; n < 5; n++) await runtime.publish(kit.Note, 'dropped', { topic: 'rejects/x' })
    await arrived(runtime, 'x')
    await release()
    const settled = await outcomes
    expect(settled.filter(one => one.status === 'fulfilled').length).toBe(4)
    const reasons = settled.filter(one => one.status === 'rejected').map(one => one.reason)
    expect(reasons.length).toBe(6)
    for (const reason of reasons) {
      expect(reason).toMatchObject({ code: 'ERR_RINGREEVE_OVERLOADED', retryable: true, agent: 'rejects/x' })
    }
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'rejects/x')).toEqual([0, 1, 2, 3])
    expect(runtime.stats().loops.reduce((sum, loop) => sum + loop.dropped, 0)).toBe(11)
  })

  it('reject: what was given up keeps nobody out', async () => {
    await using runtime = await open(engine)
    const release = await held(runtime, 'rejects/given-up')
    for (let round = 0; round < 3; round++) {
      const controller = new AbortController()
      const { signal } = controller
      const all = Array.from({ length: 4 }, () => failure(runtime.send(kit.Store, 0, 'rejects/given-up', { signal })))
      await arrived(runtime, 'given-up')
      controller.abort()
      for (const error of await Promise.all(all)) expect(error.code).toBe('ERR_RINGREEVE_CANCELLED')
    }
    const live = [1, 2, 3, 4].map(n => runtime.send(kit.Store, n, 'rejects/given-up'))
    const refused = failure(runtime.send(kit.Store, 5, 'rejects/given-up'))
    await arrived(runtime, 'given-up')
    await release()
    expect(await Promise.all(live)).toEqual([1, 2, 3, 4])
    expect((await refused).code).toBe('ERR_RINGREEVE_OVERLOADED')
  })

  it('drop oldest: the newest stay, the oldest are refused', async () => {
    const runtime = await shared(engine)
    const release = await held(runtime, 'drops/x')
    const outcomes = Promise.allSettled(Array.from({ length: 10 }, (_, n) => runtime.send(kit.Store, n, 'drops/x')))
    await arrived(runtime, 'x')
    await release()
    const settled = await outcomes
    expect(settled.map(one => one.status === 'fulfilled')).toEqual(Array.from({ length: 10 }, (_, n) => n >= 6))
    expect(await runtime.send(kit.Notes, undefined, 'drops/x')).toEqual([6, 7, 8, 9])
  })

  it('agents that wait for each other’s queues do not lock', async () => {
    const runtime = await shared(engine)
    await runtime.publish(kit.Serve, { left: 9 }, { topic: 'rally/a' })
    await runtime.idle()
    const all =
      (await runtime.send(kit.Heard, undefined, 'rally/a')) + (await runtime.send(kit.Heard, undefined, 'rally/b'))
    expect(all).toBe(2 ** 10 - 1)
  })

  it('answers get through full rings: two floods of large messages against each other', async () => {
    const runtime = await shared(engine, { ringBytes: 65_536 })
    const sizes = Array.from({ length: 600 }, (_, n) => 1000 + (n % 7) * 900)
    const floods = ['a', 'b', 'c', 'd'].map((key, n) =>
      runtime.send(kit.Flood, { to: `recorder/${'abcd'[(n + 1) % 4]}`, sizes }, `sender/${key}`),
    )
    expect(await Promise.all(floods)).toEqual([600, 600, 600, 600])
  })

  it('more calls than a loop can have in flight are refused, not forgotten', async () => {
    if (engine.threads !== 1) return // the bound is the same on every loop; filling it once is enough
    await using runtime = await open(engine)
    const words = { begun: flag(), release: flag() }
    const all: Promise<unknown>[] = [runtime.send(kit.Hold, words, 'holder/x')]
    for (let n = 0; n < 66_000; n++) all.push(runtime.send(kit.Mark, { word: words.begun } as never, 'holder/x'))
    const outcomes = Promise.allSettled(all)
    Atomics.store(words.release, 0, 1)
    const settled = await outcomes
    const refused = settled.filter(one => one.status === 'rejected').map(one => one.reason)
    for (const reason of refused) expect(reason.code).toBe('ERR_RINGREEVE_OVERLOADED')
    expect(settled.length).toBe(66_001)
    expect(await failure(runtime.send(kit.Unheard, undefined, 'holder/x'))).toMatchObject({
      code: 'ERR_RINGREEVE_NO_HANDLER',
    })
  })
})
