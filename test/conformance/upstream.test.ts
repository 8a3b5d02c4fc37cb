// What the systems that came before promise, or got wrong: the cases that no other file of this suite holds already,
// and each of their measured hangs and losses as a named test. Their "instance registration" is `keys` here; their
// `expected_class` has no counterpart, since an agent is not a class.
import { agent, createRuntime, type LogEntry, request } from 'ringreeve'
import { expect, it } from 'vitest'
import { failure, flag, kit as kitUrl, onEveryEngine, open, reaches, shared } from './engines.js'
import * as kit from './kit.js'

onEveryEngine('registering', engine => {
  it('refuses a type that is there, and takes the same handlers under another', async () => {
    const runtime = await shared(engine)
    const again = await failure(runtime.register(agent('echo').on(kit.Echo, payload => payload)))
    expect(again.code).toBe('ERR_RINGREEVE_ALREADY_EXISTS')
    expect(again.message).toContain("'echo'")
    expect(await runtime.register(agent('echo-2').on(kit.Echo, payload => payload))).toEqual(['echo-2'])
    expect(await runtime.send(kit.Echo, 1, 'echo-2/x')).toBe(1)
    expect(runtime.agents().find(one => one.type === 'echo-2')?.loops).toEqual([0])
    expect(runtime.agents().find(one => one.type === 'echo')).toMatchObject({
      messages: ['echo', 'slow', 'who', 'forward'],
      description: 'gives back what it gets',
    })
  })

  it('an agent given as an object lives on the calling loop, and talks with those on threads', async () => {
    const runtime = await shared(engine)
    let inside = 0
    const local = agent('local', { subscriptions: ['default'] })
      .on(kit.Forward, ({ to, payload }, ctx) => {
        inside++
        return ctx.send(kit.Echo, payload, to)
      })
      .on(kit.Note, () => void inside++)
    await runtime.register(local)
    expect(await runtime.send(kit.Forward, { to: 'echo/x', payload: 5 }, 'local/me')).toBe(5)
    await runtime.send(kit.Tell, { payload: 1, topic: 'default/me' }, 'sender/other')
    await runtime.idle()
    expect(inside).toBe(2)
  })

  it('keys that are listed exist; an event for another is an error that a drain can surface', async () => {
    await using runtime = await open(engine, { unhandledErrors: 'throw' })
    await runtime.publish(kit.Note, 1, { topic: 'listed/one' })
    await runtime.idle()
    await runtime.publish(kit.Note, 1, { topic: 'listed/three' })
    expect((await failure(runtime.idle())).message).toContain('there is no agent listed/three')
  })

  it('skips the subscriptions of a definition when told to', async () => {
    const runtime = await shared(engine)
    let heard = 0
    const ear = agent('ear', { subscriptions: ['default'] }).on(kit.Note, () => void heard++)
    await runtime.register(ear, { subscriptions: false })
    await runtime.publish(kit.Note, 1, { topic: 'default/skips' })
    await runtime.idle()
    expect(heard).toBe(0)
    await runtime.subscribe({ agent: 'ear', topic: 'default' })
    await runtime.publish(kit.Note, 1, { topic: 'default/skips' })
    await runtime.idle()
    expect(heard).toBe(1)
  })

  it('get names an agent, lazily or not', async () => {
    await using runtime = await open(engine)
    expect((await runtime.get('echo')).toString()).toBe('echo/default')
    expect((await runtime.get('echo/a/b')).key).toBe('a/b')
    expect(runtime.stats().loops.reduce((sum, loop) => sum + loop.agents, 0)).toBe(0)
    await runtime.get('living/x', { lazy: false })
    await runtime.idle()
    expect((await runtime.handle(kit.living, 'x').saveState()) as object).toMatchObject({ started: 1 })
    expect((await failure(runtime.get('nobody/x'))).code).toBe('ERR_RINGREEVE_UNKNOWN_AGENT')
    expect((await failure(runtime.get('flaky/x', { lazy: false }))).code).toBe('ERR_RINGREEVE_AGENT_CREATION')
  })
})

onEveryEngine('topics', engine => {
  it('the default topic has the key of the publishing agent as its source, and default outside', async () => {
    const runtime = await shared(engine)
    await runtime.publish(kit.Note, 'from outside')
    await runtime.send(kit.Tell, { payload: 'from within' }, 'sender/mine')
    await runtime.publish(kit.Note, 'elsewhere', { topic: 'default/other' })
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'recorder/default')).toEqual(['from outside'])
    expect(await runtime.send(kit.Notes, undefined, 'recorder/mine')).toEqual(['from within'])
    expect(await runtime.send(kit.Notes, undefined, 'recorder/other')).toEqual(['elsewhere'])
  })

  it('a prefix matches every topic type that starts with it', async () => {
    const runtime = await shared(engine)
    for (const topic of ['log.error/prefix', 'log./prefix', 'logs/prefix', 'a.log.b/prefix'])
      await runtime.publish(kit.Note, topic, { topic })
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'recorder/prefix')).toEqual(['log.error/prefix', 'log./prefix'])
  })

  it('the same subscription twice is refused, also under another id; an unknown one cannot be removed', async () => {
    const runtime = await shared(engine)
    expect((await failure(runtime.subscribe({ agent: 'recorder', topic: 'news', id: 'mine' }))).code).toBe(
      'ERR_RINGREEVE_ALREADY_EXISTS',
    )
    const taken = await runtime.subscribe({ agent: 'recorder', topic: 'extra', id: 'mine' })
    expect(taken.id).toBe('mine')
    expect((await failure(runtime.subscribe({ agent: 'echo', topic: 'extra', id: 'mine' }))).code).toBe(
      'ERR_RINGREEVE_ALREADY_EXISTS',
    )
    await runtime.unsubscribe('mine')
    expect((await failure(runtime.unsubscribe('mine'))).code).toBe('ERR_RINGREEVE_UNKNOWN_SUBSCRIPTION')
    expect((await failure(runtime.subscribe({ agent: 'nobody', topic: 'x' }))).code).toBe('ERR_RINGREEVE_UNKNOWN_AGENT')
    expect((await failure(runtime.subscribe({ agent: 'echo' } as never))).code).toBe('ERR_RINGREEVE_INVALID_ARGUMENT')
    expect((await failure(runtime.subscribe({ agent: 'echo', topic: 'no good' }))).code).toBe(
      'ERR_RINGREEVE_INVALID_NAME',
    )
  })

  it('an event that an agent does not handle is dropped and logged, without an error', async () => {
    const log: LogEntry[] = []
    await using runtime = await open(engine, { unhandledErrors: 'throw', log: entry => log.push(entry) })
    await runtime.publish(kit.FailEvent, 'x', { topic: 'news/x' })
    await runtime.idle()
    expect(log.filter(entry => entry.event === 'drop')).toMatchObject([
      { message: 'fail-event', agent: 'recorder/x', reason: 'no handler' },
    ])
  })
})

onEveryEngine('handlers', engine => {
  it('of several for one message the first whose condition holds runs; none: nothing, or an error for a request', async () => {
    const runtime = await shared(engine)
    expect(await runtime.send(kit.Number_, 4, 'chooser/x')).toBe('even')
    expect(await runtime.send(kit.Number_, 3, 'chooser/x')).toBe('three')
    expect((await failure(runtime.send(kit.Number_, 5, 'chooser/x'))).code).toBe('ERR_RINGREEVE_NO_HANDLER')
    for (const n of [1, 50, 500]) await runtime.publish(kit.Pick, n, { topic: 'pick/x' })
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'chooser/x')).toEqual(['small 1', 'big 500'])
  })

  it('events are not sent and requests are not published', async () => {
    const runtime = await shared(engine)
    const sent = await failure(runtime.send(kit.Note as never, 1 as never, 'recorder/x'))
    expect(sent.message).toMatch(/send\(\) takes what request\(\) returned, got event 'note'/)
    const published = await failure(runtime.publish(kit.Echo as never, 1 as never))
    expect(published.message).toMatch(/publish\(\) takes what event\(\) returned, got request 'echo'/)
  })
})

onEveryEngine('measured upstream, mended here', engine => {
  it('four first messages to one id made four instances: here one', async () => {
    const runtime = await shared(engine)
    const all = await Promise.all([1, 2, 3, 4].map(() => runtime.send(kit.Made, undefined, 'lazy/four')))
    expect(new Set(all.map(one => one.instance)).size).toBe(1)
  })

  it('a recipient that could not be made took the event from the others: here they get it', async () => {
    const runtime = await shared(engine)
    await runtime.subscribe({ agent: 'recorder', topic: 'flaky' })
    await runtime.publish(kit.Note, 'for both', { topic: 'flaky/both' })
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'recorder/both')).toEqual(['for both'])
  })

  it('a cancelled token did not keep the handler from running: here it does', async () => {
    const runtime = await shared(engine)
    const word = flag()
    await failure(runtime.send(kit.Mark, { word }, 'holder/token', { signal: AbortSignal.abort() }))
    await runtime.idle()
    expect(word[0]).toBe(0)
  })

  it('a handler that raised after the cancel hung the drain: here idle resolves', async () => {
    const runtime = await shared(engine)
    const begun = flag()
    const controller = new AbortController()
    const sent = failure(runtime.send(kit.ThrowLate, { begun }, 'holder/raised', { signal: controller.signal }))
    await reaches(begun, 1)
    controller.abort()
    await sent
    await runtime.idle()
  })

  it('a send to an unknown recipient hung the drain: here idle resolves', async () => {
    const runtime = await shared(engine)
    await failure(runtime.send(kit.Echo, 1, 'nobody/x'))
    await failure(runtime.send(kit.Forward, { to: 'nobody/x', payload: 1 }, 'echo/x'))
    await runtime.idle()
  })

  it('an interceptor that dropped or raised hung the drain: here idle resolves', async () => {
    await using runtime = await open(engine, { interceptors: [new URL('./interceptors.js', import.meta.url)] })
    for (const order of ['send drop', 'send throw', 'response drop', 'response throw'])
      await failure(runtime.send(kit.Echo, { order }, 'echo/x'))
    for (const order of ['publish drop', 'publish throw']) await failure(runtime.publish(kit.Note, { order }))
    await runtime.idle()
  })

  it('stop left pending requests unsettled: here each settles', async () => {
    const runtime = await open(engine)
    const all = Array.from({ length: 10 }, (_, n) =>
      failure(runtime.send(kit.Slow, { ms: 10_000, answer: n }, `echo/${n}`)),
    )
    await runtime.stop({ drain: false, timeout: 20 })
    for (const error of await Promise.all(all)) expect(error.code).toMatch(/STOPPED|THREAD_LOST/)
    await runtime.close()
  })

  it('a drain resolved while a slow sibling of a failed handler still ran: here it waits', async () => {
    const runtime = await shared(engine)
    const words = { begun: flag(), release: flag() }
    const held = runtime.send(kit.Hold, words, 'waits/sibling')
    await reaches(words.begun, 1)
    await runtime.subscribe({ agent: 'waits', topic: 'trouble' })
    await runtime.publish(kit.FailEvent, 'fails', { topic: 'trouble/sibling' })
    let idle = false
    const waiting = runtime.idle().then(() => {
      idle = true
    })
    await new Promise(resolve => setTimeout(resolve, 20))
    expect(idle).toBe(false)
    Atomics.store(words.release, 0, 1)
    await Promise.all([held, waiting])
  })

  it('answers of nothing were never sent: here undefined arrives', async () => {
    const runtime = await shared(engine)
    expect(await runtime.send(kit.Step, { ms: 0 }, 'serial/x')).toBeUndefined()
  })

  it('a second answer overwrote the first of the same id: here equal requests stay apart', async () => {
    const runtime = await shared(engine)
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        runtime.send(kit.Slow, { ms: 40 - n, answer: n }, 'echo/same', { messageId: 'same' }),
      ),
    )
    expect(answers).toEqual(Array.from({ length: 40 }, (_, n) => n))
  })
})

it('single loop: steps through messages one by one', async () => {
  await using runtime = await createRuntime({
    threads: 0,
    agents: [kitUrl],
    autoStart: false,
    unhandledErrors: 'throw',
  })
  expect(await runtime.processNext()).toBe(false)
  const answers: unknown[] = []
  for (const n of [1, 2]) void runtime.send(kit.Echo, n, 'echo/x').then(answer => answers.push(answer))
  await runtime.publish(kit.FailEvent, 'in a step', { topic: 'trouble/x' })
  expect(runtime.unprocessedMessages).toBe(4)
  // agents take turns: one message of each, then the next of the first
  await runtime.processNext()
  expect(answers).toEqual([1])
  expect((await failure(runtime.processNext())).message).toContain('in a step')
  expect(await runtime.processNext()).toBe(true)
  expect(answers).toEqual([1])
  expect(await runtime.processNext()).toBe(true)
  expect(answers).toEqual([1, 2])
  expect(await runtime.processNext()).toBe(false)
  await runtime.start()
  expect((await failure(runtime.processNext())).code).toBe('ERR_RINGREEVE_INVALID_ARGUMENT')
})

it('a request type and an agent with the same name as another’s do not collide', async () => {
  const Same = request<number, number>('echo')
  const other = agent('other').on(Same, n => n + 1)
  await using runtime = await createRuntime({ agents: [other, kitUrl], threads: 1 })
  expect(await runtime.send(Same, 1, 'other/x')).toBe(2)
  expect(await runtime.send(kit.Echo, 1, 'echo/x')).toBe(1)
})
