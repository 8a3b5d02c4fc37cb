// Promised: what the runtime rejects in a turn, hook or loop that was given up is no unhandled rejection, whatever it is, although
// nobody waits for it yet: it ends neither the process nor the thread, nor fails who gave up.
import type { LogEntry, Runtime } from 'ringreeve'
import { expect, it } from 'vitest'
import { type Engine, failure, flag, onEveryEngine, open, reaches, sleep } from './engines.js'
import * as turns from './given-up-turns.js'

const module = new URL('./given-up-turns.js', import.meta.url)

/** How each is begun and, once what it waits for is on its way, given up. */
type GivesUp = (runtime: Runtime, kind: string, words: Int32Array) => Promise<unknown>
const begun = (words: Int32Array) => reaches(words, 1)
const places: Record<string, GivesUp> = {
  'a turn whose caller aborts': async (runtime, kind, words) => {
    const controller = new AbortController()
    const caller = failure(runtime.send(turns.Go, undefined, `worker/${kind}`, { signal: controller.signal }))
    await begun(words)
    controller.abort()
    expect((await caller).code).toBe('ERR_RINGREEVE_CANCELLED')
  },
  'a turn whose caller has waited long enough': async (runtime, kind, words) => {
    for (let timeout = 20; Atomics.load(words, 0) === 0; timeout *= 2) {
      const error = await failure(runtime.send(turns.Go, undefined, `worker/${kind}`, { timeout }))
      expect(error.code).toBe('ERR_RINGREEVE_TIMEOUT')
    }
  },
  'a turn past its deadline': async (runtime, kind) => {
    expect((await failure(runtime.send(turns.Go, undefined, `hasty/${kind}`))).code).toBe('ERR_RINGREEVE_DEADLINE')
  },
  'a turn whose agent is stopped': async (runtime, kind, words) => {
    const caller = failure(runtime.send(turns.Go, undefined, `worker/${kind}`))
    await begun(words)
    await runtime.handle({ type: 'worker' }, kind).stop({ drain: false })
    expect((await caller).code).toBe('ERR_RINGREEVE_STOPPED')
  },
  'a timer whose agent is stopped': async (runtime, kind, words) => {
    await runtime.send(turns.Ping, undefined, `ticker/${kind}`)
    await begun(words)
    await runtime.handle({ type: 'ticker' }, kind).stop({ drain: false })
  },
  'a loop whose agent stops': async (runtime, kind, words) => {
    await runtime.send(turns.Ping, undefined, `looper/${kind}`)
    await begun(words)
    await runtime.handle({ type: 'looper' }, kind).stop() // that the loop ends with what it waited for is no failure
  },
  'an onStart whose agent is stopped': async (runtime, kind, words) => {
    const caller = failure(runtime.send(turns.Go, undefined, `starter/${kind}`))
    await begun(words)
    await runtime.handle({ type: 'starter' }, kind).stop({ drain: false })
    expect((await caller).code).toBe('ERR_RINGREEVE_STOPPED')
  },
}

/** Has every thread take the words. */
async function carry(runtime: Runtime, threads: number): Promise<Int32Array> {
  const words = new Int32Array(new SharedArrayBuffer(8))
  const there = new Set<number>()
  for (let n = 0; there.size < Math.max(1, threads); n++)
    there.add(await runtime.send(turns.Carry, words, `carrier/${n}`))
  return words
}

/** What was an unhandled rejection while `use` went on, of the process or of a thread. */
async function harmOf(engine: Engine, use: (runtime: Runtime, harm: string[]) => Promise<void>): Promise<string[]> {
  const harm: string[] = []
  const rejected = (reason: unknown) => harm.push(`${reason}`)
  const log = ({ event, reason }: LogEntry) => event === 'crash' && harm.push(`${reason}`)
  process.on('unhandledRejection', rejected)
  try {
    const runtime = await open(engine, { agents: [module], interceptors: [module], log })
    await use(runtime, harm)
    await runtime.close({ drain: false })
  } finally {
    process.off('unhandledRejection', rejected)
  }
  return harm
}

onEveryEngine('what is rejected once it is given up', engine => {
  it.each(Object.entries(places))('ends nothing in %s', async (_, giveUp) => {
    const harmed: string[] = []
    const harm = await harmOf(engine, async (runtime, harm) => {
      for (const kind of turns.kinds) {
        const before = harm.length
        const words = await carry(runtime, engine.threads)
        await giveUp(runtime, kind, words)
        while (Atomics.load(words, 1) === 0 && harm.length === before) await sleep(1)
        if (harm.length > before) harmed.push(kind)
      }
    })
    expect([harmed, harm]).toEqual([[], []])
  })

  it('waits for nothing any more, also if it has never looked whether it is wanted', async () => {
    const runtime = await open(engine, { agents: [module], interceptors: [module] })
    for (const kind of turns.waits) {
      const word = flag()
      expect((await failure(runtime.send(turns.Wait, word, `blind/${kind}`))).code).toBe('ERR_RINGREEVE_DEADLINE')
      await reaches(word, 1)
    }
    await runtime.close({ drain: false, timeout: 200 })
  })

  it('ends nothing in a turn of a runtime that stops', async () => {
    const all: Int32Array[] = []
    const harm = await harmOf(engine, async runtime => {
      const callers: Promise<Error & { code?: unknown }>[] = []
      for (const kind of turns.kinds) {
        const words = await carry(runtime, engine.threads)
        callers.push(failure(runtime.send(turns.Go, undefined, `worker/${kind}`)))
        await begun(words)
        all.push(words)
      }
      await runtime.stop({ drain: false })
      expect((await Promise.all(callers)).map(({ code }) => code)).toEqual(all.map(() => 'ERR_RINGREEVE_STOPPED'))
      // a thread that has ended has no more of them
      if (engine.threads === 0) await Promise.all(all.map(words => reaches(words.subarray(1), 1)))
    })
    expect(harm).toEqual([])
  })
})
