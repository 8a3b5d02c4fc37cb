// Promised: naming and delivery.
import { agentId, type LogEntry, request, topicId } from 'ringreeve'
import { expect, it } from 'vitest'
import { failure, flag, onEveryEngine, open, reaches, shared, sleep } from './engines.js'
import * as kit from './kit.js'

onEveryEngine('naming', engine => {
  it('takes any key, also empty and with slashes, and splits at the first slash', async () => {
    const runtime = await shared(engine)
    for (const key of ['', 'a/b/c', 'é ü 漢字 🙂', 'x'.repeat(20_000)]) {
      const who = await runtime.send(kit.Who, undefined, `echo/${key}`)
      expect(who.id).toBe(`echo/${key}`)
    }
    expect(agentId('a', 'b/c').toString()).toBe('a/b/c')
  })

  it('refuses a bad name when it is made, naming the character', async () => {
    expect(() => agentId('no way', 'x')).toThrow(/" " at position 2/)
    expect(() => agentId('a:b')).toThrow(/":"/)
    expect(() => agentId('')).toThrow(/empty/)
    expect(() => topicId('a/b')).toThrow(/"\/"/)
    expect(topicId('a.b:c=d-e_f', 's/t').toString()).toBe('a.b:c=d-e_f/s/t')
    const runtime = await shared(engine)
    const error = await failure(runtime.send(kit.Echo, 1, 'no-slash'))
    expect(error.code).toBe('ERR_RINGREEVE_INVALID_NAME')
    expect(error.message).toContain('type/key')
  })
})

onEveryEngine('delivery', engine => {
  it('keeps the order of one sender to one recipient, whatever the size of the messages', async () => {
    const runtime = await shared(engine)
    const sizes = Array.from({ length: 400 }, (_, n) => (n % 40 === 7 ? 200_000 : n % 11 === 3 ? 40_000 : n % 90))
    const senders = ['a', 'b', 'c', 'd']
    await Promise.all(senders.map(key => runtime.send(kit.Flood, { to: `recorder/${key}`, sizes }, `sender/${key}`)))
    for (const key of senders) {
      const notes = (await runtime.send(kit.Notes, undefined, `recorder/${key}`)) as { n: number; text: string }[]
      expect(notes.map(note => note.n)).toEqual(sizes.map((_, n) => n))
      expect(notes.map(note => note.text.length)).toEqual(sizes)
    }
  })

  it('keeps the order of events and requests of one sender', async () => {
    const runtime = await shared(engine)
    const all: Promise<unknown>[] = []
    for (let n = 0; n < 300; n++) {
      all.push(
        n % 3 === 0
          ? runtime.send(kit.Store, n, 'recorder/mixed')
          : runtime.publish(kit.Note, n, { topic: 'news/mixed' }),
      )
    }
    await Promise.all(all)
    await runtime.idle()
    const notes = await runtime.send(kit.Notes, undefined, 'recorder/mixed')
    expect(notes).toEqual(Array.from({ length: 300 }, (_, n) => n))
  })

  it('settles a send to an unknown type, and names what is registered', async () => {
    const runtime = await shared(engine)
    const error = await failure(runtime.send(kit.Echo, 1, 'nobody/x'))
    expect(error.code).toBe('ERR_RINGREEVE_UNKNOWN_AGENT')
    expect(error.message).toMatch(/nobody\/x.*registered: .*echo/)
    const nested = await failure(runtime.send(kit.Forward, { to: 'nobody/y', payload: 1 }, 'echo/x'))
    expect(nested.code).toBe('ERR_RINGREEVE_UNKNOWN_AGENT')
  })

  it('settles a request that the agent does not handle', async () => {
    const runtime = await shared(engine)
    const error = await failure(runtime.send(kit.Unheard, undefined, 'echo/x'))
    expect(error.code).toBe('ERR_RINGREEVE_NO_HANDLER')
    expect(error.message).toMatch(/echo\/x.*'unheard'.*handles: echo, slow/)
  })

  it('settles a request that the agent does not handle, also one named like what every object has', async () => {
    const runtime = await shared(engine)
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      const error = await failure(runtime.send(request<void, void>(name), undefined, 'echo/x'))
      expect([name, error.code]).toEqual([name, 'ERR_RINGREEVE_NO_HANDLER'])
    }
  })

  it('answers undefined, null and every plain value', async () => {
    const runtime = await shared(engine)
    const values = [
      undefined,
      null,
      0,
      -1,
      2 ** 40,
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      '',
      'é🙂',
      true,
      [],
      {},
      [[1, { a: [null] }]],
    ]
    for (const value of values) expect(await runtime.send(kit.Echo, value, 'echo/x')).toEqual(value)
  })

  it('delivers an event once, however many subscriptions match', async () => {
    await using runtime = await open(engine)
    await runtime.subscribe({ agent: 'recorder', prefix: 'ne' })
    await runtime.subscribe({ agent: 'recorder', prefix: '' })
    await runtime.publish(kit.Note, 'once', { topic: 'news/x' })
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'recorder/x')).toEqual(['once'])
  })

  it('does not deliver an event to its own sender, unless asked to', async () => {
    const runtime = await shared(engine)
    await runtime.send(kit.Tell, { payload: 1 }, 'sender/self')
    await runtime.send(kit.Tell, { payload: 2, topic: 'default/not-self' }, 'sender/self')
    await runtime.idle()
    expect(await runtime.send(kit.Heard, undefined, 'sender/self')).toBe(0)
    expect(await runtime.send(kit.Heard, undefined, 'sender/not-self')).toBe(1)
    expect(await runtime.send(kit.Notes, undefined, 'recorder/self')).toEqual([1])
    await runtime.send(kit.Tell, { payload: 3, toSelf: true }, 'sender/self')
    await runtime.idle()
    expect(await runtime.send(kit.Heard, undefined, 'sender/self')).toBe(1)
  })

  it('one failing recipient does not stop the others', async () => {
    const runtime = await shared(engine)
    for (let n = 0; n < 10; n++) await runtime.publish(kit.FailEvent, 'bad', { topic: `trouble/${n}` })
    await runtime.idle()
    for (let n = 0; n < 10; n++) expect(await runtime.send(kit.Heard, undefined, `unharmed/${n}`)).toBe(1)
  })

  it('a subscription change is in force on every loop when its promise resolves', async () => {
    const runtime = await shared(engine)
    for (let round = 0; round < 5; round++) {
      const subscription = await runtime.subscribe({ agent: 'recorder', topic: 'extra' })
      await Promise.all(
        ['e', 'f', 'g', 'h'].map(key =>
          runtime.send(kit.Tell, { payload: round, topic: `extra/${key}` }, `sender/${key}`),
        ),
      )
      await subscription.unsubscribe()
      await Promise.all(
        ['e', 'f', 'g', 'h'].map(key =>
          runtime.send(kit.Tell, { payload: -1, topic: `extra/${key}` }, `sender/${key}`),
        ),
      )
    }
    await runtime.idle()
    for (const key of ['e', 'f', 'g', 'h']) {
      expect(await runtime.send(kit.Notes, undefined, `recorder/${key}`)).toEqual([0, 1, 2, 3, 4])
    }
  })

  it('publish resolves when accepted, not when handled', async () => {
    const runtime = await shared(engine)
    const begun = flag()
    const release = flag()
    const held = runtime.send(kit.Hold, { begun, release }, 'waits/accepted')
    await reaches(begun, 1)
    await runtime.publish(kit.Note, 1, { topic: 'waits/accepted' })
    Atomics.store(release, 0, 1)
    await held
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'waits/accepted')).toEqual([1])
  })

  it('publish until handled waits for all, and names each failure', async () => {
    const runtime = await shared(engine)
    const begun = flag()
    const release = flag()
    const held = runtime.send(kit.Hold, { begun, release }, 'waits/handled')
    await reaches(begun, 1)
    let handled = false
    const published = runtime.publish(kit.Note, 1, { topic: 'waits/handled', until: 'handled' }).then(() => {
      handled = true
    })
    await sleep(20)
    expect(handled).toBe(false)
    Atomics.store(release, 0, 1)
    await published
    await held
    const error = await failure(runtime.publish(kit.FailEvent, 'type', { topic: 'trouble/handled', until: 'handled' }))
    expect(error).toBeInstanceOf(AggregateError)
    expect(error.message).toMatch(/1 of 2 handlers of 'fail-event' failed: thrower\/handled: not that type/)
    expect((error as unknown as AggregateError).errors[0]).toBeInstanceOf(TypeError)
    expect(await runtime.send(kit.Heard, undefined, 'unharmed/handled')).toBe(1)
    await runtime.publish(kit.Note, 1, { topic: 'nobody-hears/handled', until: 'handled' })
  })

  it('tells a handler who sent what, where and as what', async () => {
    const log: LogEntry[] = []
    await using runtime = await open(engine, { log: entry => log.push(entry) })
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const options = { messageId: 'my-own-id', traceparent }
    const who = await runtime.send(kit.Who, undefined, 'echo/x', options)
    expect(who).toMatchObject({ id: 'echo/x', isRequest: true, messageId: 'my-own-id', traceparent })
    expect(who.sender).toBeUndefined()
    expect(who.topic).toBeUndefined()
    const ids = await Promise.all(Array.from({ length: 50 }, () => runtime.send(kit.Who, undefined, 'echo/x')))
    expect(new Set(ids.map(one => one.messageId)).size).toBe(50)
    await runtime.send(kit.Tell, { payload: 1, topic: 'news/x' }, 'sender/me', { traceparent })
    await runtime.idle()
    const contexts = await runtime.send(kit.Contexts, undefined, 'recorder/x')
    expect(contexts).toEqual([{ sender: 'sender/me', topic: 'news/x', isRequest: false, traceparent }])
  })
})
