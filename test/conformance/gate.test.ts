// Promised: what the application has sent counts from then on, also while it is held (state is saved or loaded, or the runtime is
// not started): who waits for all to be handled waits for it too.
import { expect, it } from 'vitest'
import { onEveryEngine, open } from './engines.js'
import * as kit from './kit.js'

onEveryEngine('what is held', engine => {
  it('counts as unprocessed until it is sent, and no longer', async () => {
    await using runtime = await open(engine)
    const saved = runtime.saveState()
    const sent = [1, 2].map(n => runtime.send(kit.Echo, n, 'echo/x'))
    const published = runtime.publish(kit.Note, 1, { topic: 'news/x' })
    const controller = new AbortController()
    const cancelled = runtime.trySend(kit.Echo, 3, 'echo/x', { signal: controller.signal })
    expect([runtime.unprocessedMessages, runtime.stats().unprocessed]).toEqual([4, 4])
    controller.abort()
    expect(runtime.unprocessedMessages).toBe(3)
    await Promise.all([saved, ...sent, published, cancelled])
    await runtime.idle()
    expect(runtime.unprocessedMessages).toBe(0)
  })

  it('is waited for by idle()', async () => {
    await using runtime = await open(engine)
    const saved = runtime.saveState()
    let answered = false
    const sent = runtime.send(kit.Echo, 1, 'echo/x').then(() => {
      answered = true
    })
    await runtime.idle()
    expect(answered).toBe(true)
    await Promise.all([saved, sent])
  })

  it('is waited for by an idle() that was asked before it was sent, and before state was saved', async () => {
    await using runtime = await open(engine)
    const slow = runtime.send(kit.Slow, { ms: 20, answer: 1 }, 'echo/x')
    let answered = false
    const idle = runtime.idle().then(() => answered)
    const saved = runtime.saveState()
    const sent = runtime.send(kit.Echo, 1, 'echo/y').then(() => {
      answered = true
    })
    expect(await idle).toBe(true)
    await Promise.all([slow, saved, sent])
  })

  it('is answered before stopWhenIdle() stops', async () => {
    await using runtime = await open(engine)
    const saved = runtime.saveState()
    const sent = runtime.send(kit.Echo, 1, 'echo/x')
    await Promise.all([runtime.stopWhenIdle(), saved.catch(() => {})])
    expect(await sent).toBe(1)
  })

  it('is seen by who stops when nothing is unprocessed', async () => {
    await using runtime = await open(engine)
    const saved = runtime.saveState()
    const sent = runtime.send(kit.Echo, 1, 'echo/x')
    await runtime.stopWhen(() => runtime.unprocessedMessages === 0)
    await saved.catch(() => {})
    expect(await sent).toBe(1)
  })

  it('counts in a runtime that is not started, and is answered before stopWhenIdle() stops that', async () => {
    await using runtime = await open(engine, { autoStart: false })
    await runtime.idle() // nothing was sent
    const sent = runtime.send(kit.Echo, 1, 'echo/x')
    expect(runtime.unprocessedMessages).toBe(1)
    let idle = false
    const waits = runtime.idle().then(() => {
      idle = true
    })
    const stopped = runtime.stopWhenIdle()
    await new Promise(resolve => setImmediate(resolve))
    expect(idle).toBe(false)
    await runtime.start()
    expect(await sent).toBe(1)
    await Promise.all([waits, stopped])
    expect(runtime.running).toBe(false)
  })

  it('of a runtime that is closed instead is told so, and nobody waits for it any longer', async () => {
    const runtime = await open(engine, { autoStart: false })
    const sent = runtime.trySend(kit.Echo, 1, 'echo/x')
    const idle = runtime.idle()
    await runtime.close()
    expect((await sent).error).toMatchObject({ code: 'ERR_RINGREEVE_STOPPED' })
    await idle
    expect(runtime.unprocessedMessages).toBe(0)
  })
})
