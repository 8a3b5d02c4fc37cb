// Promised: the life of an agent.
import type { Runtime, RuntimeOptions } from 'ringreeve'
import { expect, it } from 'vitest'
import {
  anew,
  type Engine,
  failure,
  flag,
  kit as kitUrl,
  onEveryEngine,
  open,
  reaches,
  shared,
  sleep,
} from './engines.js'
import * as kit from './kit.js'
import * as lives from './lives.js'

const livesUrl = new URL('./lives.js', import.meta.url)
const live = (engine: Engine, options: RuntimeOptions = {}): Promise<Runtime> =>
  open(engine, { agents: [livesUrl, kitUrl], ...options })
const used = ['rarely/x', 'ticking/x', 'ticking-many/x', 'full/x', 'slow-starter/x', 'rejects/x', 'drops/x', 'idling/x']
const again = (engine: Engine): Promise<Runtime> => anew(shared(engine, { agents: [livesUrl, kitUrl] }), used)

onEveryEngine('intervals', engine => {
  it('tick at once and then each period, also after an error, which is reported', async () => {
    await using runtime = await live(engine, { unhandledErrors: 'throw' })
    const ticks = flag()
    await runtime.send(lives.Give, { ticks }, 'ticking/x')
    await runtime.send(lives.Fail, { how: 'tick' }, 'ticking/x')
    await reaches(ticks, Atomics.load(ticks, 0) + 4)
    const error = await failure(runtime.stop())
    expect(error).toBeInstanceOf(AggregateError)
    expect(error.message).toContain('a tick failed')
  })

  it('immediate: false waits for the first period; idle() waits for a tick that is due, not for one to come', async () => {
    const runtime = await again(engine)
    await runtime.get('rarely/x', { lazy: false })
    await runtime.idle()
    expect(await runtime.send(lives.Look, undefined, 'rarely/x')).toEqual({ once: 1, later: 0 })
  })

  it('are turns: not beside a handler of a serial agent, and never two of one interval', async () => {
    const runtime = await again(engine)
    for (const agent of ['ticking/x', 'ticking-many/x']) {
      const ticks = flag()
      await runtime.send(lives.Give, { ticks }, agent)
      for (let i = 0; i < 5; i++) await runtime.send(lives.Work, { ms: 4 }, agent)
      await reaches(ticks, 5)
      expect(await runtime.send(lives.Work, { ms: 0 }, agent)).toBe(0)
    }
  })

  it('end with their agent', async () => {
    const runtime = await again(engine)
    const ticks = flag()
    await runtime.send(lives.Give, { ticks }, 'ticking/x')
    await reaches(ticks, 2)
    await runtime.handle(lives.ticking, 'x').stop()
    const ticked = Atomics.load(ticks, 0)
    await runtime.send(kit.Slow, { ms: 20, answer: 0 }, 'echo/x')
    expect(Atomics.load(ticks, 0)).toBe(ticked)
  })
})

onEveryEngine('one-shot timers', engine => {
  it('fire once, as a turn, unless they are cancelled or their agent stops', async () => {
    const runtime = await again(engine)
    const ticks = flag()
    await runtime.send(lives.Give, { ticks }, 'full/x')
    await runtime.send(lives.Later, { ms: 1, cancel: true }, 'full/x')
    await runtime.send(lives.Later, { ms: 0 }, 'full/x')
    await runtime.send(lives.Later, { ms: 2 }, 'full/x')
    await reaches(ticks, 2)
    await runtime.send(lives.Later, { ms: 20 }, 'full/x')
    await runtime.handle(lives.full, 'x').stop()
    const fired = Atomics.load(ticks, 0)
    await runtime.send(kit.Slow, { ms: 40, answer: 0 }, 'echo/x')
    expect(Atomics.load(ticks, 0)).toBe(fired)
  })

  it('refuse what is no time', async () => {
    const runtime = await again(engine)
    expect((await failure(runtime.send(lives.Later, { ms: -1 }, 'full/x'))).message).toContain('got -1')
    expect((await failure(runtime.send(lives.Later, { ms: 2 ** 31 }, 'full/x'))).code).toBe(
      'ERR_RINGREEVE_INVALID_ARGUMENT',
    )
  })
})

onEveryEngine('start and stop of one agent', engine => {
  it('messages wait for onStart and keep their order', async () => {
    const runtime = await again(engine)
    const sent = [1, 2, 3, 4].map(ms => runtime.send(lives.Work, { ms }, 'slow-starter/x'))
    await Promise.all(sent)
    const { steps } = await runtime.send(lives.Look, undefined, 'slow-starter/x')
    expect(steps).toEqual(['1', '2', '3', '4'])
  })

  it('loops begin after onStart, are told to end, and onStop waits for them', async () => {
    const runtime = await again(engine)
    const stopped = flag()
    await runtime.send(lives.Give, { stopped }, 'full/x')
    await runtime.handle(lives.full, 'x').stop()
    expect([...stopped]).toEqual([1, 1]) // the second word: the steps came in that order
  })

  it('onStop runs exactly once on every way to stop', async () => {
    const runtime = await live(engine)
    const words = ['a', 'b', 'c', 'd', 'e'].map(flag)
    for (const [i, key] of [...'abcd'].entries()) {
      await runtime.send(lives.Give, { stopped: words[i] as Int32Array }, `full/${key}`)
    }
    await runtime.send(lives.Give, { stopped: words[4] as Int32Array }, 'fragile/e')
    const a = runtime.handle(lives.full, 'a')
    await Promise.all([a.stop(), a.stop(), a.stop({ drain: false })])
    await a.stop()
    await runtime.send(lives.Quit, undefined, 'full/b')
    await runtime.send(lives.Fail, { how: 'a, then b' }, 'fragile/e')
    await reaches(words[1] as Int32Array, 1)
    await reaches(words[4] as Int32Array, 1)
    const c = runtime.handle(lives.full, 'c').stop() // while the runtime stops; `d` with the runtime
    await Promise.all([c, runtime.stop({ drain: false })])
    expect(words.map(word => word[0])).toEqual([1, 1, 1, 1, 1])
    await runtime.close()
  })

  it('what was sent before is handled first, and the next message makes the agent anew', async () => {
    const runtime = await again(engine)
    const queued = [5, 0, 0].map(ms => runtime.send(lives.Work, { ms }, 'full/x'))
    await runtime.handle(lives.full, 'x').stop()
    expect(await Promise.all(queued)).toEqual([1, 2, 3])
    expect((await runtime.send(lives.Look, undefined, 'full/x')).n).toBe(0)
  })

  it('what is sent behind a stop is for the next agent, also if making it takes time', async () => {
    const runtime = await again(engine)
    const starter = runtime.handle(lives.slowStarter, 'x')
    const work = (ms: number) => starter.send(lives.Work, { ms })
    for (let round = 0; round < 5; round++) {
      await work(0)
      const stopped = starter.stop()
      const behind = Promise.all([1, 2, 3, 4, 5].map(work))
      await stopped
      expect(await behind).toEqual([1, 2, 3, 4, 5])
    }
  })

  it('what is sent behind a drop is for the next agent, also while the one that is dropped is made', async () => {
    const runtime = await again(engine)
    const starter = runtime.handle(lives.slowStarter, 'x')
    const [begun, release] = [flag(), flag()]
    await runtime.send(lives.Give, { begun, release }, 'porter/x')
    const first = failure(starter.send(lives.Work, { ms: 1 }))
    await reaches(begun, 1)
    const stopped = starter.stop({ drain: false })
    expect((await first).code).toBe('ERR_RINGREEVE_STOPPED') // so the agent is told, and waits for onStart
    const behind = [2, 3].map(ms => starter.send(lives.Work, { ms }))
    await runtime.send(lives.Give, { release }, 'porter/x') // so they are there too
    Atomics.store(release, 0, 1)
    await Promise.all([stopped, ...behind])
    expect(await starter.send(lives.Look, undefined)).toEqual({ steps: ['2', '3'] })
  })

  it('a full mailbox neither refuses the wish to stop nor makes room for it', async () => {
    const runtime = await again(engine)
    for (const type of [kit.rejects, kit.drops]) {
      const handle = runtime.handle(type, 'x')
      const [begun, release] = [flag(), flag()]
      const held = handle.send(kit.Hold, { begun, release })
      await reaches(begun, 1)
      const stored = [1, 2, 3, 4].map(n => handle.send(kit.Store, n))
      const stopped = handle.stop()
      await runtime.send(kit.Echo, 1, 'echo/x')
      Atomics.store(release, 0, 1)
      expect(await Promise.all([held, ...stored])).toEqual(['released', 1, 2, 3, 4])
      await stopped
      expect(await handle.send(kit.Notes)).toEqual([])
    }
  })

  it("with 'drop-oldest' the wish to stop is granted also when it is the oldest", async () => {
    const runtime = await again(engine)
    const handle = runtime.handle(kit.drops, 'x')
    const [begun, release] = [flag(), flag()]
    const held = handle.send(kit.Hold, { begun, release })
    await reaches(begun, 1)
    const stopped = handle.stop()
    const stored = [1, 2, 3, 4].map(n => handle.trySend(kit.Store, n)) // the last one makes the wish the oldest
    await runtime.send(kit.Echo, 1, 'echo/x')
    Atomics.store(release, 0, 1)
    expect(await held).toBe('released')
    await stopped
    expect((await Promise.all(stored)).map(({ value }) => value)).toEqual([1, 2, 3, 4])
    expect(await handle.send(kit.Notes)).toEqual([1, 2, 3, 4])
  })

  it('or, with drain: false, refused', async () => {
    const runtime = await again(engine)
    const begun = flag()
    await runtime.send(lives.Give, { begun }, 'full/x')
    const queued = [300, 0, 0].map(ms => failure(runtime.send(lives.Work, { ms }, 'full/x')))
    await reaches(begun, 1)
    await runtime.send(kit.Echo, 1, 'echo/x')
    await runtime.handle(lives.full, 'x').stop({ drain: false })
    for (const error of await Promise.all(queued)) expect(error.code).toBe('ERR_RINGREEVE_STOPPED')
    expect(await runtime.send(lives.Work, { ms: 0 }, 'full/x')).toBe(1)
  })

  it('a turn that does not end holds up the stop for its timeout at most', async () => {
    const runtime = await live(engine)
    const begun = flag()
    await runtime.send(lives.Give, { begun }, 'full/x')
    const stuck = failure(runtime.send(lives.Work, { ms: 100_000 }, 'full/x'))
    await reaches(begun, 1)
    await runtime.handle(lives.full, 'x').stop({ timeout: 10 })
    expect((await stuck).code).toBe('ERR_RINGREEVE_STOPPED')
    expect(await runtime.send(lives.Work, { ms: 0 }, 'full/x')).toBe(1)
    await runtime.close({ timeout: 20 })
  })

  it('a turn that outlives its agent holds up nothing of the one made after it, and reaches nothing of it', async () => {
    await using runtime = await live(engine)
    const words = { begun: flag(), release: flag(), done: flag() }
    const outlived = failure(runtime.send(lives.Outlive, words, 'outliving/x'))
    await reaches(words.begun, 1)
    const stopping = runtime.handle(lives.outliving, 'x').stop({ drain: false, timeout: 100 })
    expect((await outlived).code).toBe('ERR_RINGREEVE_STOPPED')
    const meanwhile = runtime.send(lives.Look, undefined, 'outliving/x')
    await stopping
    expect(await meanwhile).toEqual({ heard: [] })
    await runtime.publish(lives.Called, 'now', { topic: 'calls/x', until: 'handled' })
    Atomics.store(words.release, 0, 1)
    await reaches(words.done, 1)
    expect(await runtime.send(lives.Look, undefined, 'outliving/x')).toEqual({ heard: ['now'] })
  })

  it('messages that come while it stops wait, and idle() waits for all of it', async () => {
    const runtime = await again(engine)
    const stopped = flag()
    const release = flag()
    await runtime.send(lives.Give, { stopped, release }, 'full/x')
    await runtime.send(lives.Quit, undefined, 'full/x')
    const next = runtime.send(lives.Work, { ms: 0 }, 'full/x')
    let idle = false
    const idling = runtime.idle().then(() => {
      idle = true
    })
    await runtime.send(kit.Slow, { ms: 20, answer: 0 }, 'echo/x')
    expect([stopped[0], idle]).toEqual([0, false])
    Atomics.store(release, 0, 1)
    expect(await next).toBe(1)
    await idling
    expect(stopped[0]).toBe(1)
  })

  it('an agent that is not there stops at once, and one of an unknown type is an error', async () => {
    const runtime = await again(engine)
    await runtime.handle(lives.full, 'nobody').stop()
    expect((await failure(runtime.handle({ type: 'unknown' }, 'x').stop())).code).toBe('ERR_RINGREEVE_UNKNOWN_AGENT')
  })
})

onEveryEngine('errors of loops and intervals', engine => {
  it("'report': the agent goes on", async () => {
    await using runtime = await live(engine, { unhandledErrors: 'throw' })
    await runtime.send(lives.Fail, { how: 'a' }, 'reporting/x')
    let seen = ''
    while (seen === '') {
      await runtime.send(lives.Look, undefined, 'reporting/x')
      seen = await runtime.idle().then(
        () => '',
        error => error.message,
      )
    }
    expect(seen).toContain('loop a failed')
    expect(await runtime.send(lives.Look, undefined, 'reporting/x')).toEqual({ fail: 'a' })
  })

  it("'stop-agent': it stops, several errors come as one, and the next message makes it anew", async () => {
    const runtime = await live(engine, { unhandledErrors: 'throw' })
    const stopped = flag()
    await runtime.send(lives.Give, { stopped }, 'fragile/x')
    await runtime.send(lives.Fail, { how: 'a, then b' }, 'fragile/x')
    await reaches(stopped, 1)
    expect(await runtime.send(lives.Look, undefined, 'fragile/x')).toEqual({ fail: '' })
    const error = (await failure(runtime.close())) as unknown as AggregateError
    expect(error.errors).toHaveLength(1)
    const group = error.errors[0] as AggregateError
    expect(group).toBeInstanceOf(AggregateError)
    expect(group.errors.map(one => one.message).sort()).toEqual(['loop a failed', 'loop b failed'])
    expect(stopped[0]).toBe(1)
  })

  it("'stop-runtime': run() rejects with it", async () => {
    for (const how of ['a', 'tick']) {
      const runtime = await live(engine)
      const stopped = flag()
      await runtime.send(lives.Give, { stopped }, 'fatal/x')
      const ran = failure(runtime.run())
      await runtime.send(lives.Fail, { how }, 'fatal/x')
      expect((await ran).message).toMatch(/loop a failed|a tick failed/)
      expect(runtime.running).toBe(false)
      expect(stopped[0]).toBe(1)
      await runtime.close()
    }
  })
})

onEveryEngine('unloading', engine => {
  it('an idle agent stops, and comes back with its state at its next message', async () => {
    const runtime = await again(engine)
    const stopped = flag()
    await runtime.send(lives.Give, { stopped }, 'idling/x')
    await reaches(stopped, 1)
    await runtime.idle()
    expect((await runtime.saveState())['idling/x']).toMatchObject({ n: 1, once: 1 })
    expect(await runtime.handle(lives.idling, 'x').saveState()).toMatchObject({ n: 1 })
    expect(await runtime.send(lives.Look, undefined, 'idling/x')).toEqual({ n: 1, starts: 2 })
    await reaches(stopped, 2)
    await runtime.handle(lives.idling, 'x').stop({ timeout: 2 ** 31 - 1 }) // its answer comes, not the end of its patience
    expect(await runtime.send(lives.Look, undefined, 'idling/x')).toEqual({ n: 0, starts: 1 })
  })

  it('keepState: false begins anew; counted as no agent meanwhile; idle() waits for its end once it began', async () => {
    await using runtime = await live(engine)
    const stopped = flag()
    await runtime.send(lives.Give, { stopped }, 'forgetting/x')
    await reaches(stopped, 1)
    await runtime.idle()
    expect(runtime.stats().loops.reduce((sum, loop) => sum + loop.agents, 0)).toBe(0)
    expect(await runtime.send(lives.Look, undefined, 'forgetting/x')).toEqual({ n: 0, starts: 1 })
  })

  it('a pending timer keeps it', async () => {
    const runtime = await again(engine)
    const stopped = flag()
    const ticks = flag()
    await Promise.all([
      runtime.send(lives.Give, { stopped, ticks }, 'idling/x'),
      runtime.send(lives.Later, { ms: 80 }, 'idling/x'),
    ])
    await reaches(ticks, 1)
    expect(ticks[1]).toBe(0) // what had stopped when the timer fired
    await reaches(stopped, 1)
  })
})

onEveryEngine('coming and going', engine => {
  it('messages that race with stops and unloading are handled, each once, by one agent at a time', async () => {
    const runtime = await live(engine)
    const words = new Int32Array(new SharedArrayBuffer(12))
    let sent = 0
    const busy = async (key: string): Promise<void> => {
      const handle = runtime.handle(lives.fleeting, key)
      for (let round = 0; round < 30; round++) {
        const sends = Array.from({ length: 1 + (round % 3) }, () => handle.send(lives.Count, words))
        sent += sends.length
        if (round % 5 === 0) await handle.stop()
        await Promise.all(sends)
        if (round % 3 === 0) await sleep(round % 4)
      }
    }
    await Promise.all(['a', 'bb', 'c', 'dd', 'e', 'ff'].map(busy))
    await runtime.close()
    const [handled, made, stopped] = words
    expect(handled).toBe(sent)
    expect(made).toBeGreaterThanOrEqual(6 * 6) // each was stopped six times, and has come back
    expect(stopped).toBeGreaterThanOrEqual(made as number)
  })
})

onEveryEngine('pausing', engine => {
  it('a paused agent begins nothing; its mailbox keeps its bound; resumed it goes on in order', async () => {
    const runtime = await again(engine)
    const rejects = runtime.handle(kit.rejects, 'x')
    await rejects.pause()
    const sent = Array.from({ length: 10 }, (_, n) => runtime.trySend(kit.Store, n, 'rejects/x'))
    const refused = await Promise.all(sent.slice(4))
    expect(refused.map(({ error }) => (error as { code: string }).code)).toEqual(
      Array(6).fill('ERR_RINGREEVE_OVERLOADED'),
    )
    await rejects.resume()
    expect((await Promise.all(sent.slice(0, 4))).map(({ value }) => value)).toEqual([1, 2, 3, 4])
    expect(await runtime.send(kit.Notes, undefined, 'rejects/x')).toEqual([0, 1, 2, 3])
  })

  it('stop() works off what a paused agent has', async () => {
    const runtime = await live(engine)
    await runtime.handle(kit.recorder, 'x').pause()
    const sent = runtime.send(kit.Store, 'kept', 'recorder/x')
    await runtime.send(kit.Echo, 1, 'echo/x')
    await runtime.close()
    expect(await sent).toBe(1)
    const second = await live(engine)
    await second.handle(kit.recorder, 'x').pause()
    const late = second.send(kit.Store, 'kept', 'recorder/x')
    await second.handle(kit.recorder, 'x').stop()
    expect(await late).toBe(1)
    await second.close()
  })
})
