// What a message is, wherever it goes: a kind and a name, an address, and a value that arrives as it was.
import { UnknownAgentError } from 'ringreeve'
import { expect, it } from 'vitest'
import { failure, onEveryEngine, shared } from './engines.js'
import * as kit from './wire-agents.js'

const agents = [new URL('./wire-agents.js', import.meta.url)]

onEveryEngine('a request and an event of one name', engine => {
  it('are two messages: neither runs the other’s handler', async () => {
    const runtime = await shared(engine, { agents })
    await runtime.publish(kit.Ordered, undefined, { topic: 'orders/x' })
    await runtime.idle()
    const error = await failure(runtime.send(kit.Order, 1, 'scribe/x'))
    expect(error.code).toBe('ERR_RINGREEVE_NO_HANDLER')
    expect(error.message).toContain('it handles: got, order (event)')
    expect(await runtime.send(kit.Order, 1, 'foreman/x')).toBe('answer')
    expect(await runtime.send(kit.Got, undefined, 'clerk/x')).toEqual([])
    expect(await runtime.send(kit.Got, undefined, 'scribe/x')).toEqual(['told'])
    expect(await runtime.send(kit.Got, undefined, 'foreman/x')).toEqual(['told', 'asked'])
  })
})

onEveryEngine('a text is what it was', engine => {
  const halves = ['\ud800', '\ud801', '\udc00', '\ufffd', '\ufeff', 'a\ud83d', 'a\udc00b']

  it('as a key, a payload and a message id, also half a surrogate pair', async () => {
    const runtime = await shared(engine, { agents })
    for (const text of halves) {
      const { n, ...got } = await runtime.send(kit.Count, text, `counter/${text}`, { messageId: `id ${text}` })
      expect([text, n, got]).toEqual([text, 1, { key: text, text, id: `id ${text}` }])
    }
  })

  it('as the source of a topic', async () => {
    const runtime = await shared(engine, { agents })
    for (const text of halves) await runtime.publish(kit.Called, text, { topic: `calling/t${text}`, until: 'handled' })
    for (const text of halves) expect((await runtime.send(kit.Count, text, `counter/t${text}`)).n).toBe(2)
  })

  it('as a key of an object and of a Map, and inside an error', async () => {
    const runtime = await shared(engine, { agents })
    for (const text of halves) {
      const value = { [text]: text, map: new Map([[text, [text]]]), error: Object.assign(new Error(text), { text }) }
      const back = (await runtime.send(kit.Echo, value, 'mirror/x')) as typeof value
      expect(back.error.message).toBe(text)
      expect(back).toEqual(value)
    }
  })
})

onEveryEngine('what is too large to be sent', engine => {
  it('is refused to its sender, and harms nobody else', async () => {
    if (engine.threads === 0) return // by reference
    const runtime = await shared(engine, { agents })
    await runtime.send(kit.Count, '', 'counter/beside')
    const large = new Uint8Array(2 ** 31)
    for (const value of [large, [large, large, large]]) {
      const error = await failure(runtime.send(kit.Size, value, 'mirror/x'))
      expect(error.code).toBe('ERR_RINGREEVE_NOT_SERIALIZABLE')
      expect(error.message).toMatch(/payload of 'size' for mirror\/x cannot cross threads: it has \d{10} bytes/)
    }
    expect((await runtime.send(kit.Count, '', 'counter/beside')).n).toBe(2)
  })
})

onEveryEngine('a value', engine => {
  it('goes by the same rules whatever stands beside it', async () => {
    const runtime = await shared(engine, { agents })
    const ours = await failure(runtime.send(kit.Echo, 1, 'nobody/x'))
    const besides: [unknown, { transfer?: ArrayBuffer[] }?][] = [
      [1],
      [/x/],
      [new SharedArrayBuffer(8)],
      [new Blob(['a'])],
    ]
    const moved = new ArrayBuffer(8)
    for (const [beside, options] of [...besides, [moved, { transfer: [moved] }] as const]) {
      const node = { name: 'n' }
      const value = {
        beside,
        node,
        again: node,
        ours,
        code: Object.assign(new Error('m'), { code: 'ENOENT' }),
        all: new AggregateError([new TypeError('a')], 'all'),
      }
      const back = (await runtime.send(kit.Echo, value, 'mirror/x', options)) as typeof value
      expect(back.node).toBe(back.again)
      expect(back.ours).toBeInstanceOf(UnknownAgentError)
      expect(back.code).toMatchObject({ code: 'ENOENT' })
      expect(back.all).toBeInstanceOf(AggregateError)
      expect(back.all.errors[0]).toBeInstanceOf(TypeError)
      expect(Object.prototype.toString.call(back.beside)).toBe(Object.prototype.toString.call(beside))
    }
  })

  it('with an own key __proto__ is refused, wherever that is', async () => {
    if (engine.threads === 0) return // by reference
    const runtime = await shared(engine, { agents })
    const evil = JSON.parse('{"__proto__":{"admin":true}}')
    for (const value of [evil, { re: /x/, evil }, new Map([['a', evil]]), [new SharedArrayBuffer(8), evil]]) {
      const error = await failure(runtime.send(kit.Echo, value, 'mirror/x'))
      expect(error.message).toMatch(/cannot cross threads: an object has a key __proto__$/)
    }
  })
})
