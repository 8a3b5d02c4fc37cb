// Promised: shared memory: copies, versions, exact under contention from all threads, bounded, saved and restored.
import { agentId, createRuntime, type Runtime, type Snapshot, topicId } from 'ringreeve'
import { memory, memoryAt } from 'ringreeve/memory'
import { expect, it } from 'vitest'
import { anew, type Engine, failure, onEveryEngine, shared } from './engines.js'
import * as kit from './patterns.js'

const agents = [new URL('./patterns.js', import.meta.url)]
const restarts = { max: 100, within: 1_000, backoff: { min: 1, max: 1 } }
const raisers = [1, 2, 3, 4, 5].map(n => `raiser/${n}`)
const used = ['memory/main', 'memory/full', 'small/x', 'mirror/main', ...raisers]
const open = (engine: Engine): Promise<Runtime> => anew(shared(engine, { agents }), used)
const main = (runtime: Runtime) => memoryAt<kit.Contents>(runtime, 'memory/main')

onEveryEngine('shared memory', engine => {
  it('what goes in and what comes out are copies', async () => {
    const runtime = await open(engine)
    const shared = main(runtime)
    const list = [1, 2]
    const putting = shared.set('list', list)
    list.push(3)
    await putting
    const first = await shared.get('list')
    expect(first?.value).toEqual([1, 2])
    first?.value.push(99)
    expect((await shared.get('list'))?.value).toEqual([1, 2])
    const any = memoryAt(runtime, 'memory/main')
    await any.set('number', 1)
    Object.assign((await any.get('number')) ?? {}, { value: 99, version: 99 })
    expect((await any.get('number'))?.value).toBe(1)
    await any.delete('number')
    expect(await shared.get('plan')).toBeUndefined()
    expect(await shared.keys()).toEqual(['list'])
    expect([await shared.delete('list'), await shared.delete('list')]).toEqual([true, false])
  })

  it('holds what state can, of all kinds, and it comes out of a snapshot as it went in', async () => {
    const runtime = await open(engine)
    const shared = memoryAt(runtime, 'memory/main')
    const twice = { n: 1 }
    const deep = { list: [] as unknown[] }
    for (let n = 0; n < 490; n++) deep.list = [deep.list, n]
    const value = {
      texts: ['', 'é', '\ud800'],
      numbers: [0, -0, Number.NaN, 2n ** 70n, null, undefined],
      at: new Date(5),
      pattern: /a/gi,
      map: new Map<unknown, unknown>([[twice, new Set([1, twice])]]),
      views: [new Float64Array([1.5]), new DataView(new ArrayBuffer(9), 1, 5), Buffer.from('hi'), new ArrayBuffer(3)],
      error: new TypeError('wrong', { cause: new Error('why') }),
      gaps: Object.assign([1], { length: 4e9 }),
      twice,
      deep,
    }
    await shared.set('value', {
      ...value,
      self: new (class Own {
        readonly kept = twice
        readonly left = undefined
      })(),
    })
    const expected = { ...value, self: { kept: twice } }
    const look = async () => {
      const found = (await shared.get('value'))?.value as typeof expected
      const { gaps, deep: nested, ...rest } = found
      expect([Object.keys(gaps), gaps.length]).toEqual([['0'], 4e9])
      let levels = 0
      for (let list: unknown = nested.list; Array.isArray(list) && list.length > 0; list = list[0]) levels++
      expect(levels).toBe(490)
      const { gaps: _, deep: __, ...others } = expected
      expect(rest).toEqual({
        ...others,
        views: [others.views[0], others.views[1], new Uint8Array([104, 105]), new ArrayBuffer(3)],
      })
      expect([...(rest.map.keys() as Iterable<unknown>)][0]).toBe(rest.twice)
      expect(rest.self.kept).toBe(rest.twice)
      expect('left' in rest.self).toBe(false)
      expect(rest.error).toBeInstanceOf(TypeError)
      expect((rest.error.cause as Error).message).toBe('why')
    }
    await look()
    await runtime.loadState(await runtime.saveState())
    await look()
  })

  it('what saving its state would empty, or take something from, is refused with its place', async () => {
    const runtime = await open(engine)
    const shared = memoryAt(runtime, 'memory/main')
    const coded = Object.assign(new Error('x'), { code: 'E' })
    let endless: unknown[] = []
    for (let n = 0; n < 500; n++) endless = [endless]
    const reported = await failure(runtime.send(kit.Crash, undefined, 'nobody/x'))
    for (const [value, place] of [
      [{ at: new URL('http://x.example') }, 'at is a URL'],
      [[1, new URLSearchParams('a=1')], '[1] is URLSearchParams'],
      [{ by: { who: agentId('a', 'b') } }, 'by.who is an agent id'],
      [new Map([['k', [topicId('a')]]]), 'get("k")[0] is a topic id'],
      [new Set([new Headers()]), 'a member is a Headers'],
      [{ a: [{ b: coded }] }, 'a[0].b is an error with code'],
      [new Error('x', { cause: coded }), 'cause is an error with code'],
      [reported, 'is an error'],
      [new AggregateError([]), 'is an error'],
      [new DOMException('x', 'AbortError'), 'is an error'],
      [{ f: () => 1 }, 'f is a function'],
      [JSON.parse('{ "a": { "__proto__": 1 } }'), 'a.__proto__'],
      [Promise.resolve(), 'not plain data'],
      [endless, 'nested more than 500 levels'],
    ] as const) {
      for (const put of [
        () => shared.set('x', value),
        () => shared.compareAndSet('x', value, 0),
        () => shared.update('x', () => value),
        () => shared.merge('x', { value }),
      ]) {
        const { code, message } = await failure(put())
        expect([code, message]).toEqual(['ERR_RINGREEVE_NOT_SERIALIZABLE', expect.stringContaining(place)])
      }
    }
    expect(await shared.keys()).toEqual([])
  })

  it('merge puts fields over those that are there', async () => {
    const runtime = await open(engine)
    const shared = main(runtime)
    await shared.merge('plan', { title: 'one', steps: ['a'] })
    await shared.merge('plan', { steps: ['b'] })
    await shared.merge('plan', { title: undefined } as never)
    expect((await shared.get('plan'))?.value).toStrictEqual({ title: 'one', steps: ['b'] })
    await shared.set('plan', { title: undefined, steps: [] } as never)
    expect((await shared.get('plan'))?.value).toStrictEqual({ steps: [] })
    await shared.set('list', [])
    expect((await failure(shared.merge('list', {} as never))).message).toContain('holds an array')
    for (const value of [new Map([['a', 1]]), new Date(5), Uint8Array.of(1)]) {
      await shared.set('list', value as never)
      expect((await failure(shared.merge('list', {} as never))).message).toContain(`holds a ${value.constructor.name}`)
      expect((await failure(shared.merge('plan', value as never))).message).toContain('must be an object')
      expect((await shared.get('list'))?.value).toEqual(value)
    }
  })

  it('compare-and-set goes by version, and nothing that was there before can pass for what is there now', async () => {
    const runtime = await open(engine)
    const shared = memoryAt(runtime, 'memory/main')
    const made = await shared.compareAndSet('x', 1, 0)
    expect(made.done).toBe(true)
    expect(await shared.compareAndSet('x', 2, 0)).toEqual({ done: false, current: { value: 1, version: 1 } })
    expect(await shared.compareAndSet('x', 2, 1)).toEqual({ done: true, version: 2 })
    await shared.delete('x')
    expect(await shared.compareAndSet('x', 3, 2)).toEqual({ done: false, current: undefined })
    await shared.set('x', 1)
    expect((await shared.compareAndSet('x', 2, 1)).done).toBe(false)
  })

  it('a counter that is raised 100,000 times from everywhere is exact', async () => {
    const runtime = await open(engine)
    await Promise.all([1, 2, 3, 4, 5].map(n => runtime.send(kit.Raise, { times: 20_000, how: 'add' }, `raiser/${n}`)))
    expect((await main(runtime).get('count'))?.value).toBe(100_000)
  })

  it('so it is by compare-and-set', async () => {
    const runtime = await open(engine)
    await Promise.all([1, 2, 3, 4, 5].map(n => runtime.send(kit.Raise, { times: 400, how: 'update' }, `raiser/${n}`)))
    const entry = await main(runtime).get('count')
    expect(entry?.value).toBe(2_000)
    expect(entry?.version).toBeGreaterThanOrEqual(2_000)
  })

  it('tells of changes, the last of each entry at least, and is not held up by who hears them', async () => {
    const runtime = await open(engine)
    await Promise.all([1, 2, 3].map(n => runtime.send(kit.Raise, { times: 200, how: 'add' }, `raiser/${n}`)))
    await main(runtime).set('list', [7])
    await main(runtime).delete('list')
    await runtime.idle()
    const changes = await runtime.send(kit.Changes, undefined, 'mirror/main')
    const of = (key: string) => changes.filter(one => one.key === key)
    expect(of('count').at(-1)?.value).toBe(600)
    expect(of('list').at(-1)).toEqual({ key: 'list', value: undefined, version: undefined })
    expect(of('echo').at(-1)?.value).toBe(of('count').length)
    for (const key of ['count', 'echo']) {
      const versions = of(key).map(({ version }) => version as number)
      expect(versions).toEqual([...versions].sort((a, b) => a - b))
    }
  })

  it('a caller that gives up does not silence it', async () => {
    const runtime = await open(engine)
    for (let n = 0; n < 20; n++) {
      const controller = new AbortController()
      const kept = runtime.send(kit.Keep, { key: 'list', value: [n] }, `raiser/${n}`, { signal: controller.signal })
      await new Promise(resolve => setImmediate(resolve))
      controller.abort()
      await kept.catch(() => {})
    }
    await main(runtime).set('count', 1)
    await runtime.idle()
    const changes = await runtime.send(kit.Changes, undefined, 'mirror/main')
    expect(changes.filter(({ key }) => key === 'count')).toMatchObject([{ value: 1 }])
  })

  it('a change that cannot be told keeps no other from being told', async () => {
    const interceptors = [new URL('./interceptors.js', import.meta.url)]
    const runtime = await shared(engine, { agents, interceptors })
    for (const keys of [
      ['list', 'private', 'plan'],
      ['private', 'other'],
    ]) {
      await Promise.all(keys.map(key => memoryAt(runtime, 'memory/main').set(key, 1)))
      await runtime.idle()
    }
    const changes = await runtime.send(kit.Changes, undefined, 'mirror/main')
    expect(changes.map(({ key }) => key)).toEqual(['list', 'plan', 'other'])
  })

  it('is bounded, and refuses what is no data', async () => {
    const runtime = await open(engine)
    const shared = memoryAt(runtime, 'memory/full')
    for (let n = 0; n < 5; n++) await shared.set(`${n}`, n)
    expect((await failure(shared.set('5', 5))).code).toBe('ERR_RINGREEVE_OVERLOADED')
    await shared.set('4', 44)
    await shared.delete('0')
    await shared.set('5', 5)
    expect((await failure(shared.set('1', () => 1))).code).toBe('ERR_RINGREEVE_NOT_SERIALIZABLE')
    for (const wrong of [
      shared.set('1', undefined),
      shared.get('__proto__'),
      shared.get(''),
      shared.set('1', {}).then(() => shared.add('1')),
    ])
      expect((await failure(wrong)).code).toBe('ERR_RINGREEVE_INVALID_ARGUMENT')
    expect(await shared.get('toString')).toBeUndefined()
  })

  it('is bounded in bytes too, whatever is put in, changed and taken out', async () => {
    const runtime = await open(engine)
    const shared = memoryAt<Record<string, unknown>>(runtime, 'small/x') // 10,000 bytes
    await shared.set('text', 'x'.repeat(3_000))
    const refused = [
      await failure(shared.set('more', 'x'.repeat(3_000))),
      await failure(shared.set('text', new Uint8Array(10_000))),
      await failure(shared.merge('fields', { list: new Array(1_000).fill(1) })),
      await failure(shared.compareAndSet('map', new Map([['key', 'x'.repeat(5_000)]]), 0)),
    ]
    for (const { code, message } of refused) {
      expect([code, message]).toEqual([
        'ERR_RINGREEVE_OVERLOADED',
        expect.stringMatching(/small\/x is full \(10000 bytes\)/),
      ])
    }
    expect((await shared.get('text'))?.value).toBe('x'.repeat(3_000)) // what was refused changed nothing
    expect(await shared.keys()).toEqual(['text'])
    await shared.set('view', new Uint8Array(new ArrayBuffer(50_000), 7, 100)) // holds no more than it shows
    const view = (await shared.get('view'))?.value as Uint8Array
    expect([view.byteLength, view.buffer.byteLength]).toEqual([100, 100])
    await shared.delete('view')
    const saved = await runtime.saveState()
    await shared.set('text', 'short')
    await shared.set('more', 'x'.repeat(3_000))
    await shared.delete('more')
    for (let n = 0; n < 20; n++) await shared.set('again', 'x'.repeat(3_000)) // the room of the old one is given back
    await runtime.loadState(saved) // and what is restored counts
    await failure(shared.set('more', 'x'.repeat(3_000)))
  })

  it.runIf(engine.threads > 0)('with checkpoints it outlives its thread; no version means two things', async () => {
    await using runtime = await createRuntime({ threads: engine.threads, agents, restarts })
    const kept = memoryAt<kit.Contents>(runtime, 'keeping/x')
    const lost = memoryAt<kit.Contents>(runtime, 'memory/main')
    for (const shared of [kept, lost]) await shared.set('count', 6).then(() => shared.add('count'))
    const before = { value: 7, version: 2 }
    expect(await kept.get('count')).toEqual(before)
    const mortals = engine.threads === 1 ? 1 : 8 // agents enough to be on every thread
    for (let n = 0; n < mortals; n++) await failure(runtime.send(kit.Crash, undefined, `mortal/${n}`))
    expect([await kept.get('count'), await lost.get('count')]).toEqual([before, undefined])
    for (const shared of [kept, lost]) {
      expect(await shared.set('list', [1])).toBeGreaterThan(before.version)
      expect((await shared.compareAndSet('list', [2], before.version)).done).toBe(false)
    }
    expect((await kept.compareAndSet('count', 8, before.version)).done).toBe(true)
    await runtime.idle()
    const changes = await runtime.send(kit.Changes, undefined, 'mirror/x') // it may be new too, and was told again
    expect(changes).toContainEqual({ key: 'count', ...before })
  })

  it('is saved and restored with everything else', async () => {
    const runtime = await open(engine)
    await main(runtime).set('plan', { title: 'kept', steps: [] })
    const saved = JSON.parse(JSON.stringify(await runtime.saveState())) as Snapshot
    await using second = await createRuntime({ threads: engine.threads, agents })
    await second.loadState(saved)
    const shared = main(second)
    const entry = await shared.get('plan')
    expect(entry).toEqual({ value: { title: 'kept', steps: [] }, version: 1 })
    expect(await shared.compareAndSet('plan', { title: 'new', steps: [] }, 1)).toEqual({ done: true, version: 2 })
    await second.idle()
    // the mirror was saved too, with the change it had heard of
    expect(await second.send(kit.Changes, undefined, 'mirror/main')).toMatchObject([{ version: 1 }, { version: 2 }])
  })
})

it('bad options are refused', () => {
  expect(() => memory('x', { capacity: 0 })).toThrow('capacity must be a whole number')
  expect(() => memory('x', { maxBytes: 0.5 })).toThrow('maxBytes must be a whole number')
})
