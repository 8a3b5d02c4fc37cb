// What crosses threads as what it is, and what is refused because nothing would be left of it.
import { type AgentId, agentId, topicId } from 'ringreeve'
import { expect, it } from 'vitest'
import * as kit from './crossing.js'
import { failure, onEveryEngine, shared } from './engines.js'

const agents = [new URL('./crossing.js', import.meta.url)]

onEveryEngine('an address in a payload', engine => {
  it('is one for its receiver: it has its text, and can be sent to', async () => {
    const runtime = await shared(engine, { agents })
    expect(await runtime.send(kit.Text, agentId('crosser', 'a/b'), 'crosser/x')).toBe('crosser/a/b')
    expect(await runtime.send(kit.Text, topicId('news', '\ud800'), 'crosser/x')).toBe('news/\ud800')
    const { id, again } = (await runtime.send(kit.Me, undefined, 'crosser/me')) as { id: AgentId; again: AgentId }
    expect(`${id} ${JSON.stringify(id)}`).toBe('crosser/me "crosser/me"')
    expect(again).toBe(id)
    expect(await runtime.send(kit.Echo, 1, id, { timeout: 60_000 })).toBe(1)
  })

  it('goes beside anything, at any depth', async () => {
    const runtime = await shared(engine, { agents })
    const id = agentId('crosser', 'deep')
    let value: unknown = { id, list: [id, new SharedArrayBuffer(8)] }
    for (let i = 0; i < 150; i++) value = { value }
    let back = await runtime.send(kit.Echo, value, 'crosser/x')
    for (let i = 0; i < 150; i++) back = (back as { value: unknown }).value
    const { id: own, list } = back as { id: AgentId; list: unknown[] }
    expect(`${own}`).toBe('crosser/deep')
    expect(list[0]).toBe(own)
  })
})

onEveryEngine('what Node and the web provide', engine => {
  it('goes as itself: URL and URLSearchParams', async () => {
    const runtime = await shared(engine, { agents })
    const url = new URL('http://u:p@host/path?a=1#h')
    const params = new URLSearchParams([['a', '1 2']])
    const back = (await runtime.send(kit.Echo, { url, params, again: url }, 'crosser/x')) as Record<string, unknown>
    expect(back.url).toBeInstanceOf(URL)
    expect(back.params).toBeInstanceOf(URLSearchParams)
    expect([`${back.url}`, `${back.params}`]).toEqual([`${url}`, 'a=1+2'])
    expect(back.again).toBe(back.url)
  })

  it('or is refused, with its place and what to send instead', async () => {
    if (engine.threads === 0) return // by reference
    const runtime = await shared(engine, { agents })
    for (const [name, make] of Object.entries(kit.made)) {
      const said = new RegExp(`cannot cross threads: in\\.list\\[1\\] is an? ${name} \\((send|pass) .*\\)$`)
      const error = await failure(runtime.send(kit.Echo, { in: { list: [1, make()] } }, 'crosser/x'))
      expect([error.name, error.message]).toEqual(['NotSerializableError', expect.stringMatching(said)])
      const beside = await failure(runtime.send(kit.Echo, [new SharedArrayBuffer(8), make()], 'crosser/x'))
      expect(beside.message).toMatch(new RegExp(`\\[1\\] is an? ${name} `))
      const answer = await failure(runtime.send(kit.Make, name as keyof typeof kit.made, 'crosser/x'))
      expect(answer.message).toMatch(
        new RegExp(`answer of crosser/x to 'make' cannot cross threads: it is an? ${name} `),
      )
      const within = (await runtime.send(kit.Echo, Object.assign(new Error('m'), { part: make() }), 'crosser/x')) as {
        part: unknown
      }
      expect(within.part).toBe('[object that cannot cross threads]')
    }
  })

  it('is no matter of classes of your own that are called like it, or are derived from it and have fields', async () => {
    const runtime = await shared(engine, { agents })
    class Request {
      url = 'mine'
    }
    class Job extends EventTarget {
      n = 1
      within: unknown
    }
    expect(await runtime.send(kit.Echo, [new Request(), new Job()], 'crosser/x')).toMatchObject([
      { url: 'mine' },
      { n: 1 },
    ])
    let nested = new Job()
    for (let i = 0; i < 250; i++) nested = Object.assign(new Job(), { n: i, within: nested })
    expect(await runtime.send(kit.Echo, nested, 'crosser/x')).toMatchObject({ n: 249, within: { n: 248 } })
  })

  it('is named where it is, in a Map or a Set too, and not in an error beside it', async () => {
    if (engine.threads === 0) return // by reference
    const runtime = await shared(engine, { agents })
    const error = Object.assign(new Error('m'), { callback: () => 1 })
    const cases: [unknown, string][] = [
      [{ error, work: () => 1 }, 'work is a function'],
      [{ error, all: new Map([['a', [Symbol('s')]]]) }, 'all.get("a")[0] is a symbol'],
      [[error, new Set([() => 1])], 'a member of [1] is a function'],
      [new Map([[() => 1, 1]]), 'a key is a function'],
    ]
    for (const [value, place] of cases) {
      const refused = await failure(runtime.send(kit.Echo, value, 'crosser/x'))
      expect(refused.message).toBe(`payload of 'echo' for crosser/x cannot cross threads: ${place}`)
    }
  })
})

onEveryEngine('an error', engine => {
  it('of the web keeps its class: DOMException, as AbortError', async () => {
    const runtime = await shared(engine, { agents })
    const error = await failure(runtime.send(kit.Throw, 'dom', 'crosser/x'))
    expect(error).toBeInstanceOf(DOMException)
    expect([error.name, error.message, error.code]).toEqual(['NotFoundError', 'not here', 8])
    expect(error.stack).toContain('crossing')
    const { cause } = await failure(runtime.send(kit.Throw, 'caused', 'crosser/x'))
    expect(cause).toBeInstanceOf(DOMException)
    expect(cause).toMatchObject({ name: 'AbortError', code: 20 })
  })

  it('is one also without a prototype or a name', async () => {
    const runtime = await shared(engine, { agents })
    const bare = await failure(runtime.send(kit.Throw, 'bare', 'crosser/x'))
    expect(Object.prototype.toString.call(bare)).toBe('[object Error]')
    expect(bare.message).toBe('without a prototype')
    const nameless = await failure(runtime.send(kit.Throw, 'nameless', 'crosser/x'))
    expect(nameless).toBeInstanceOf(Error)
    expect([nameless.message, nameless.name ?? 'Error']).toEqual(['nameless', 'Error'])
  })

  it('of many keeps those that can be sent', async () => {
    const runtime = await shared(engine, { agents })
    const { errors } = (await failure(runtime.send(kit.Throw, 'some', 'crosser/x'))) as unknown as AggregateError
    expect(errors).toHaveLength(5)
    expect([errors[0], errors[1], errors[4]]).toEqual([new TypeError('one'), 2, new RangeError('six')])
    if (engine.threads === 0) return // by reference
    expect(errors[2]).toBe('[function that cannot cross threads]')
    expect(errors[3]).toEqual([4, '[function that cannot cross threads]'])
  })
})
