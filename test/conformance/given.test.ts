// What a send or a publish is given is read once, into what is the runtime's own: an address may be any { type, key }, options may
// be inherited or throw when they are read, and a signal need not be Node's own.
import { agentId, type SendOptions } from 'ringreeve'
import { expect, it } from 'vitest'
import { failure, flag, onEveryEngine, open, shared } from './engines.js'
import * as kit from './kit.js'

onEveryEngine('an address without a text of its own', engine => {
  const ids = (key: string) => {
    const { groups } = /(?<type>\w+) (?<key>[\w-]+)/.exec(`holder ${key}`) as { groups: unknown } // its prototype is null
    return [groups, { type: 'holder', key }, structuredClone(agentId('holder', key)), agentId('holder', key)] as {
      type: string
      key: string
    }[]
  }

  it('is named in what is said of the send, with a time limit and without', async () => {
    const runtime = await shared(engine)
    for (const [i, to] of ids('named').entries()) {
      const words = { begun: flag(), ended: flag() }
      const late = await failure(runtime.send(kit.Await, words, { ...to, key: `named-${i}` }, { timeout: 20 }))
      expect(late).toMatchObject({ name: 'TimeoutError', agent: `holder/named-${i}` })
      expect(late.message).toContain(`'await' for holder/named-${i} was not answered`)
      expect(await runtime.send(kit.Mark, { word: flag() }, to)).toBeUndefined()
      const unheard = await failure(runtime.send(kit.Unheard, undefined, to))
      expect(unheard).toMatchObject({ name: 'NoHandlerError', agent: 'holder/named' })
    }
  })

  it('is one that is asked again when its thread ends', async () => {
    if (engine.threads === 0) return // nothing ends but the process
    const runtime = await open(engine, { restarts: { max: 100, within: 60_000, backoff: { min: 1, max: 2 } } })
    try {
      for (const [i, id] of ids('again').slice(0, 2).entries()) {
        const to = { ...id, type: 'mortal', key: `again-${i}` }
        const begun = flag()
        const error = await failure(runtime.send(kit.End, { how: 'exit', begun }, to, { idempotent: true }))
        expect(error).toMatchObject({ name: 'PoisonedError', agent: `mortal/again-${i}` })
        expect(begun[0]).toBe(2)
      }
    } finally {
      await runtime.close()
    }
  })

  it('hears what is published to it as a topic', async () => {
    const runtime = await shared(engine)
    const topic = Object.assign(Object.create(null), { type: 'trouble', source: 'given' })
    const error = await failure(runtime.publish(kit.FailEvent, 'error', { topic, until: 'handled' }))
    expect(error.message).toContain('thrower/given')
  })

  it('is refused when it is none, whatever else is wanted of the send', async () => {
    const runtime = await shared(engine)
    const none = Object.assign(Object.create(null), { key: 'x' })
    for (const to of [none, {}, 5, Symbol('x'), { toString: () => 'holder/x' }])
      for (const options of [undefined, { timeout: 1 }, { idempotent: true }])
        expect(await failure(runtime.send(kit.Mark, { word: flag() }, to, options))).toMatchObject({
          name: 'InvalidNameError',
        })
  })
})

onEveryEngine('what waits at the gate and is given up', engine => {
  it('is named, also without a topic', async () => {
    if (engine.threads === 0) return // it needs no beginning
    const runtime = await open(engine, { autoStart: false })
    const [reason, signal] = [new Error('not wanted'), AbortSignal.abort(new Error('not wanted'))]
    const published = await failure(runtime.publish(kit.Note, 1, { signal }))
    expect(published).toMatchObject({ name: 'CancelledError', agent: 'default/default', cause: reason })
    const sent = await failure(runtime.send(kit.Who, undefined, { type: 'echo', key: 'gate' }, { signal }))
    expect(sent).toMatchObject({ name: 'CancelledError', agent: 'echo/gate' })
    await runtime.close()
  })
})

onEveryEngine('options', engine => {
  it('that throw when they are read are in the promise', async () => {
    const runtime = await shared(engine)
    const thrown = new Error('not to be read')
    const bad = (): never => {
      throw thrown
    }
    const names = ['signal', 'timeout', 'messageId', 'idempotent', 'traceparent', 'transfer', 'cause', 'correlation']
    const all = names.map(name => Object.defineProperty({}, name, { get: bad, enumerable: true }))
    for (const options of [...all, new Proxy({}, { get: bad, ownKeys: bad, has: bad })]) {
      expect(await failure(runtime.send(kit.Echo, 1, 'echo/bad', options))).toBe(thrown)
      expect(await runtime.trySend(kit.Echo, 1, 'echo/bad', options)).toEqual({ ok: false, error: thrown })
    }
    for (const name of ['topic', 'toSelf', 'until', 'signal', 'messageId', 'traceparent']) {
      const options = Object.defineProperty({}, name, { get: bad, enumerable: true })
      expect(await failure(runtime.publish(kit.Note, 1, options))).toBe(thrown)
    }
  })

  it('are read once, and may be inherited', async () => {
    const runtime = await shared(engine)
    const reads: string[] = []
    const given = { timeout: 60_000, messageId: 'mine', idempotent: true }
    const read = new Proxy(given, {
      get: (all, name: string) => {
        reads.push(name)
        return Reflect.get(all, name)
      },
    })
    const own: SendOptions = Object.create(read)
    expect(await runtime.send(kit.Who, undefined, 'echo/once', own)).toMatchObject({ messageId: 'mine' })
    expect(reads.filter(name => name in given).sort()).toEqual(Object.keys(given).sort())
  })
})

onEveryEngine('a transfer', engine => {
  it('that is none is refused, whether something is to be moved or not', async () => {
    const runtime = await shared(engine)
    const buffer = new ArrayBuffer(8)
    const cases: [transfer: unknown, problem: string][] = [
      ['x', 'must be an array of what is to be moved, got "x"'],
      [buffer, 'must be an array of what is to be moved, got '],
      [null, 'must be an array of what is to be moved, got null'],
      [[5], 'must hold ArrayBuffers, ports or streams, got 5'],
      [[buffer, buffer], 'must hold nothing twice'],
      [[new SharedArrayBuffer(8)], 'must not hold a SharedArrayBuffer'],
      [[new Uint8Array(buffer)], 'must hold the buffer of a typed array, not the array'],
    ]
    for (const [transfer, problem] of cases)
      for (const more of [{}, { timeout: 60_000 }, { idempotent: true }]) {
        const error = await failure(runtime.send(kit.Echo, buffer, 'echo/move', { transfer, ...more } as never))
        expect(error).toMatchObject({ name: 'InvalidArgumentError' })
        expect(error.message).toContain(`send 'echo': transfer ${problem}`)
      }
    expect(buffer.byteLength).toBe(8)
    expect(await runtime.send(kit.Echo, buffer, 'echo/move', { transfer: [buffer] })).toHaveProperty('byteLength', 8)
    await runtime.idle()
  })
})

onEveryEngine('a signal', engine => {
  const like = (more: object) => ({ aborted: false, addEventListener() {}, removeEventListener() {}, ...more })

  it('that lacks one of its three members is refused', async () => {
    const runtime = await shared(engine)
    const bad = ['aborted', 'addEventListener', 'removeEventListener'].map(name => like({ [name]: undefined }))
    for (const signal of [...bad, null, 5, 'signal'] as never[])
      for (const options of [{ signal }, { signal, timeout: 60_000 }, { signal, idempotent: true }]) {
        const error = await failure(runtime.send(kit.Echo, 1, 'echo/signal', options))
        expect(error).toMatchObject({ name: 'InvalidArgumentError' })
        expect(error.message).toContain("send 'echo': signal must be an AbortSignal")
      }
  })

  it('that cannot be let go of does not keep its send from being settled', async () => {
    const runtime = await shared(engine)
    const throws = () => {
      throw new Error('it stays')
    }
    const signal = like({ removeEventListener: throws }) as never
    for (const options of [{ signal }, { signal, timeout: 60_000 }, { signal, idempotent: true }])
      expect(await runtime.send(kit.Echo, 1, 'echo/tidy', options)).toBe(1)
    await runtime.publish(kit.Note, 1, { topic: 'notes/tidy', signal, until: 'handled' })
    expect(await failure(runtime.send(kit.Unheard, undefined, 'echo/tidy', { signal }))).toMatchObject({
      name: 'NoHandlerError',
    })
    await runtime.idle()
  })

  it('that cannot be listened to is the error of its send, each time', async () => {
    const runtime = await shared(engine)
    const throws = () => {
      throw new Error('deaf')
    }
    const signal = like({ addEventListener: throws }) as never
    for (let i = 0; i < 2; i++)
      expect((await failure(runtime.send(kit.Echo, 1, 'echo/deaf', { signal }))).message).toBe('deaf')
    await runtime.idle()
  })
})
