// Promised: a stop that does not end in time says who holds it up, to whoever waits for what it drops and to the log; it holds its
// time limit however many agents there are, and says of how many it did not run the `onStop`.
import { type LogEntry, type Runtime, StoppedError, TimeoutError } from 'ringreeve'
import { expect, it } from 'vitest'
import { type Engine, failure, flag, onEveryEngine, open } from './engines.js'
import { Be, Hang, Spin } from './held-up.js'

const url = new URL('./held-up.js', import.meta.url)

function opened(engine: Engine): { readonly reasons: string[]; readonly runtime: Promise<Runtime> } {
  const reasons: string[] = []
  const log = ({ event, reason }: LogEntry): void => void (event === 'slow' && reasons.push(`${reason}`))
  return { reasons, runtime: open(engine, { agents: [url], log, unhandledErrors: 'throw' }) }
}

onEveryEngine('a stop that is held up says by whom', engine => {
  /** On a busy machine a thread may well not come by in so short a time; then it is that which is said. */
  const busy = (address: string, what: string): string =>
    engine.threads === 0
      ? `${address} \\(${what}\\), on the calling loop`
      : `(${address} \\(${what}\\), on thread \\d|thread \\d, which does not come back to its event loop)`

  it('by a handler', async () => {
    const { reasons, runtime } = opened(engine)
    const hung = (await runtime).send(Hang, null, 'handler/x')
    const error = failure(hung)
    await (await runtime).close({ timeout: 50 })
    expect(await error).toBeInstanceOf(StoppedError)
    const told = `^the runtime was stopped; stop\\(\\) had not drained it after 50 ms: it waits for ${busy('handler/x', "'hang'")}`
    expect((await error).message).toMatch(new RegExp(told))
    expect(reasons.find(reason => new RegExp(told).test(reason))).toBeDefined()
  })

  it.each([
    ['looper/x', 'a background loop', Be],
    ['starter/x', 'onStart', Hang],
    ['leaver/x', 'onStop', Be],
  ] as const)('by %s: %s', async (address, what, message) => {
    const { reasons, runtime } = opened(engine)
    const sent = (await runtime).trySend(message as typeof Be, flag(), address)
    if (message === Be) await sent
    await (await runtime).close({ timeout: 50 })
    expect(reasons.join('\n')).toMatch(new RegExp(busy(address, what)))
    await sent
  })

  it('runs every onStop, or says how many it did not', async () => {
    const { reasons, runtime } = opened(engine)
    const most = 5_000
    const word = flag()
    const all = Array.from({ length: most }, (_, n) => n)
    await Promise.all(all.map(async n => (await runtime).send(Be, word, `many/${n}`)))
    const error = await (await runtime).close({ drain: false, timeout: 0 }).catch(error => error)
    const missed = Number(/no time for the onStop of (\d+) agents/.exec(reasons.join())?.[1] ?? 0)
    // a thread that does not come by in so short a time is ended, and nobody knows
    const lost = reasons.join().includes('does not come back')
    if (!lost) expect((word[0] as number) + missed).toBe(most)
    if (engine.threads === 0) expect(missed).toBeGreaterThan(0)
    if (missed > 0) expect(error.errors[0]).toBeInstanceOf(TimeoutError)
  })

  it('runs every onStop when there is time', async () => {
    const { reasons, runtime } = opened(engine)
    const word = flag()
    const all = Array.from({ length: 3_000 }, (_, n) => n)
    await Promise.all(all.map(async n => (await runtime).send(Be, word, `many/${n}`)))
    await (await runtime).close({ drain: false, timeout: 60_000 })
    expect([word[0], reasons]).toEqual([3_000, []])
  })

  if (engine.threads > 0) {
    it('by a thread that does not come by, and the calls that wait for it', async () => {
      const { reasons, runtime } = opened(engine)
      const word = flag()
      const error = failure((await runtime).send(Spin, word, 'spinner/x'))
      await (await runtime).close({ timeout: 50 })
      expect((await error).message).toMatch(
        /it waits for thread \d, which does not come back to its event loop; the calling loop waits there for .*spinner\/x/,
      )
      expect(reasons.join('\n')).toContain('it did not wait any longer for thread')
    })
  }
})
