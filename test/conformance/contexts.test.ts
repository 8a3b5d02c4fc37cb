// Promised: what runs on a loop runs in the async context (AsyncLocalStorage) of nobody, never in that of whoever else has sent; and
// who awaits an answer goes on in its own.
import { AsyncLocalStorage } from 'node:async_hooks'
import { expect, it } from 'vitest'
import * as contexts from './contexts.js'
import { onEveryEngine, open } from './engines.js'

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
    expect(await Promise.all(all)).toEqual(all.map((_, n) => ({ inner: 'none', after: `${n}`, mine: n })))
  })

  it('of ticks, loops and onStart is none', async () => {
    await using runtime = await open(engine, { agents })
    expect(await runtime.send(contexts.Own, undefined, 'maker/x')).toEqual(['loop none', 'start none', 'tick none'])
  })
})
