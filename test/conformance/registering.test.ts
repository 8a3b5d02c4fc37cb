// Promised: what is registered is there on every loop, or nothing of it is; a module has so long to be loaded; and one that
// cannot be loaded harms nobody else.
import { agent, createRuntime, InvalidArgumentError, ModuleError, request, StoppedError } from 'ringreeve'
import { expect, it } from 'vitest'
import { failure, flag, onEveryEngine, reaches, sleep } from './engines.js'

const library = new URL('../../../dist/index.js', import.meta.url).href
const Ask = request<number, number>('ask')

function module(source: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(`import { agent, request } from '${library}'\n${source}`)}`)
}

/** Exports agents that answer with that number. */
const answering = (answer: number, ...types: string[]): URL =>
  module(types.map((type, i) => `export const a${i} = agent('${type}').on(request('ask'), () => ${answer})`).join('\n'))

onEveryEngine('registering', ({ threads }) => {
  it('leaves nothing of a module that is refused: mended, it is taken', async () => {
    await using runtime = await createRuntime({ threads, agents: [answering(0, 'taken')] })
    for (const refused of [answering(1, 'fresh', 'taken'), answering(2, 'fresh', 'fresh')]) {
      expect((await failure(runtime.register(refused))).code).toBe('ERR_RINGREEVE_ALREADY_EXISTS')
      expect(runtime.agents().map(({ type }) => type)).toEqual(['taken'])
    }
    expect(await runtime.register(answering(3, 'fresh', 'other'))).toEqual(['fresh', 'other'])
    const keys = Array.from({ length: 8 }, (_, n) => `fresh/${n}`)
    expect(await Promise.all(keys.map(key => runtime.send(Ask, 0, key)))).toEqual(keys.map(() => 3))
  })

  it('refuses what hears a topic and a prefix at once, and nothing of it is there', async () => {
    await using runtime = await createRuntime({ threads, agents: [answering(0, 'taken')] })
    for (const both of [{ topic: 'a', prefix: 'b' }, { topic: 'a', prefix: '' }, {}, { topic: 1 }] as never[]) {
      expect(() => agent('both', { subscriptions: [both] })).toThrow(InvalidArgumentError)
      const definition = agent('both', { subscriptions: ['a'] })
      Object.assign((definition as unknown as { spec: { options: object } }).spec.options, { subscriptions: [both] }) // as an older library would have it
      expect(await failure(runtime.register(definition))).toBeInstanceOf(InvalidArgumentError)
      expect(await failure(runtime.subscribe({ agent: 'taken', ...(both as { topic: string }) }))).toBeInstanceOf(
        InvalidArgumentError,
      )
      expect(runtime.agents().map(({ type }) => type)).toEqual(['taken'])
    }
    expect(await runtime.register(agent('both', { subscriptions: ['a', { prefix: 'b' }] }))).toEqual(['both'])
  })

  it('refuses a module that is not loaded in time, by name; whoever is there lives on', async () => {
    await using runtime = await createRuntime({ threads, loadTimeout: 4_000, agents: [answering(0, 'old')] })
    const endless = module(
      "export const a = agent('late').on(request('ask'), () => 1); await new Promise(() => setInterval(() => {}, 1_000))",
    )
    {
      const error = await failure(runtime.register(endless))
      expect(error).toBeInstanceOf(ModuleError)
      expect(error.message).toContain(`${endless.href} was not loaded in 4000 ms`)
    }
    expect(await runtime.send(Ask, 0, 'old/x')).toBe(0)
    expect((await failure(createRuntime({ threads, loadTimeout: 4_000, agents: [endless] }))).message).toContain(
      endless.href,
    )
  })

  it.skipIf(threads === 0)(
    'refuses a module that awaits what nothing on its thread could bring, without its limit',
    async () => {
      await using runtime = await createRuntime({ threads, loadTimeout: 2 ** 31, agents: [answering(0, 'old')] })
      const never = (type: string): URL =>
        module(`export const a = agent('${type}').on(request('ask'), () => 1); await new Promise(() => {})`)
      const made = failure(createRuntime({ threads, loadTimeout: 2 ** 31, agents: [never('late')] }))
      const registered = Promise.all(['late', 'later'].map(type => failure(runtime.register(never(type)))))
      for (const error of [await made, ...(await registered)]) {
        expect(error).toBeInstanceOf(ModuleError)
        expect(error.message).toMatch(/ was not loaded: nothing is left on its thread that could end what it awaits/)
      }
      const slow = [
        'setTimeout(resolve, 2_500)', // longer than it takes to find that out
        'setTimeout(resolve, 500).unref()', // which Node does not count
        "import('node:dns').then(dns => dns.lookup('nowhere.invalid', resolve))",
        "import('node:crypto').then(({ pbkdf2 }) => pbkdf2('a', 'b', 1_000_000, 64, 'sha512', resolve))",
        'new BroadcastChannel("here").onmessage = resolve; setTimeout(() => new BroadcastChannel("here").postMessage(1), 50)',
      ]
      const modules = slow.map((what, n) =>
        module(
          `export const a = agent('slow${n}').on(request('ask'), () => ${n}); await new Promise(resolve => { ${what} })`,
        ),
      )
      for (const one of modules) await runtime.register(one) // alone: others would keep the thread going
      expect(await Promise.all(slow.map((_, n) => runtime.send(Ask, 0, `slow${n}/x`)))).toEqual(slow.map((_, n) => n))
    },
  )

  it.skipIf(threads === 0)('ends nobody who computes something else, and blames no module for it', async () => {
    const busy = module(`
      export const a = agent('busy', { threads: 1, state: () => 0 }).on(request('spin'), (word, ctx) => {
        Atomics.store(word, 0, 1)
        while (Atomics.load(word, 1) === 0);
        return ++ctx.state
      })`)
    await using runtime = await createRuntime({ threads: 1, loadTimeout: 1_000, agents: [busy] })
    const word = flag()
    const long = runtime.send(request<Int32Array, number>('spin'), word, 'busy/x')
    await reaches(word, 1)
    const error = await failure(runtime.register(answering(1, 'other')))
    expect(error).toBeInstanceOf(ModuleError)
    expect(error.message).toMatch(/ computes something else, and has not come to it in 1000 ms/)
    Atomics.store(word, 1, 1)
    expect(await long).toBe(1) // its thread was not ended, and its state is there
  })

  it.skipIf(threads === 0)('is not refused for what another agent did to its thread', async () => {
    const other = module("export const b = agent('exits').on(request('ask'), () => process.exit(1))")
    await using runtime = await createRuntime({ threads: 1, agents: [other] })
    const waits = module(`export const a = agent('late').on(request('ask'), () => 1)
      await new Promise(resolve => setTimeout(resolve, 1_500))`)
    const registered = runtime.register(waits)
    for (let n = 0; n < 2; n++) expect((await failure(runtime.send(Ask, 0, 'exits/x'))).name).toBe('ThreadLostError')
    expect(await registered).toEqual(['late'])
  })

  it.skipIf(threads === 0)('names a module of interceptors that ends its thread', async () => {
    const ends = module(`import { interceptor } from '${library}'
      import { isMainThread } from 'node:worker_threads'
      export const passes = interceptor({ onSend: () => {} })
      if (!isMainThread) process.exit(3) // the calling loop loads it too`)
    const error = await failure(createRuntime({ threads, agents: [answering(0, 'old')], interceptors: [ends] }))
    expect(error).toBeInstanceOf(ModuleError)
    expect(error.message).toContain(`${ends.href} could not be loaded: `)
    expect(error.message).toContain('it exited with code 3')
  })

  it.skipIf(threads === 0)('ends with the runtime, and leaves no watch behind', async () => {
    const busy = module(`export const a = agent('busy', { threads: 1 }).on(request('spin'), word => {
      Atomics.store(word, 0, 1)
      while (Atomics.load(word, 1) === 0);
    })`)
    const runtime = await createRuntime({ threads: 1, agents: [busy] })
    const word = flag()
    const long = failure(runtime.send(request<Int32Array, number>('spin'), word, 'busy/x'))
    await reaches(word, 1)
    const registered = failure(runtime.register(answering(1, 'late')))
    await runtime.close({ drain: false, timeout: 50 })
    expect(await registered).toBeInstanceOf(StoppedError)
    expect((await long).name).toMatch(/StoppedError|ThreadLostError/)
  })

  it('is told when the runtime is closed before the module is there', async () => {
    const runtime = await createRuntime({ threads, agents: [answering(0, 'old')] })
    const registering = failure(runtime.register(module('export const a = 1; await new Promise(() => {})')))
    await sleep(20) // whenever: it never ends
    await runtime.close()
    expect(await registering).toBeInstanceOf(StoppedError)
  })

  it.skipIf(threads === 0)(
    'refuses a module that computes for ever, or ends its thread; no thread is charged',
    async () => {
      const restarts = { max: 0, within: 60_000 }
      await using runtime = await createRuntime({
        threads,
        loadTimeout: 4_000,
        restarts,
        agents: [answering(0, 'old')],
      })
      const keys = Array.from({ length: 8 }, (_, n) => `old/${n}`)
      for (const bad of ['for (;;);', 'process.exit(1)', "throw new Error('no')"]) {
        const refused = module(`export const a = agent('bad').on(request('ask'), () => 1); ${bad}`)
        const error = await failure(runtime.register(refused))
        expect(error).toBeInstanceOf(ModuleError)
        expect(error.message).toContain(refused.href)
        expect(await Promise.all(keys.map(key => runtime.send(Ask, 0, key, { idempotent: true })))).toEqual(
          keys.map(() => 0),
        )
      }
      expect(runtime.agents().map(({ type }) => type)).toEqual(['old'])
    },
  )
})
