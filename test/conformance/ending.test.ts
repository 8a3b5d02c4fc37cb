// Promised: ending: idle, stop, restart, and living inside a host application.
import { createRuntime } from 'ringreeve'
import { expect, it } from 'vitest'
import { failure, flag, kit as kitUrl, onEveryEngine, open, reaches, shared, sleep } from './engines.js'
import * as farewell from './farewell.js'
import * as kit from './kit.js'

const farewellUrl = new URL('./farewell.js', import.meta.url)

onEveryEngine('idle', engine => {
  it('resolves at once when nothing is under way, and after everything that is', async () => {
    const runtime = await shared(engine)
    await runtime.idle()
    let answered = 0
    for (let n = 0; n < 20; n++)
      void runtime.send(kit.Slow, { ms: 5 + n, answer: n }, `echo/${n}`).then(() => answered++)
    await runtime.idle()
    expect(answered).toBe(20)
  })

  it('waits for follow-ups of events, over any number of hops', async () => {
    const runtime = await shared(engine)
    await runtime.publish(kit.Round, { round: 0 }, { topic: 'cascade/all' })
    await runtime.idle()
    const calls = await Promise.all([1, 2, 3, 4, 5].map(n => runtime.send(kit.Heard, undefined, `cascade-${n}/all`)))
    // every agent publishes to the other four, five rounds after the first: sum of 4^i
    expect(calls.reduce((sum, n) => sum + n, 0)).toBe(5 * (1 + 4 + 16 + 64 + 256 + 1024))
  })

  it('several may wait, again and again', async () => {
    const runtime = await shared(engine)
    for (let round = 0; round < 20; round++) {
      const sent = runtime.send(kit.Slow, { ms: round % 3, answer: round }, `echo/${round}`)
      await Promise.all([runtime.idle(), runtime.idle()])
      expect(await Promise.race([sent, 'not yet'])).toBe(round)
    }
  })
})

onEveryEngine('stop', engine => {
  it('when nothing is unprocessed any more: what is on its way is', async () => {
    for (let round = 0; round < 5; round++) {
      const runtime = await open(engine)
      const sent = Array.from({ length: 20 }, (_, n) => runtime.trySend(kit.Echo, n, `echo/${n % 3}`))
      expect(runtime.unprocessedMessages).toBeGreaterThan(0)
      await runtime.stopWhen(() => runtime.unprocessedMessages === 0, { every: 1 })
      expect((await Promise.all(sent)).filter(({ ok }) => ok).length).toBe(20)
      expect(runtime.unprocessedMessages).toBe(0)
      await runtime.close()
    }
  })

  it('drains: what was sent before is handled; after it nothing can be sent, and the error says so', async () => {
    const runtime = await open(engine)
    const all = Promise.all(
      Array.from({ length: 50 }, (_, n) => runtime.send(kit.Slow, { ms: 2, answer: n }, `echo/${n % 5}`)),
    )
    await runtime.stop()
    expect((await all).length).toBe(50)
    expect(runtime.running).toBe(false)
    expect((await failure(runtime.send(kit.Echo, 1, 'echo/x'))).code).toBe('ERR_RINGREEVE_STOPPED')
    expect((await failure(runtime.publish(kit.Note, 1))).code).toBe('ERR_RINGREEVE_STOPPED')
    expect((await failure(runtime.idle())).code).toBe('ERR_RINGREEVE_STOPPED')
    await runtime.close()
  })

  /** When an agent that is being made says this. */
  const hears = (what: string): Promise<void> =>
    new Promise(resolve => {
      const channel = new BroadcastChannel(farewell.HEARD_FROM)
      channel.onmessage = ({ data }: { readonly data?: unknown }) => {
        if (data !== what) return
        channel.close()
        resolve()
      }
    })

  it.each(['sleep', 'signal', 'send'])(
    'drains: an agent that is being made is made, and has what came (%s)',
    async key => {
      const runtime = await open(engine, { agents: [farewellUrl] })
      const [begun, handled] = [hears('begins'), flag()]
      const asked = [1, 2].map(() => runtime.send(farewell.Ask, handled, `beginning/${key}`))
      for (let n = 0; n < 3; n++) await runtime.publish(farewell.Order, handled, { topic: `orders/${key}` })
      await begun
      await runtime.stop()
      expect(await Promise.all(asked)).toEqual(['answered', 'answered'])
      expect(handled[0]).toBe(5)
      await runtime.close()
    },
  )

  it('drains: an agent that is never made is told when the time for that is over', async () => {
    const runtime = await open(engine, { agents: [farewellUrl] })
    const [begun, told] = [hears('begins'), hears('is told')]
    const asked = failure(runtime.send(farewell.Ask, flag(), 'beginning/never'))
    await begun
    await runtime.stop({ timeout: 50 })
    await told
    expect((await asked).code).toBe('ERR_RINGREEVE_STOPPED')
    await runtime.close()
  })

  it('onStop may publish, send and sleep, as when its agent alone is stopped, and others hear it', async () => {
    const runtime = await open(engine, { agents: [farewellUrl], unhandledErrors: 'throw' })
    const words = new Int32Array(new SharedArrayBuffer(12))
    await runtime.send(farewell.Hear, words, 'archive/all')
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'bad', 'worse']
    for (const key of keys) await runtime.send(farewell.Begin, undefined, `counter/${key}`)
    for (const key of ['a', 'b']) await runtime.send(farewell.Begin, undefined, `twin/${key}`)
    await runtime.send(farewell.Begin, undefined, 'counter/a')
    const thrown = (await failure(runtime.close())) as unknown as AggregateError
    expect([...words]).toEqual([8, 9, 8])
    expect(thrown.errors.map(error => error.message).sort()).toEqual(['counter/bad is bad', 'counter/worse is worse'])
  })

  it('without a drain: what several onStop throw is told, all of it', async () => {
    const runtime = await open(engine, { agents: [farewellUrl], unhandledErrors: 'throw' })
    for (const key of ['a', 'b', 'c']) await runtime.send(farewell.Begin, undefined, `spoilt/${key}`)
    await runtime.idle()
    const thrown = (await failure(runtime.close({ drain: false }))) as unknown as AggregateError
    expect(thrown.errors.map(error => error.message).sort()).toEqual(['a', 'b', 'c'].map(key => `spoilt/${key} is bad`))
  })

  it('of a runtime that has not begun: what was sent settles too', async () => {
    const runtime = await open(engine, { autoStart: false })
    const sent = failure(runtime.send(kit.Echo, 1, 'echo/x'))
    await runtime.stop()
    expect((await sent).code).toBe('ERR_RINGREEVE_STOPPED')
    await runtime.close()
  })

  it('of many at once: no error grows with the number of those that are told', async () => {
    const runtime = await open(engine)
    const pending = Array.from({ length: 3_000 }, (_, n) =>
      failure(runtime.send(kit.Await, { begun: flag(), ended: flag() }, `holder/${n}`)),
    )
    await runtime.stop({ drain: false, timeout: 10 })
    for (const { code, stack } of await Promise.all(pending)) {
      expect(code).toBe('ERR_RINGREEVE_STOPPED')
      expect((stack as string).length).toBeLessThan(2_000)
    }
  })

  it('drops, when asked to: every pending send settles with StoppedError', async () => {
    const runtime = await open(engine)
    const words = { begun: flag(), ended: flag() }
    const running = failure(runtime.send(kit.Await, words, 'holder/x'))
    const waiting = Array.from({ length: 20 }, () => failure(runtime.send(kit.Mark, { word: flag() }, 'holder/x')))
    await reaches(words.begun, 1)
    await runtime.stop({ drain: false })
    expect((await running).code).toBe('ERR_RINGREEVE_STOPPED')
    for (const one of await Promise.all(waiting)) expect(one.code).toBe('ERR_RINGREEVE_STOPPED')
    expect(words.ended[0]).toBe(1)
    await runtime.close()
  })

  it('always returns: also past its timeout, with a handler that never ends', async () => {
    const runtime = await open(engine)
    const words = { begun: flag(), release: flag() }
    const never = failure(runtime.send(kit.Hold, words, 'holder/x'))
    await reaches(words.begun, 1)
    await runtime.stop({ timeout: 50 })
    expect((await never).code).toMatch(/STOPPED|THREAD_LOST/)
    Atomics.store(words.release, 0, 1)
    await runtime.close()
  })

  it('returns with a handler that spins without looking', async () => {
    if (engine.threads === 0) return // the caller of stop() shares the single loop with it
    const runtime = await open(engine)
    const begun = flag()
    const never = failure(runtime.send(kit.End, { how: 'spin', begun }, 'mortal/x'))
    await reaches(begun, 1)
    await runtime.stop({ timeout: 50 })
    expect((await never).code).toMatch(/STOPPED|THREAD_LOST/)
    await runtime.close()
  })

  it('runs onStop of every agent, once', async () => {
    const runtime = await open(engine)
    const words = { started: flag(), stopped: flag() }
    await Promise.all(Array.from({ length: 9 }, (_, n) => runtime.send(kit.Attach, words, `living/${n}`)))
    await runtime.stop()
    await runtime.stop()
    await runtime.close()
    expect(words.stopped[0]).toBe(9)
  })

  it('starts again, with what was registered and subscribed, and fresh agents', async () => {
    const runtime = await open(engine)
    await runtime.subscribe({ agent: 'recorder', topic: 'extra' })
    await runtime.publish(kit.Note, 1, { topic: 'extra/x' })
    await runtime.stop()
    await runtime.start()
    expect((await failure(runtime.start())).message).toContain('running already')
    await runtime.publish(kit.Note, 2, { topic: 'extra/x' })
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'recorder/x')).toEqual([2])
    await runtime.close()
    expect((await failure(runtime.start())).code).toBe('ERR_RINGREEVE_STOPPED')
  })

  it('stops when idle, and when a condition holds', async () => {
    const first = await open(engine)
    let answered = false
    void first.send(kit.Slow, { ms: 20, answer: 1 }, 'echo/x').then(() => {
      answered = true
    })
    await first.stopWhenIdle()
    expect(answered).toBe(true)
    await first.close()
    const second = await open(engine)
    let rounds = 0
    const play = async (): Promise<void> => {
      rounds++
      await second.send(kit.Echo, 1, 'echo/x')
      if (second.running) return play()
    }
    const playing = play().catch(() => {})
    await second.stopWhen(() => rounds > 20, { every: 1 })
    await playing
    expect(rounds).toBeGreaterThan(20)
    await second.close()
  })

  it('stop during stop, and await using', async () => {
    await using runtime = await open(engine)
    await runtime.send(kit.Echo, 1, 'echo/x')
    await Promise.all([runtime.stop(), runtime.stop(), runtime.close()])
  })

  it('touches no timer or promise of the host', async () => {
    let ticks = 0
    const timer = setInterval(() => ticks++, 1)
    let mine!: (value: string) => void
    const promise = new Promise<string>(resolve => {
      mine = resolve
    })
    const runtime = await open(engine)
    await runtime.send(kit.Echo, 1, 'echo/x')
    await runtime.close()
    const before = ticks
    setTimeout(() => mine('mine'), 20)
    expect(await promise).toBe('mine')
    expect(ticks).toBeGreaterThan(before)
    clearInterval(timer)
  })
})

onEveryEngine('starting', engine => {
  it('autoStart: false queues until start()', async () => {
    await using runtime = await createRuntime({ threads: engine.threads, agents: [kitUrl], autoStart: false })
    let answer: unknown
    const sent = runtime.send(kit.Echo, 'later', 'echo/x').then(value => {
      answer = value
    })
    await sleep(20)
    expect(answer).toBeUndefined()
    await runtime.start()
    await sent
    expect(answer).toBe('later')
  })

  it('a module that cannot be loaded, or exports no agent, fails the start with its name', async () => {
    const nowhere = new URL('./missing.js', import.meta.url)
    const missing = await failure(open(engine, { agents: [nowhere] }))
    expect(missing.code).toBe('ERR_RINGREEVE_MODULE')
    expect(missing.message).toMatch(/missing\.js could not be loaded: .*Was it compiled/)
    expect(missing.stack).toMatch(/ringreeve: createRuntime\n +at .*engines\.[jt]s/) // the place that asked for it
    await using runtime = await open(engine)
    const late = await failure(runtime.register(nowhere))
    expect(late.stack).toMatch(/ringreeve: register\n +at .*ending\.test\.[jt]s/)
    const source = new URL('../../../test/conformance/kit.js', import.meta.url)
    if (engine.threads > 0) {
      // on the calling loop it is vitest that loads it, and finds the source
      const uncompiled = await failure(open(engine, { agents: [source] }))
      expect(uncompiled.message).toMatch(/kit\.ts is there: compile it, or give the URL of the source$/)
    }
    const empty = await failure(open(engine, { agents: [new URL('./engines.js', import.meta.url)] }))
    expect(empty.message).toMatch(/engines\.js exports no agent/)
    const twice = await failure(open(engine, { agents: [kitUrl, kitUrl] }))
    expect(twice.code).toBe('ERR_RINGREEVE_ALREADY_EXISTS')
    const text = await failure(open(engine, { agents: ['./kit.js'] }))
    expect(text.message).toContain('new URL("./kit.js", import.meta.url)')
    expect((await failure(createRuntime({ threads: -1 }))).message).toContain('threads must be')
    expect((await failure(createRuntime({ ringBytes: 1000 }))).message).toContain('ringBytes')
  })
})

onEveryEngine('a runtime that starts again', engine => {
  it('names new subscriptions apart from those it had', async () => {
    const runtime = await open(engine, { agents: [new URL('./modelled.js', import.meta.url)] })
    const first = await runtime.subscribe({ agent: 'left', topic: 'one' })
    const kept = await runtime.subscribe({ agent: 'left', topic: 'two' })
    await first.unsubscribe()
    await runtime.stop()
    await runtime.start()
    expect((await runtime.subscribe({ agent: 'left', topic: 'three' })).id).not.toBe(kept.id)
    await runtime.close()
  })
})
