// Promised: interception: replace, drop, throw, chained; on what the application sends and on what agents send.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { DROP, type Interceptor, interceptor, request } from 'ringreeve'
import { expect, it } from 'vitest'
import { failure, onEveryEngine, open, shared } from './engines.js'
import * as kit from './kit.js'

type Schema = StandardSchemaV1<unknown, unknown>
const chain = new URL('./interceptors.js', import.meta.url)

onEveryEngine('interception', engine => {
  it('is a chain: each sees what the one before made', async () => {
    const runtime = await shared(engine, { interceptors: [chain] })
    expect(await runtime.send(kit.Echo, 1, 'echo/x')).toBe(20)
    expect(await runtime.send(kit.Forward, { to: 'echo/y', payload: 2 }, 'echo/x')).toBe(30)
  })

  it('replaces, drops and throws on send, also for agents on threads', async () => {
    const runtime = await shared(engine, { interceptors: [chain] })
    expect(await runtime.send(kit.Echo, { order: 'send replace' }, 'echo/x')).toEqual({
      order: 'replaced',
      stage: 'send',
    })
    const dropped = await failure(runtime.send(kit.Echo, { order: 'send drop' }, 'echo/x'))
    expect(dropped.code).toBe('ERR_RINGREEVE_DROPPED')
    expect(dropped.message).toContain("dropped 'echo' for echo/x")
    const refused = await failure(runtime.send(kit.Echo, { order: 'send throw' }, 'echo/x'))
    expect(refused).toBeInstanceOf(RangeError)
    const nested = await failure(runtime.send(kit.Forward, { to: 'echo/y', payload: { order: 'send drop' } }, 'echo/x'))
    expect(nested.code).toBe('ERR_RINGREEVE_DROPPED')
    await runtime.idle()
  })

  it('replaces, drops and throws on response, after the handler ran', async () => {
    await using runtime = await open(engine, { interceptors: [chain] })
    expect(await runtime.send(kit.Echo, { order: 'response replace' }, 'echo/x')).toEqual({
      order: 'replaced',
      stage: 'response',
    })
    expect((await failure(runtime.send(kit.Echo, { order: 'response drop' }, 'echo/x'))).code).toBe(
      'ERR_RINGREEVE_DROPPED',
    )
    expect((await failure(runtime.send(kit.Echo, { order: 'response throw' }, 'echo/x'))).message).toBe(
      'response refused',
    )
    expect(await runtime.send(kit.Echo, { order: 'response late' }, 'echo/x')).toMatchObject({ order: 'replaced late' })
    await runtime.idle()
    expect(runtime.stats().loops.reduce((sum, loop) => sum + loop.handled + loop.failed, 0)).toBe(4)
  })

  it('replaces, drops and throws on publish; a drop tells the publisher and nobody else', async () => {
    const runtime = await shared(engine, { interceptors: [chain] })
    await runtime.publish(kit.Note, { order: 'publish replace' }, { topic: 'news/published' })
    expect(
      (await failure(runtime.publish(kit.Note, { order: 'publish drop' }, { topic: 'news/published' }))).code,
    ).toBe('ERR_RINGREEVE_DROPPED')
    expect(
      (await failure(runtime.publish(kit.Note, { order: 'publish throw' }, { topic: 'news/published' }))).message,
    ).toBe('publish refused')
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'recorder/published')).toEqual([
      { order: 'replaced', stage: 'publish' },
    ])
  })

  it('one that sends itself, and takes its time, does not wait for what it checks; one that does so without end is refused', async () => {
    const sent: unknown[] = []
    const Asked = request('echo', {
      input: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: async (value: unknown) => {
            await new Promise(resolve => setTimeout(resolve, 1))
            sent.push(await runtime.send(kit.Echo, `of ${value}`, 'echo/audit'))
            return { value: value as unknown }
          },
        },
      },
    })
    const Endless: typeof kit.Echo = request('echo', {
      input: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: async (value: unknown) => ({ value: await runtime.send(Endless, value, 'echo/x') }),
        },
      },
    })
    await using runtime = await open(engine)
    const all = [1, 2, 3].map(n => runtime.send(Asked, n, 'echo/x'))
    expect(await Promise.all([...all, runtime.send(kit.Echo, 4, 'echo/x')])).toEqual([1, 2, 3, 4])
    expect(sent).toEqual(['of 1', 'of 2', 'of 3'])
    const refused = await failure(runtime.send(Endless, 1, 'echo/x'))
    expect(refused.message).toContain('an interceptor or schema sends without end')
    expect(await runtime.send(kit.Echo, 5, 'echo/x')).toBe(5)
  })

  it.each(['quick', 'slow'])(
    'one that sends, after a first check that was %s, does not wait for itself',
    async first => {
      const schema = (validate: (value: unknown) => unknown): Schema => ({
        '~standard': { version: 1, vendor: 'test', validate: validate as never },
      })
      const Audit = request('forward', { input: schema(value => ({ value })) })
      const audit = (n: unknown) => runtime.send(Audit, { to: 'echo/audited', payload: n }, 'echo/audit')
      const store = async (value: unknown) => {
        if (first === 'quick') await undefined // else it sends before it is known that it takes time
        expect([await audit(value), await audit(value)]).toEqual([value, value])
        return { value }
      }
      const Stored = request('store', {
        input: schema(value => (value === 'quick' ? { value } : store(value))),
      })
      await using runtime = await open(engine)
      if (first === 'quick') expect(await runtime.send(Stored, 'quick', 'recorder/x')).toBe(1)
      await runtime.send(Stored, 'slow', 'recorder/x')
      // now it is known, and the order of its sender is kept
      const numbers = Array.from({ length: 5 }, (_, n) => n)
      await Promise.all(numbers.map(n => runtime.send(n % 2 === 0 ? Stored : kit.Store, n, 'recorder/y')))
      expect(await runtime.send(kit.Notes, undefined, 'recorder/y')).toEqual(numbers)
      await runtime.handle(kit.recorder, 'y').stop()
      await runtime.idle()
    },
  )

  it('one that takes its time keeps the order of its sender', async () => {
    const runtime = await shared(engine, { interceptors: [chain] })
    const payloads = [{ order: 'send late' }, 'b', { order: 'send late' }, 'd', 'e']
    await Promise.all(payloads.map(payload => runtime.send(kit.Store, payload, 'recorder/late')))
    const late = { order: 'replaced late', stage: 'send' }
    expect(await runtime.send(kit.Notes, undefined, 'recorder/late')).toEqual([late, 'b', late, 'd', 'e'])
    await runtime.idle()
  })

  it('objects are taken where they can see everything, and refused where they cannot', async () => {
    const seen: string[] = []
    const spy: Interceptor = interceptor({
      onSend: (_, passing) =>
        void seen.push(`send ${passing.message} ${passing.sender ?? 'app'} > ${passing.recipient}`),
      onPublish: (_, passing) =>
        passing.topic?.type === 'secret' ? DROP : void seen.push(`publish ${passing.message} ${passing.topic}`),
      onResponse: (_, passing) =>
        void seen.push(`response ${passing.message} ${passing.sender} > ${passing.recipient ?? 'app'}`),
    })
    if (engine.threads > 0) {
      const error = await failure(open(engine, { interceptors: [spy] }))
      expect(error.message).toContain('URL of a module')
      return
    }
    await using runtime = await open(engine, { interceptors: [spy] })
    await runtime.send(kit.Forward, { to: 'echo/y', payload: 1 }, 'echo/x')
    await runtime.publish(kit.Note, 1, { topic: 'news/x' })
    expect((await failure(runtime.publish(kit.Note, 1, { topic: 'secret/x' }))).code).toBe('ERR_RINGREEVE_DROPPED')
    expect(seen).toEqual([
      'send forward app > echo/x',
      'send echo echo/x > echo/y',
      'response echo echo/y > echo/x',
      'response forward echo/x > app',
      'publish note news/x',
    ])
  })
})

it('interceptor() takes hooks, at least one, and nothing else', () => {
  const made = (hooks: unknown) => () => interceptor(hooks as Interceptor)
  expect(made({ onsend: () => {} })).toThrow("interceptor() has no option 'onsend'; there are: onSend, onPublish, ")
  for (const none of [{}, { onSend: undefined }]) expect(made(none)).toThrow('takes at least one of onSend, ')
  expect(made({ onSend: 'x' })).toThrow('interceptor(): onSend')
  expect(made({ onSend: undefined, onPublish: 5 })).toThrow('interceptor(): onPublish')
  expect(made({ onSend: undefined, onPublish: () => {} })).not.toThrow()
})
