// Promised: what holds for the life of an agent holds at its edges too.
import { expect, it } from 'vitest'
import * as corners from './corners.js'
import { failure, flag, onEveryEngine, open, reaches, shared, sleep } from './engines.js'

const agents = [new URL('./corners.js', import.meta.url)]

/** When an agent says that it is being made. */
async function begins(): Promise<void> {
  const channel = new BroadcastChannel(corners.BEGUN)
  await new Promise(resolve => {
    channel.onmessage = resolve
  })
  channel.close()
}

onEveryEngine('the edges of a life', engine => {
  it('a turn that outlives its agent and wishes to stop leaves nothing to wait for', async () => {
    const runtime = await shared(engine, { agents })
    const words = { begun: flag(), release: flag(), done: flag() }
    const outlived = failure(runtime.send(corners.Begin, words, 'late/x'))
    await reaches(words.begun, 1)
    await runtime.handle(corners.late, 'x').stop({ drain: false, timeout: 10 })
    await outlived
    Atomics.store(words.release, 0, 1)
    await reaches(words.done, 1)
    await runtime.idle()
    expect(await runtime.send(corners.Ping, undefined, 'late/x')).toBe('pong')
  })

  it('the message that makes an agent is settled when agent or runtime stop before it is made', async () => {
    const runtime = await open(engine, { agents })
    const first = ['x', 'y'].map(key => failure(runtime.send(corners.Ping, undefined, `unborn/${key}`)))
    await sleep(10)
    await runtime.handle(corners.unborn, 'x').stop({ drain: false, timeout: 10 })
    expect((await first[0])?.code).toBe('ERR_RINGREEVE_STOPPED')
    await runtime.stop({ timeout: 10 })
    expect((await first[1])?.code).toBe('ERR_RINGREEVE_STOPPED')
    await runtime.close()
  })

  it('an agent that is stopped without draining refuses all that was sent before, wherever that is', async () => {
    const runtime = await shared(engine, { agents })
    for (const many of [3, 5_000]) {
      const sent = [failure(runtime.send(corners.Around, undefined, `thronged/${many}`))]
      for (let n = 0; n < many; n++) sent.push(failure(runtime.send(corners.Add, undefined, `thronged/${many}`)))
      await runtime.handle(corners.thronged, `${many}`).stop({ drain: false })
      const codes = (await Promise.all(sent)).map(error => error.code)
      expect([...new Set(codes)]).toEqual(['ERR_RINGREEVE_STOPPED'])
      expect(await runtime.send(corners.Add, undefined, `thronged/${many}`)).toBe(1)
      await runtime.idle()
    }
  })

  it('an agent that is stopped while it cannot be made is made anew, and what hangs is not seen again', async () => {
    const runtime = await shared(engine, { agents })
    const begun = begins()
    const first = failure(runtime.send(corners.Fired, undefined, 'sticking/x'))
    await begun
    await runtime.handle(corners.sticking, 'x').stop({ drain: false, timeout: 10 })
    expect((await first).code).toBe('ERR_RINGREEVE_STOPPED')
    await runtime.send(corners.Ping, undefined, 'sticking/x') // lets the first start go on
    await runtime.idle()
    expect(await runtime.send(corners.Fired, undefined, 'sticking/x')).toBe(12)
    await runtime.handle(corners.sticking, 'x').stop()
    expect(await runtime.send(corners.Fired, undefined, 'sticking/x')).toBe(3)
    await runtime.idle()
  })

  it('subscriptions hold for what is published after, and not before, wherever that is', async () => {
    const runtime = await shared(engine, { agents })
    const first = await runtime.subscribe({ agent: 'listening', topic: 'edge' })
    const before = Array.from({ length: 3_000 }, () => runtime.publish(corners.Heard, undefined, { topic: 'edge/x' }))
    const [second] = await Promise.all([
      runtime.subscribe({ agent: 'overhearing', topic: 'edge' }),
      first.unsubscribe(),
    ])
    await Promise.all(before)
    await runtime.publish(corners.Heard, undefined, { topic: 'edge/x' })
    await runtime.idle()
    const heard = ['listening/x', 'overhearing/x'].map(agent => runtime.send(corners.Fired, undefined, agent))
    expect(await Promise.all(heard)).toEqual([3_000, 1])
    await second.unsubscribe()
  })

  it('the state of an agent that is being unloaded can be saved', async () => {
    const runtime = await shared(engine, { agents })
    const words = { begun: flag(), release: flag(), done: flag() }
    await runtime.send(corners.Begin, words, 'leisurely/x')
    await reaches(words.begun, 1)
    const saved = await runtime.handle(corners.leisurely, 'x').saveState()
    Atomics.store(words.release, 0, 1)
    expect(saved).toMatchObject({ n: 7 })
  })

  it('a start that fails leaves nothing in the state of an agent that was unloaded', async () => {
    const runtime = await shared(engine, { agents })
    const words = { begun: flag(), release: flag(), done: flag() }
    await runtime.send(corners.Begin, words, 'relapsing/x')
    await reaches(words.done, 1)
    await runtime.idle()
    for (let n = 0; n < 3; n++)
      expect((await failure(runtime.send(corners.Fired, undefined, 'relapsing/x'))).code).toBe(
        'ERR_RINGREEVE_AGENT_CREATION',
      )
    Atomics.store(words.release, 0, 1)
    expect(await runtime.send(corners.Fired, undefined, 'relapsing/x')).toBe(2)
  })

  it('an agent that stops takes the calls that its own turns wait for', async () => {
    const runtime = await shared(engine, { agents })
    for (const key of ['a', 'b', 'c']) {
      expect(await runtime.send(corners.Around, undefined, `leaving/${key}`)).toBe('pong')
    }
    await runtime.idle()
  })

  it('a call that comes back to an agent that starts or stops is refused, and told why', async () => {
    const runtime = await shared(engine, { agents })
    const told = async (key: string) => (await runtime.send(corners.Told, undefined, `calling/${key}`)).join()
    expect(await told('self')).toContain("'ping' for calling/self would wait for itself: calling/self → calling/self")
    for (const key of ['a', 'b', 'c']) {
      const cycle = `ERR_RINGREEVE_CALL_CYCLE 'ping' for calling/${key} would wait for itself: calling/${key} → mirror/${key} → calling/${key}`
      expect(await told(key)).toContain(cycle)
      expect(await told(key)).toContain('send after onStart')
      expect(await runtime.send(corners.Ping, undefined, `calling/${key}`)).toBe('pong')
    }
    for (const [key, way] of Object.entries({ a: 'parting/a → mirror/a', self: 'parting/self' })) {
      await runtime.send(corners.Ping, undefined, `parting/${key}`)
      const stopped = await failure(runtime.handle(corners.parting, key).stop())
      expect(stopped.message).toContain(`would wait for itself: ${way} → parting/${key}`)
      expect(stopped.message).toContain('send before the agent stops')
    }
    const asked = await failure(runtime.send(corners.Around, undefined, 'asking/a'))
    expect(asked.message).toContain('would wait for itself: asking/a → begging/a → asking/a')
    await runtime.idle()
  })

  it('an agent that could not be made leaves no timer, and nothing for the next attempt', async () => {
    const runtime = await shared(engine, { agents })
    const failed = failure(runtime.send(corners.Fired, undefined, 'second/failed'))
    expect((await failed).code).toBe('ERR_RINGREEVE_AGENT_CREATION')
    await sleep(20)
    expect(await runtime.send(corners.Add, undefined, 'second/failed')).toBe(2) // its timer would have made it before
    const begun = begins()
    const stopped = failure(runtime.send(corners.Fired, undefined, 'second/stopped'))
    await begun
    await runtime.handle(corners.second, 'stopped').stop({ drain: false })
    expect((await stopped).code).toBe('ERR_RINGREEVE_STOPPED')
    await runtime.send(corners.Arm, { after: 1 }, 'second/stopped')
    while ((await runtime.send(corners.Fired, undefined, 'second/stopped')) === 0) await sleep(1)
    expect(await runtime.send(corners.Fired, undefined, 'second/stopped')).toBe(1)
  })

  it("with 'drop-oldest' no tick is dropped", async () => {
    const runtime = await shared(engine, { agents })
    const words = { begun: flag(), release: flag(), done: flag() }
    const set = runtime.send(corners.Begin, words, 'crowded/x')
    await reaches(words.begun, 1)
    const pong = runtime.send(corners.Ping, undefined, 'crowded/x')
    await sleep(5)
    Atomics.store(words.release, 0, 1)
    expect(await pong).toBe('pong')
    await set
    expect(await runtime.send(corners.Fired, undefined, 'crowded/x')).toBe(1)
  })

  it('what was not kept when an agent is unloaded is kept then', async () => {
    if (engine.threads === 0) return // there is nothing to keep it from
    await using runtime = await open(engine, { agents })
    const done = flag()
    await runtime.send(corners.Begin, { begun: done, release: done, done }, 'saving/x')
    await reaches(done, 1)
    await runtime.idle()
    await failure(runtime.send(corners.End, undefined, 'ending/x'))
    expect(await runtime.send(corners.Add, undefined, 'saving/x')).toBe(2)
  })
})

onEveryEngine('the end of the runtime', engine => {
  it('tells who waits for idle, and gives no snapshot of agents that have gone', async () => {
    const runtime = await open(engine, { agents })
    const pending = failure(runtime.send(corners.Ping, undefined, 'unborn/x'))
    const idle = runtime.idle()
    const saved = failure(runtime.saveState())
    await runtime.stop({ timeout: 10 })
    await idle
    expect((await saved).code).toBe('ERR_RINGREEVE_STOPPED')
    await pending
    await runtime.close()
  })

  it('settles what is in a check that never ends', async () => {
    const runtime = await open(engine, { agents })
    const sent = [
      runtime.send(corners.Unsaid, undefined, 'unchecked/x'),
      runtime.send(corners.Unsaid, undefined, 'unchecked/y'),
      runtime.send(corners.Unread, undefined, 'unchecked/x'),
      runtime.send(corners.Ping, undefined, 'unchecked/x'), // behind it
      runtime.publish(corners.Unheard, undefined, { topic: 'nobody/x' }),
    ].map(failure)
    await sleep(10)
    await runtime.stop({ timeout: 10 })
    for (const error of sent) expect((await error).code).toBe('ERR_RINGREEVE_STOPPED')
    await runtime.close()
  })

  it('waits for onStop as long as it is told to, however long that is', async () => {
    for (const timeout of [2 ** 31 - 1, Number.POSITIVE_INFINITY]) {
      const runtime = await open(engine, { agents })
      const done = flag()
      await runtime.send(corners.Begin, { begun: done, release: done, done }, 'lasting/x')
      await runtime.stop({ timeout })
      expect(done[0]).toBe(1)
      await runtime.close()
    }
  })
})

onEveryEngine('while a thread is replaced', engine => {
  it('what is registered and subscribed meanwhile is known to it before anything comes', async () => {
    if (engine.threads === 0) return
    const keys = [...'abcdefgh']
    for (const ms of [0, 10, 30]) {
      await using runtime = await open(engine, { agents })
      await failure(runtime.send(corners.End, undefined, `ending/${ms}`))
      await sleep(ms)
      await runtime.register(new URL('./recruit.js', import.meta.url))
      const here = keys.map(key => runtime.send(corners.Ping, undefined, `recruit/${key}`))
      await runtime.subscribe({ agent: 'listening', topic: 'news' })
      await Promise.all(
        keys.map(key => runtime.publish(corners.Heard, undefined, { topic: `news/${key}`, until: 'handled' })),
      )
      expect(await Promise.all(here)).toEqual(keys.map(() => 'here'))
      const heard = keys.map(key => runtime.send(corners.Fired, undefined, `listening/${key}`))
      expect(await Promise.all(heard)).toEqual(keys.map(() => 1))
    }
  })
})
