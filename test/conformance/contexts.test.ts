// Promised: what runs on a loop runs in the async context (AsyncLocalStorage) of nobody, never in that of whoever else has sent; and
// who awaits an answer goes on in its own.
import { AsyncLocalStorage } from 'node:async_hooks'
import { expect, it } from 'vitest'
import * as contexts from './contexts.js'
import { failure, onEveryEngine, open } from './engines.js'

const agents = [new URL('./contexts.js', import.meta.url)]

onEveryEngine('async context', engine => {
  it('of a handler is none, whoever has woken its loop; callers keep their own', async () => {
    await using runtime = await open(engine, { agents })
    const mine = new AsyncLocalStorage<number>()
    const all = Array.from({ length: 40 }, (_, n) =>
      mine.run(n, async () => {
        const answer = await runtime.send(contexts.Outer, n, `outer/${n % 3}`)
        return { ...answer, mine: mine.getStore() }
      }),
    )
    expect(await Promise.all(all)).toEqual(
      all.map((_, n) => ({ inner: 'none', after: `${n}`, outer: 'none', mine: n })),
    )
  })

  it("of a handler is the sender's on the same loop, if that is asked for, and none from another", async () => {
    await using runtime = await open(engine, { agents, asyncContext: 'sender' })
    const all = Array.from({ length: 40 }, (_, n) =>
      contexts.store.run(`app ${n}`, async () => {
        const answer = await runtime.send(contexts.Outer, n, `outer/${n % 3}`)
        return { ...answer, mine: contexts.store.getStore() }
      }),
    )
    const near = engine.threads < 2
    for (const [n, { inner, after, outer, mine }] of (await Promise.all(all)).entries()) {
      expect([after, outer, mine]).toEqual([`${n}`, engine.threads === 0 ? `app ${n}` : 'none', `app ${n}`])
      expect(near ? [`${n}`] : [`${n}`, 'none']).toContain(inner)
    }
  })

  it("of what was held is the sender's too, and not of who lets it go", async () => {
    const runtime = await open(engine, { agents, asyncContext: 'sender', autoStart: false })
    const sent = [1, 2].map(n =>
      contexts.store.run(`app ${n}`, () => runtime.send(contexts.Inner, undefined, `inner/${n}`)),
    )
    await contexts.store.run('starter', () => runtime.start())
    const wanted = engine.threads === 0 ? ['app 1', 'app 2'] : ['none', 'none']
    expect(await Promise.all(sent)).toEqual(wanted)
    const own = new AsyncLocalStorage<number>()
    await own.run(7, async () => {
      const saving = runtime.saveState()
      const held = contexts.store.run('held', () => runtime.send(contexts.Inner, undefined, 'inner/1'))
      await saving
      expect(await held).toBe(engine.threads === 0 ? 'held' : 'none')
      expect([own.getStore(), contexts.store.getStore()]).toEqual([7, undefined])
    })
    await runtime.close()
  })

  it.each(['none', 'sender'] as const)('of ticks, loops and onStart is none (%s)', async asyncContext => {
    await using runtime = await open(engine, { agents, asyncContext })
    expect(await runtime.send(contexts.Own, undefined, 'maker/x')).toEqual(['loop none', 'start none', 'tick none'])
  })

  it.each([true, false])(
    'of all that an agent does of itself is none, whoever makes and stops it (drain: %s)',
    async drain => {
      for (const asyncContext of ['none', 'sender'] as const) {
        await using runtime = await open(engine, { agents, asyncContext })
        await contexts.store.run('made', () => runtime.get('called/x', { lazy: false }))
        await runtime.send(contexts.Own, undefined, 'called/x')
        const stopped = contexts.store.run('stopped', () => runtime.handle({ type: 'called' }, 'x').stop({ drain }))
        expect((await failure(stopped)).message).toBe(
          'loop none,loop, later none,start none,start, later none,state none,stop none,tick none',
        )
      }
    },
  )
})
