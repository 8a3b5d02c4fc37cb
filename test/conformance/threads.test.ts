// A thread that dies: whoever waits for it is told, and it is replaced. And no message between threads passes the host.
import type { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { createRuntime, type LoopStats, ThreadLostError } from 'ringreeve'
import { describe, expect, it } from 'vitest'
import { placeOf } from '#ringreeve/routing/table.js'
import { failure, flag, kit as kitUrl, reaches, sleep, threadCounts } from './engines.js'
import * as kit from './kit.js'

for (const threads of threadCounts) {
  describe(`threads that end (${threads})`, () => {
    for (const how of ['exit', 'throw', 'reject']) {
      it(`by ${how}: pending sends settle and say so, and the thread is replaced`, async () => {
        await using runtime = await createRuntime({
          threads,
          agents: [kitUrl],
        })
        await runtime.send(kit.Step, { ms: 0 }, 'mortal/x')
        const begun = flag()
        const error = await failure(runtime.send(kit.End, { how, begun }, 'mortal/x'))
        expect(error).toBeInstanceOf(ThreadLostError)
        expect(error).toMatchObject({ code: 'ERR_RINGREEVE_THREAD_LOST', maybeExecuted: true, retryable: false })
        expect(error.message).toMatch(/thread \d was lost: .*\(the handler of 'end' at mortal\/x may have run\)/)
        expect(begun[0]).toBe(1)
        expect(await runtime.send(kit.Heard, undefined, 'mortal/x')).toBe(0)
        expect(await runtime.send(kit.Forward, { to: 'mortal/x', payload: 'again' }, 'echo/y')).toBe('again')
        await runtime.idle()
      })
    }

    const keys = [
      ['a short key', 'x'],
      ['a long key', 'k'.repeat(2_000)],
      ['half a surrogate pair', '\ud83d'],
    ] as const
    it.each(keys)(
      'a busy thread past its deadline is ended, its caller gets DeadlineError, others are told (%s)',
      async (_, key) => {
        await using runtime = await createRuntime({
          threads,
          agents: [kitUrl, new URL('./stubborn.js', import.meta.url)],
        })
        const { Spin } = await import('./stubborn.js')
        const error = await failure(runtime.send(Spin, undefined, `stubborn/${key}`))
        expect(error).toMatchObject({ code: 'ERR_RINGREEVE_DEADLINE', agent: `stubborn/${key}` })
        expect(error.message).toContain(key.length > 1 ? 'stubborn/kkk' : 'stubborn/')
        expect(await runtime.send(kit.Echo, 1, 'echo/x')).toBe(1)
        await runtime.idle()
      },
    )

    it('sends that come while it is replaced wait for the new one', async () => {
      await using runtime = await createRuntime({ threads, agents: [kitUrl] })
      const begun = flag()
      for (let n = 0; n < 30; n++) await runtime.send(kit.Echo, n, 'mortal/x')
      const { framesOut, framesIn } = runtime.stats().loops[0] as LoopStats
      const lost = failure(runtime.send(kit.End, { how: 'exit', begun }, 'mortal/x'))
      await reaches(begun, 1)
      await lost
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => runtime.send(kit.Echo, n, `mortal/${n}`)))
      expect(answers).toEqual(Array.from({ length: 20 }, (_, n) => n))
      const later = runtime.stats().loops[0] as LoopStats
      expect([later.framesOut > framesOut, later.framesIn > framesIn]).toEqual([true, true]) // they only grow
    })

    it('one that keeps ending, and cannot say why, is given up, and its senders are told at once', async () => {
      await using runtime = await createRuntime({
        threads,
        agents: [kitUrl],
        restarts: { max: 1, within: 60_000 },
      })
      for (let n = 0; n < 2; n++) await failure(runtime.send(kit.End, { how: 'silence' }, 'mortal/x'))
      const error = await failure(runtime.send(kit.Echo, 1, 'mortal/x'))
      expect(error).toMatchObject({ code: 'ERR_RINGREEVE_THREAD_LOST', maybeExecuted: false, retryable: false })
      expect(error.message).toContain('not started again')
      await runtime.idle()
    })
  })
}

it('what a thread still throws while it is being ended is an error of nobody', async () => {
  // as one that runs out of its heap on its way out, which nobody can time: Node tells of it just before the exit
  const sees = (worker: Worker): void => {
    process.off('worker', sees)
    worker.prependOnceListener('exit', () => worker.emit('error', new Error('on its way out')))
  }
  process.on('worker', sees)
  try {
    const crashes: unknown[] = []
    await using runtime = await createRuntime({
      threads: 1,
      agents: [new URL('./stubborn.js', import.meta.url), kitUrl],
      log: ({ event, reason }) => event === 'crash' && crashes.push(reason),
    })
    const { Spin } = await import('./stubborn.js')
    const error = await failure(runtime.send(Spin, undefined, 'stubborn/x'))
    expect(error.code).toBe('ERR_RINGREEVE_DEADLINE')
    expect(await runtime.send(kit.Echo, 1, 'echo/x')).toBe(1)
    expect(crashes).toEqual([expect.stringContaining('past its deadline')]) // the next life has begun at once
  } finally {
    process.off('worker', sees)
  }
})

it('an event in flight to a thread that ends does not hang its publisher', async () => {
  await using runtime = await createRuntime({ threads: 2, agents: [kitUrl] })
  for (let round = 0; round < 2; round++) {
    const ended = failure(runtime.send(kit.End, { how: 'exit' }, 'mortal/x'))
    const published = Promise.allSettled(
      Array.from({ length: 50 }, (_, n) => runtime.publish(kit.Note, n, { topic: `news/${n}`, until: 'handled' })),
    )
    await ended
    expect((await published).length).toBe(50)
    await runtime.idle()
  }
})

it('no message between two threads passes the host: they talk while its loop is blocked', async () => {
  await using runtime = await createRuntime({ threads: 2, agents: [kitUrl, new URL('./rally.js', import.meta.url)] })
  const { Play, Partner } = await import('./rally.js')
  const where = new Map(runtime.agents().map(one => [one.type, one.loops]))
  expect(where.get('player')).not.toEqual(where.get('partner'))
  const count = flag()
  const stop = flag()
  const playing = runtime.send(Play, { count, stop }, 'player/x')
  await reaches(count, 100)
  const before = Atomics.load(count, 0)
  const nap = new Int32Array(new SharedArrayBuffer(4))
  // blocked throughout, however long a busy machine takes; if they needed this loop they would get nowhere
  for (let n = 0; n < 1_000 && Atomics.load(count, 0) - before <= 100; n++) Atomics.wait(nap, 0, 0, 10)
  const during = Atomics.load(count, 0) - before
  Atomics.store(stop, 0, 1)
  await playing
  expect(during).toBeGreaterThan(100)
  expect(Partner.name).toBe('partner')
})

it('park: threads asleep in Atomics.wait hear messages, orders and their own timers', async () => {
  await using runtime = await createRuntime({ threads: 2, agents: [kitUrl], wait: 'park' })
  for (let n = 0; n < 5; n++) {
    await sleep(30)
    expect(await runtime.send(kit.Forward, { to: `echo/${n}`, payload: n }, 'echo/x')).toBe(n)
    expect(await runtime.send(kit.Slow, { ms: 20, answer: n }, `echo/${n}`)).toBe(n)
  }
  await sleep(30)
  const subscription = await runtime.subscribe({ agent: 'recorder', topic: 'extra' })
  await runtime.publish(kit.Note, 1, { topic: 'extra/x' })
  await runtime.idle()
  expect(await runtime.send(kit.Notes, undefined, 'recorder/x')).toEqual([1])
  await subscription.unsubscribe()
})

it('keys that are counted are dealt out: workers from 0 or 1 have a thread each, and no step leaves threads empty', () => {
  for (const places of [2, 3, 4, 8]) {
    for (const name of ['', 'worker-', 'a.b/7.']) {
      for (const first of [0, 1]) {
        const used = Array.from({ length: places }, (_, n) => placeOf(`${name}${first + n}`, places))
        expect(new Set(used).size).toBe(places)
      }
      for (const step of [1, 2, places, 10]) {
        const each = new Array<number>(places).fill(0)
        for (let n = 0; n < 4_000; n++) each[placeOf(`${name}${n * step}`, places)]!++
        expect(Math.min(...each) / Math.max(...each)).toBeGreaterThan(0.75)
      }
    }
  }
  const anywhere = fc.property(fc.string(), fc.integer({ min: 1, max: 64 }), (key, places) => {
    const place = placeOf(key, places)
    expect(Number.isInteger(place) && place >= 0 && place < places && place === placeOf(key, places)).toBe(true)
  })
  fc.assert(anywhere)
})
