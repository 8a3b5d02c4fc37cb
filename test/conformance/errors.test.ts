// Promised: errors; schemas and serializers; what crosses threads.
import assert from 'node:assert/strict'
import {
  agent,
  createRuntime,
  event,
  type LogEntry,
  NotSerializableError,
  RingreeveError,
  type RuntimeOptions,
  ValidationError,
} from 'ringreeve'
import { expect, it } from 'vitest'
import { failure, onEveryEngine, open, shared } from './engines.js'
import * as kit from './kit.js'
import * as school from './school.js'

const schoolUrl = new URL('./school.js', import.meta.url)

onEveryEngine('a send to nobody', engine => {
  it('is an error in the promise, not a throw, and says what to give', async () => {
    const runtime = await shared(engine)
    for (const options of [undefined, { idempotent: true }, { timeout: 1_000 }]) {
      const error = await failure(runtime.send(kit.Echo, 1, undefined as never, options))
      expect(error.code).toBe('ERR_RINGREEVE_INVALID_ARGUMENT')
      expect(error.message).toBe("send 'echo': there is no recipient; give 'type/key' or an agent id")
    }
  })
})

onEveryEngine('errors', engine => {
  it("a handler's error arrives with name, message, code, cause, own fields and both stacks", async () => {
    const runtime = await shared(engine)
    const error = await failure(runtime.send(kit.Fail, { kind: 'own' }, 'thrower/x'))
    expect(error).toMatchObject({
      name: 'OwnError',
      message: 'of my own',
      code: 'E_OWN',
      detail: { field: 'x', list: [1, 2] },
    })
    expect(error.stack).toContain('kit')
    expect(error.stack).toContain("send 'fail' to thrower/x")
    expect(error.stack).toContain('errors.test')
    const typed = await failure(runtime.send(kit.Fail, { kind: 'type' }, 'thrower/x'))
    expect(typed).toBeInstanceOf(TypeError)
    expect(typed.cause).toBeInstanceOf(RangeError)
    expect((typed.cause as Error).message).toBe('out of range')
  })

  it('whatever is thrown arrives: text, nothing, an AggregateError, an error with a function in it', async () => {
    const runtime = await shared(engine)
    await expect(runtime.send(kit.Fail, { kind: 'text' }, 'thrower/odd')).rejects.toBe('just text')
    await expect(runtime.send(kit.Fail, { kind: 'nothing' }, 'thrower/odd')).rejects.toBe(undefined)
    const both = (await failure(
      runtime.send(kit.Fail, { kind: 'aggregate' }, 'thrower/odd'),
    )) as unknown as AggregateError
    expect(both).toBeInstanceOf(AggregateError)
    expect(both.errors.map(error => [error.name, error.message])).toEqual([
      ['Error', 'one'],
      ['TypeError', 'two'],
    ])
    const odd = await failure(runtime.send(kit.Fail, { kind: 'unserializable' }, 'thrower/odd'))
    expect(odd).toMatchObject({ message: 'has a function', fine: 2 })
  })

  it('whatever a handler of an event throws is the cause of what its publisher is told', async () => {
    const runtime = await shared(engine)
    for (const [kind, cause] of [
      ['text', 'just text'],
      ['nothing', undefined],
    ]) {
      const published = runtime.publish(kit.FailEvent, kind as string, { topic: 'trouble/odd', until: 'handled' })
      const { errors } = (await failure(published)) as unknown as AggregateError
      expect(errors.map(error => [error instanceof Error, error.cause])).toEqual([[true, cause]])
      expect('cause' in errors[0]).toBe(true)
    }
  })

  it('errors of the runtime keep class, code and facts', async () => {
    const runtime = await shared(engine)
    const error = await failure(runtime.send(kit.Forward, { to: 'listed/none', payload: 1 }, 'echo/x'))
    expect(error).toBeInstanceOf(RingreeveError)
    expect(error).toMatchObject({
      name: 'UnknownAgentError',
      code: 'ERR_RINGREEVE_UNKNOWN_AGENT',
      retryable: false,
      agent: 'listed/none',
    })
  })
})

onEveryEngine('schemas', engine => {
  it('payloads are checked on the sender’s side, and become what the schema makes of them', async () => {
    const runtime = await shared(engine, { agents: [schoolUrl] })
    expect(await runtime.send(school.Square, { n: 3 }, 'schooled/square')).toEqual({ n: 9 })
    expect(await runtime.send(school.Square, { n: 3, tags: ['a', 'b'] }, 'schooled/square')).toEqual({ n: 11 })
    const error = await failure(runtime.send(school.Square, { n: 'x', tags: ['a', 2] } as never, 'schooled/square'))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toMatch(/payload of 'square' for schooled\/square is not valid: n: .*; tags\[1\]: /)
    expect(error.issues).toMatchObject([{ path: 'n' }, { path: 'tags[1]' }])
  })

  it('answers are checked where the handler ran', async () => {
    const runtime = await shared(engine, { agents: [schoolUrl] })
    const error = await failure(runtime.send(school.WrongAnswer, {}, 'schooled/wrong'))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toMatch(/answer of 'wrong-answer' for schooled\/wrong is not valid: n: /)
  })

  it('events are checked too', async () => {
    const runtime = await shared(engine, { agents: [schoolUrl] })
    await runtime.publish(school.Checked, { who: { name: 'Ada' } }, { topic: 'checked/events' })
    const error = await failure(runtime.publish(school.Checked, { who: {} } as never, { topic: 'checked/events' }))
    expect(error.message).toMatch(/who\.name: /)
    await runtime.idle()
    expect(await runtime.send(school.Names, undefined, 'schooled/events')).toEqual(['Ada'])
  })

  it('a message type may bring a serializer of its own', async () => {
    const runtime = await shared(engine, { agents: [schoolUrl] })
    const mirrored = await runtime.send(school.Mirror, new school.Point(1, 2.5), 'schooled/mirror')
    expect([mirrored.x, mirrored.y]).toEqual([2.5, 1])
    expect(mirrored.constructor.name).toBe('Point')
    for (const length of [0, 3, 100, 50_000]) {
      const texts = [1, 2, 3].map(n => `${n}`.repeat(length))
      const read = texts.map(text => runtime.send(school.Read, text, 'schooled/x'))
      expect(await Promise.all(read)).toEqual(texts)
    }
  })
})

onEveryEngine('a serializer', engine => {
  it('matters to those who handle the message, whoever else hears the topic', async () => {
    const runtime = await shared(engine, { agents: [schoolUrl] })
    const keys = ['a', 'b', 'c', 'd', 'e']
    for (const key of keys) {
      await runtime.publish(school.Drawn, new school.Point(1, 2), { topic: `drawn/${key}`, until: 'handled' })
      expect(await runtime.send(school.Names, undefined, `looker/${key}`)).toEqual(['true 1'])
    }
    const error = await failure(runtime.send(school.Mirror, new school.Point(1, 2), 'looker/a'))
    expect(error.code).toBe('ERR_RINGREEVE_NO_HANDLER')
  })
})

onEveryEngine('a serializer that returns a promise', engine => {
  it('is refused, encoding or decoding, and its thread lives', async () => {
    if (engine.threads === 0) return // nothing is encoded
    const crashes: unknown[] = []
    const log = ({ event, reason }: LogEntry) => event === 'crash' && crashes.push(reason)
    await using runtime = await open(engine, { agents: [schoolUrl], log })
    await runtime.send(school.Learn, undefined, 'tardy/x')
    for (const message of [school.LateIn, school.LateRead, school.LateOut, school.LateAnswer]) {
      const error = await failure(runtime.send(message, 'text', 'tardy/x'))
      expect(error).toBeInstanceOf(NotSerializableError)
      expect(error.message).toContain('its serializer made a promise; it must be done at once')
    }
    await new Promise(resolve => setTimeout(resolve, 5)) // for what was rejected to be told of
    expect(await runtime.send(school.Learn, undefined, 'tardy/x')).toBe(2)
    expect(crashes).toEqual([])
  })
})

onEveryEngine('values', engine => {
  it('Map, Set, Date, bigint, typed arrays, errors and cycles cross', async () => {
    const runtime = await shared(engine)
    const circle: { self?: unknown; n: number } = { n: 1 }
    circle.self = circle
    const values = [
      new Map<unknown, unknown>([
        ['a', 1],
        [2, new Set([3])],
      ]),
      new Date(1e12),
      [12n, -(2n ** 80n)],
      Float64Array.of(1, 2, 3),
      new Uint8Array(100_000).fill(7),
      new ArrayBuffer(8),
      new Float64Array(50_000).fill(0.5),
      { one: new Int16Array(90_000).fill(-1), none: new Uint8Array(0), other: new ArrayBuffer(70_001) },
      Array.from({ length: 20 }, (_, n) => new Uint8Array(10_001).fill(n)),
      'x'.repeat(300_000),
    ]
    // expect() takes seconds to compare so much
    for (const value of values) assert.deepEqual(await runtime.send(kit.Echo, value, 'echo/x'), value)
    const back = (await runtime.send(kit.Echo, circle, 'echo/x')) as typeof circle
    expect(back.self).toBe(back)
  })

  it('a SharedArrayBuffer stays shared, a transferred buffer arrives', async () => {
    const runtime = await shared(engine)
    const word = new Int32Array(new SharedArrayBuffer(4))
    await runtime.send(kit.Mark, { word }, 'holder/shared')
    expect(word[0]).toBe(1)
    const buffer = new Uint8Array([1, 2, 3]).buffer
    const back = (await runtime.send(kit.Echo, { buffer }, 'echo/shared', { transfer: [buffer] })) as {
      buffer: ArrayBuffer
    }
    expect([...new Uint8Array(back.buffer)]).toEqual([1, 2, 3])
  })

  it('what crosses, crosses as the README says', async () => {
    const runtime = await shared(engine)
    if (engine.threads === 0) {
      const payload = { by: 'reference' }
      expect(await runtime.send(kit.Echo, payload, 'echo/x')).toBe(payload)
      return
    }
    class Own {
      readonly field = 1
    }
    const back = async (value: unknown) => runtime.send(kit.Echo, value, 'echo/x')
    expect(await back({ gone: undefined, kept: 1 })).toStrictEqual({ kept: 1 })
    expect(await back([-0, Number.NaN])).toStrictEqual([-0, Number.NaN])
    expect(await back('half a pair: \ud800')).toBe('half a pair: \ud800')
    expect(await back(Buffer.from('abc'))).toStrictEqual(new Uint8Array([97, 98, 99]))
    const own = (await back({ own: new Own() })) as { own: object }
    expect(own.own).toStrictEqual({ field: 1 })
    const error = (await back(new TypeError('as a value', { cause: new Map([[1, 2]]) }))) as Error
    expect(error).toBeInstanceOf(TypeError)
    expect(error.cause).toEqual(new Map([[1, 2]]))
    const polluting = await failure(back(JSON.parse('{"a":{"__proto__":{"polluted":1}}}')))
    expect(polluting.code).toBe('ERR_RINGREEVE_NOT_SERIALIZABLE')
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  it('what cannot cross threads is refused by name, and nothing hangs', async () => {
    const runtime = await shared(engine)
    if (engine.threads === 0) {
      const callback = () => 1
      expect(await runtime.send(kit.Echo, callback, 'echo/x')).toBe(callback)
      return
    }
    const error = await failure(runtime.send(kit.Echo, { callback: () => 1 }, 'echo/x'))
    expect(error).toBeInstanceOf(NotSerializableError)
    expect(error.message).toBe("payload of 'echo' for echo/x cannot cross threads: callback is a function")
    const deep = await failure(runtime.send(kit.Echo, { rows: [1, { late: Promise.resolve() }] }, 'echo/x'))
    expect(deep.message).toContain('rows[1].late is a promise')
    const event = await failure(runtime.publish(kit.Note, { callback: () => 1 }, { topic: 'news/x' }))
    expect(event).toBeInstanceOf(NotSerializableError)
    expect(await runtime.send(kit.Echo, 1, 'echo/x')).toBe(1)
  })
})

it('threads on Deno are refused in one sentence', async () => {
  Object.assign(globalThis, { Deno: {} })
  try {
    const { message } = await failure(createRuntime({ threads: 2 }))
    expect(message).toMatch(
      /^threads: got 2, but Deno .* only the single loop works there; give threads: 0, or run it on Node$/,
    )
    await (await createRuntime({ threads: 0 })).close()
  } finally {
    Reflect.deleteProperty(globalThis, 'Deno')
  }
})

it('slips of the pen are refused where they are made, with what to write instead', async () => {
  const refused = (options: unknown) => failure(createRuntime(options as RuntimeOptions)).then(({ message }) => message)
  expect(await refused({ thread: 2 })).toMatch(/^createRuntime has no option 'thread'; there are: threads, agents, /)
  expect(await refused({ agents: kit.echo })).toMatch(
    /agents must be an array .*new URL\('.\/agents.js', import.meta.url\)/,
  )
  expect(await refused([kit.echo])).toBe('createRuntime takes its options as an object, { threads: … }, got an array')
  expect(await refused({ agents: [kit] })).toMatch(/^agents: takes what agent\('…'\) returned, .*; got an object with /)
  expect(await refused({ resourceLimits: { maxOldGenerationSize: 64 } })).toContain("no option 'maxOldGenerationSize'")
  expect(await refused({ deadLetters: { capcity: 1 } })).toContain("deadLetters has no option 'capcity'")
  expect(await refused({ unhandledErrors: 'trow' })).toBe(`unhandledErrors must be 'log' or 'throw', got "trow"`)
  expect(await refused({ agents: [kit.echo, kit.echo] })).toContain("'echo' is registered already, from an object")
  expect(await refused({ agents: ['./agents.js'] })).toContain('write new URL("./agents.js", import.meta.url)')
  expect(await refused({ agents: ['/abs/agents.js'] })).toContain('write pathToFileURL("/abs/agents.js")')
  for (const [option, given] of [
    ['autoStart', 'false'],
    ['maxZombies', -1],
    ['clock', Date],
  ] as const) {
    expect(await refused({ threads: 0, [option]: given })).toMatch(new RegExp(`^${option} must be `))
  }
  expect(await refused({ resourceLimits: { maxOldGenerationSizeMb: '64' } })).toContain('must be a number of megabytes')
  expect(await refused({ deadLetters: { unheardEvents: 'yes' } })).toContain('unheardEvents must be true or false')
  const selfish = new URL('./selfish.js', import.meta.url)
  expect(await refused({ threads: 1, agents: [selfish] })).toMatch(/selfish.js could not be loaded: .* two files/)
  expect(() => agent('a', { sate: () => 1 } as object)).toThrow("agent 'a' has no option 'sate'; there are: state, ")
  const options = (given: object) => () => agent('a', given)
  expect(options({ mailbox: { capcity: 1 } })).toThrow("mailbox has no option 'capcity'; there are: capacity, overflow")
  expect(options({ subscriptions: 'news' })).toThrow('subscriptions must be an array, got "news"')
  expect(options({ subscriptions: [kit.Note] })).toThrow('got an object with kind, name')
  expect(() => agent('a').on(kit.Echo, () => 1, { where: 1 } as object)).toThrow("no option 'where'; there are: when")
  expect(() => agent('a').onStart(undefined as never)).toThrow('onStart() takes a function, got undefined')
  expect(() => event('a', { schema: 1 } as object)).toThrow("event 'a' has no option 'schema'; there are: payload, ")
  await using runtime = await createRuntime({ threads: 0, agents: [kit.echo] })
  const wrong = (given: unknown) => failure(runtime.send(kit.Echo, 1, 'echo/x', given as object))
  expect((await wrong({ timout: 5 })).message).toContain(
    "send 'echo' has no option 'timout'; there are: signal, timeout, ",
  )
  for (const timeout of [5, undefined]) {
    const error = await wrong({ signal: new AbortController(), ...(timeout && { timeout }) })
    expect(error.message).toContain("send 'echo': signal must be an AbortSignal")
  }
  const published = async (given: unknown) => (await failure(runtime.publish(kit.Note, 1, given as object))).message
  expect(await published('news/x')).toContain("options are an object, as { topic: 'type/source' }")
  expect(await published({ topics: 'news/x' })).toContain("publish 'note' has no option 'topics'; there are: topic, ")
  for (const until of ['untill', 'til']) {
    const misspelt = await published({ topic: 'news/x', [until]: 'handled' })
    expect(misspelt).toContain(`publish 'note' has no option '${until}'; there are: topic, `)
  }
  expect(() => runtime.handle('echo' as never, 'x')).toThrow('handle() takes an agent definition')
  const sent = (recipient: unknown) => failure(runtime.send(kit.Echo, 1, recipient as string))
  expect((await sent({ a: 1, b: 2 })).message).toContain('an agent is named by "type/key"')
  expect((await sent('echo')).message).toContain('has no "/"; write "type/key"')
})

it('an error that nobody waits for and nobody listens to is a warning, once for each kind', async () => {
  const warnings: string[] = []
  const told = (warning: Error) => warning.name === 'RingreeveWarning' && warnings.push(warning.message)
  process.on('warning', told)
  const fail = event('fail')
  const fails = agent('fails', { subscriptions: ['default'] }).on(fail, () => {
    throw new RangeError('not so far')
  })
  for (const options of [{}, { log: () => {} }, { unhandledErrors: 'throw' as const }]) {
    const runtime = await createRuntime({ threads: 0, agents: [fails], ...options })
    for (let i = 0; i < 3; i++) await runtime.publish(fail, undefined)
    await runtime.idle().catch(() => {})
    await runtime.close()
  }
  await new Promise(resolve => setImmediate(resolve))
  process.off('warning', told)
  expect(warnings).toEqual([
    expect.stringMatching(/^'fail' failed at fails\/default: RangeError: not so far \(told once;/),
  ])
})
