// Promised: watching: the event log and diagnostics channels, counters, and what nobody waits for.
import diagnostics from 'node:diagnostics_channel'
import type { LogEntry, LoopStats, Runtime } from 'ringreeve'
import { expect, it } from 'vitest'
import * as behind from './behind.js'
import { failure, flag, onEveryEngine, open, reaches } from './engines.js'
import * as kit from './kit.js'

onEveryEngine('watching', engine => {
  it('the event log tells the life of each message, from every loop', async () => {
    const log: LogEntry[] = []
    await using runtime = await open(engine, { log: entry => log.push(entry) })
    await runtime.send(kit.Forward, { to: 'echo/y', payload: 1 }, 'echo/x', { messageId: 'm1' })
    await runtime.publish(kit.Note, 1, { topic: 'news/x' })
    await failure(runtime.send(kit.Fail, { kind: 'type' }, 'thrower/x'))
    await runtime.idle()
    const events = (filter: Partial<LogEntry>) =>
      log.filter(entry => Object.entries(filter).every(([key, value]) => entry[key as keyof LogEntry] === value)).length
    expect(events({ event: 'send', message: 'forward', messageId: 'm1', agent: 'echo/x' })).toBe(1)
    expect(events({ event: 'process', message: 'forward', messageId: 'm1' })).toBe(1)
    expect(events({ event: 'respond', message: 'forward', messageId: 'm1' })).toBe(1)
    expect(events({ event: 'send', message: 'echo', sender: 'echo/x', agent: 'echo/y' })).toBe(1)
    expect(events({ event: 'publish', message: 'note', topic: 'news/x' })).toBe(1)
    expect(events({ event: 'process', message: 'note', agent: 'recorder/x', topic: 'news/x' })).toBe(1)
    expect(events({ event: 'create', agent: 'echo/x' })).toBe(1)
    expect(events({ event: 'error', agent: 'thrower/x', reason: 'TypeError: not that type' })).toBe(1)
    const begun = log.findIndex(entry => entry.event === 'process' && entry.message === 'forward')
    const answered = log.findIndex(entry => entry.event === 'respond' && entry.message === 'forward')
    expect(begun).toBeLessThan(answered)
    if (engine.threads > 0) expect(log.some(entry => entry.loop > 0)).toBe(true)
  })

  it('diagnostics channels speak on the thread where it happens', async () => {
    const sent: unknown[] = []
    const listener = (entry: unknown) => sent.push(entry)
    diagnostics.subscribe('ringreeve:send', listener)
    try {
      await using runtime = await open(engine)
      await runtime.send(kit.Echo, 1, 'echo/x')
      expect(sent).toMatchObject([{ event: 'send', message: 'echo', agent: 'echo/x', loop: 0 }])
    } finally {
      diagnostics.unsubscribe('ringreeve:send', listener)
    }
  })

  it('counters add up, and count what waits', async () => {
    await using runtime = await open(engine)
    const words = { begun: flag(), release: flag() }
    const held = runtime.send(kit.Hold, words, 'holder/x')
    await reaches(words.begun, 1)
    const waiting = Array.from({ length: 5 }, () => runtime.send(kit.Mark, { word: flag() }, 'holder/x'))
    while (runtime.unprocessedMessages < 5) await new Promise(resolve => setTimeout(resolve, 1))
    expect(runtime.unprocessedMessages).toBe(5)
    Atomics.store(words.release, 0, 1)
    await Promise.all([held, ...waiting])
    await runtime.idle()
    const { loops } = runtime.stats()
    const sum = (name: Exclude<keyof LoopStats, 'loop' | 'alive'>) => loops.reduce((all, loop) => all + loop[name], 0)
    expect([sum('handled'), sum('failed'), sum('running'), sum('queued'), sum('sent'), sum('agents')]).toEqual([
      6, 0, 0, 0, 6, 1,
    ])
    expect(loops.length).toBe(engine.threads + 1)
    expect(loops.every(loop => loop.alive)).toBe(true)
    expect(sum('framesIn')).toBe(sum('framesOut'))
    expect(sum('framesOut') > 0).toBe(engine.threads > 0)
  })

  it("unhandledErrors: 'throw' gives an event handler's errors to the next idle, all of them, once", async () => {
    await using runtime = await open(engine, { unhandledErrors: 'throw' })
    for (const kind of ['one', 'two', 'three']) await runtime.publish(kit.FailEvent, kind, { topic: `trouble/${kind}` })
    const error = (await failure(runtime.idle())) as unknown as AggregateError
    expect(error).toBeInstanceOf(AggregateError)
    expect(error.errors.map(one => one.message).sort()).toEqual(['one', 'three', 'two'])
    await runtime.idle()
    await failure(runtime.send(kit.Fail, { kind: 'type' }, 'thrower/x'))
    await runtime.idle()
    await runtime.publish(kit.FailEvent, 'at the end', { topic: 'trouble/x' })
    expect((await failure(runtime.stop())).message).toContain('at the end')
    await runtime.close()
  })

  it('by default they are logged, and idle and stop resolve', async () => {
    const log: LogEntry[] = []
    const runtime = await open(engine, { log: entry => log.push(entry) })
    await runtime.publish(kit.FailEvent, 'logged', { topic: 'trouble/x' })
    await runtime.idle()
    expect(log.filter(entry => entry.event === 'error').map(entry => entry.reason)).toEqual(['Error: logged'])
    await runtime.close()
  })

  it('an event that could not leave is told of to who publishes it, and to nobody else', async () => {
    if (engine.threads === 0) return // by reference all leave
    await using runtime = await open(engine, { unhandledErrors: 'throw' })
    const { signal } = new AbortController()
    for (const until of ['accepted', 'handled'] as const) {
      const published = runtime.publish(kit.Note, { callback: () => 1 }, { topic: 'news/x', signal, until })
      expect((await failure(published)).message).toContain('callback is a function')
    }
    await runtime.publish(kit.Note, 1, { topic: 'news/x', signal })
    await runtime.idle()
  })
})

onEveryEngine('what a thread tells a host that is behind with its answers', engine => {
  const options = { agents: [new URL('./behind.js', import.meta.url)], ringBytes: 2 ** 20 }
  const words = () => new Int32Array(new SharedArrayBuffer(16))
  const many = 20_000 // of which the ring holds two thousand

  /** Has a thread answer so many requests, and then something fail there, all while the host does nothing. */
  async function fallsBehind(runtime: Runtime, words: Int32Array): Promise<void> {
    const answers = Array.from({ length: many }, () => runtime.trySend(behind.Owe, words, 'debtor/x'))
    await reaches(words, many)
    Atomics.store(words, 1, 1)
    for (const end = performance.now() + 30_000; Atomics.load(words, 3) === 0 && performance.now() < end; );
    for (const end = performance.now() + 20; performance.now() < end; ); // it fails a moment after it said so
    expect([...words]).toEqual([many, 1, many, 1])
    await Promise.all(answers)
  }

  it('is not lost: an error that ends the runtime', async () => {
    if (engine.threads !== 1) return // the way to the host is the same
    const runtime = await open(engine, options)
    const ran = failure(runtime.run())
    const all = words()
    await runtime.send(behind.Watch, all, 'guard/x')
    await fallsBehind(runtime, all)
    expect((await ran).message).toBe('the guard fell asleep')
    await runtime.close()
  })

  it('is not lost: errors that nobody waits for', async () => {
    if (engine.threads !== 1) return
    await using runtime = await open(engine, { ...options, unhandledErrors: 'throw' })
    const all = words()
    await runtime.publish(behind.Miss, all, { topic: 'miss/x' })
    await fallsBehind(runtime, all)
    expect((await failure(runtime.idle())).message).toContain('missed')
  })

  it('is not lost: the first warning of its kind', async () => {
    if (engine.threads !== 1) return
    await using runtime = await open(engine, options)
    const all = words()
    const warned = new Promise<string>(resolve => {
      const look = ({ message }: Error) => {
        if (!message.includes("'miss' failed at")) return
        process.off('warning', look)
        resolve(message)
      }
      process.on('warning', look)
    })
    await runtime.publish(behind.Miss, all, { topic: 'miss/x' })
    await fallsBehind(runtime, all)
    expect(await warned).toContain('Error: missed')
  })
})
