// Promised: state: saved at a consistent cut, loaded into any engine, versioned.
import { agent, createRuntime, type Runtime, request, type Snapshot, StateError } from 'ringreeve'
import { expect, it } from 'vitest'
import { engines, failure, flag, kit as kitUrl, onEveryEngine, open, reaches, shared } from './engines.js'
import * as kit from './kit.js'
import { Counted, names } from './odd-names.js'
import * as restored from './restored.js'

/** Runtimes that only the first test loads into. */
const into = { agents: [kitUrl] }

onEveryEngine('state', engine => {
  it('is saved by type/key and goes into every other engine', async () => {
    await using runtime = await open(engine)
    const from = engine.name
    for (let n = 0; n < 12; n++) await runtime.publish(kit.Note, { n, from }, { topic: `news/${n % 4}` })
    const snapshot = await runtime.saveState()
    expect(snapshot.version).toBe(1)
    expect(snapshot['recorder/1']).toMatchObject({ notes: [1, 5, 9].map(n => ({ n, from })) })
    const saved = JSON.parse(JSON.stringify(snapshot)) as Snapshot
    for (const other of engines) {
      const second = await shared(other, into) // as the engine before left it: all of it must be replaced
      await second.loadState(saved)
      expect(await second.send(kit.Notes, undefined, 'recorder/2')).toEqual([2, 6, 10].map(n => ({ n, from })))
      expect(await second.saveState()).toEqual(saved)
    }
  })

  it('goes in before the runtime begins, ahead of what was sent already', async () => {
    const first = await shared(engine)
    await first.send(kit.Store, 'saved', 'recorder/early')
    const saved = await first.saveState()
    await using runtime = await open(engine, { autoStart: false })
    const sent = runtime.send(kit.Store, 'sent', 'recorder/early')
    await runtime.loadState(saved)
    await runtime.start()
    expect(await sent).toBe(2)
    expect(await runtime.send(kit.Notes, undefined, 'recorder/early')).toEqual(['saved', 'sent'])
  })

  it('the cut is quiet: it waits for what is under way, and holds back what comes', async () => {
    const runtime = await shared(engine)
    const slow = Array.from({ length: 5 }, (_, n) => runtime.send(kit.Step, { ms: 10 }, `serial/${n}`))
    const saving = runtime.saveState()
    const later = runtime.send(kit.Store, 'later', 'recorder/cut')
    const snapshot = await saving
    await Promise.all(slow)
    for (let n = 0; n < 5; n++) expect(snapshot[`serial/${n}`]).toEqual({ n: 1, steps: ['start 1', 'end 1'] })
    expect(snapshot['recorder/cut']).toBeUndefined()
    await later
  })

  it('it is one cut: ticks and loops wait meanwhile, and go on afterwards', async () => {
    await using runtime = await open(engine, { agents: [new URL('./payers.js', import.meta.url)] })
    await runtime.get('payer/w-1', { lazy: false })
    let before = 0
    for (let n = 0; n < 10; n++) {
      let paid: number
      do {
        const snapshot = await runtime.saveState()
        paid = -(snapshot['payer/w-1'] as { total: number }).total
        const got = [2, 3].map(key => (snapshot[`payee/w-${key}`] as { total: number } | undefined)?.total ?? 0)
        expect(got.reduce((sum, total) => sum + total)).toBe(paid)
      } while (paid === before)
      before = paid
    }
  })

  it('what it holds back goes in the order in which it was sent, also when several save', async () => {
    const runtime = await shared(engine)
    const sent: Promise<unknown>[] = []
    const send = (): void => void sent.push(runtime.send(kit.Store, sent.length, 'recorder/order'))
    for (let round = 0; round < 5; round++) {
      const first = runtime.saveState()
      send()
      const second = runtime.saveState().then(send)
      send()
      await first
      send()
      await second
    }
    await Promise.all(sent)
    expect(await runtime.send(kit.Notes, undefined, 'recorder/order')).toEqual(sent.map((_, n) => n))
  })

  it('the wish to stop an agent keeps its place among what is held back', async () => {
    const runtime = await shared(engine)
    const store = (n: number) => Array.from({ length: n }, () => runtime.send(kit.Store, 0, 'recorder/held-stop'))
    const first = store(2)
    const saved = runtime.saveState()
    const second = store(2)
    const stopped = runtime.handle(kit.recorder, 'held-stop').stop()
    const third = store(2)
    expect(await Promise.all([...first, ...second, ...third])).toEqual([1, 2, 3, 4, 1, 2])
    await Promise.all([saved, stopped])
  })

  it('two snapshots at once: what is sent between them is in the second', async () => {
    const runtime = await shared(engine)
    const store = () => runtime.send(kit.Store, 0, 'recorder/two-snapshots')
    const snapshots: Promise<Snapshot>[] = []
    const stored: Promise<number>[] = []
    for (let n = 0; n < 3; n++) {
      stored.push(store())
      snapshots.push(runtime.saveState())
    }
    const notes = (await Promise.all(snapshots)).map(snapshot => snapshot['recorder/two-snapshots'])
    expect(notes).toMatchObject([{ notes: [0] }, { notes: [0, 0] }, { notes: [0, 0, 0] }])
    expect(await Promise.all(stored)).toEqual([1, 2, 3])
  })

  it('a subscription that begins or ends keeps its place among what is held back', async () => {
    const runtime = await shared(engine)
    const note = (n: number) => runtime.publish(kit.Note, n, { topic: 'meanwhile/heard' })
    const saved = runtime.saveState()
    const before = note(1)
    const subscribed = runtime.subscribe({ agent: 'recorder', topic: 'meanwhile' })
    await Promise.all([saved, before, subscribed])
    const again = runtime.saveState()
    const during = note(2)
    await Promise.all([again, during, (await subscribed).unsubscribe()])
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'recorder/heard')).toEqual([2])
  })

  it('stop() works off what is held back', async () => {
    await using runtime = await open(engine)
    const saved = runtime.saveState().catch(() => {})
    const stored = [1, 2, 3].map(n => runtime.send(kit.Store, n, 'recorder/x'))
    await runtime.stop()
    expect(await Promise.all(stored)).toEqual([1, 2, 3])
    await saved
  })

  it('gives up when the agents stay busy, says so, and lets sends go on', async () => {
    const runtime = await shared(engine)
    const words = { begun: flag(), release: flag() }
    const held = runtime.send(kit.Hold, words, 'holder/busy')
    await reaches(words.begun, 1)
    const error = await failure(runtime.saveState({ timeout: 30 }))
    expect(error.code).toBe('ERR_RINGREEVE_TIMEOUT')
    expect(await runtime.send(kit.Echo, 1, 'echo/busy')).toBe(1)
    Atomics.store(words.release, 0, 1)
    await held
  })

  it('of one agent: saved, loaded, and not there before it exists', async () => {
    const runtime = await shared(engine)
    const handle = runtime.handle(kit.recorder, 'x')
    expect(await handle.saveState()).toBeUndefined()
    await handle.send(kit.Store, 'a')
    expect(await handle.saveState()).toEqual({ notes: ['a'], contexts: [] })
    await handle.loadState({ notes: ['b', 'c'], contexts: [] })
    expect(await handle.send(kit.Notes)).toEqual(['b', 'c'])
  })

  it('what a copy of it would come out of empty is refused by name, never saved as nothing', async () => {
    await using runtime = await open(engine)
    let deep: object = {}
    for (let n = 0; n < 5_000; n++) deep = { deep }
    for (const [key, part] of [
      ['url', new URL('https://example.org/')],
      ['deep', deep],
    ] as const) {
      await runtime.send(kit.Store, part, `recorder/${key}`).catch(() => {}) // so deep nothing crosses threads
      await runtime.send(kit.Store, 'there', `recorder/${key}`)
      const error = await failure(runtime.handle({ type: 'recorder' }, key).loadState({ notes: [part], contexts: [] }))
      expect(error).toBeInstanceOf(StateError)
      expect(error.message).toContain(`recorder/${key}`)
    }
    const error = await failure(runtime.handle({ type: 'recorder' }, 'url').saveState())
    expect(error.message).toMatch(
      /^the state of recorder\/url is not plain data: notes\[0\] is a URL \(give its text\)/,
    )
  })

  it('each save and load has its own time limit, from when it was asked for', async () => {
    await using runtime = await open(engine)
    const slow = runtime.send(kit.Step, { ms: 2_500 }, 'serial/long')
    const first = runtime.saveState()
    const second = failure(runtime.loadState({ version: 1, types: {} }, { timeout: 50 }))
    const third = failure(runtime.saveState({ timeout: 50 }))
    expect((await second).code).toBe('ERR_RINGREEVE_TIMEOUT')
    expect((await third).code).toBe('ERR_RINGREEVE_TIMEOUT')
    await slow
    expect((await first)['serial/long']).toEqual({ n: 1, steps: ['start 1', 'end 1'] })
    expect(await runtime.send(kit.Store, 'after', 'recorder/after')).toBe(1) // the gate is as it was
  })

  it('is there when onStart, ticks and loops begin, and no agent has it if one cannot be made', async () => {
    await using runtime = await open(engine, { agents: [new URL('./restored.js', import.meta.url)] })
    const load = (more: object) =>
      runtime.loadState({ version: 1, types: {}, 'restored/there': { n: 41, seen: [] }, ...more } as Snapshot)
    await runtime.send(restored.Seen, undefined, 'restored/there')
    for (const [more, code] of [
      [{ 'restored/new': { n: 1, seen: [] }, 'restored/broken': { n: 1, seen: [] } }, 'AGENT_CREATION'],
      [{ 'keyed/unknown': {} }, 'UNKNOWN_AGENT'],
      [{ 'restored/function': { seen: () => {} } }, 'STATE'],
    ] as const) {
      expect((await failure(load(more))).code).toBe(`ERR_RINGREEVE_${code}`)
      expect(await runtime.send(restored.Seen, undefined, 'restored/there')).toMatchObject({ n: 0 })
      expect(await runtime.handle({ type: 'restored' }, 'new').saveState()).toBeUndefined()
    }
    await load({ 'restored/new': { n: 42, seen: [] } })
    expect(await runtime.send(restored.Seen, undefined, 'restored/there')).toMatchObject({ n: 41 })
    await runtime.handle({ type: 'restored' }, 'one').loadState({ n: 43, seen: [] })
    for (const [key, n] of [
      ['new', 42],
      ['one', 43],
    ] as const) {
      let seen: readonly string[]
      do seen = (await runtime.send(restored.Seen, undefined, `restored/${key}`)).seen
      while (seen.length < 3)
      expect(seen.toSorted()).toEqual([`loop ${n}`, `start ${n}`, `tick ${n}`])
    }
  })

  it('loading gives up in time when an onStart does not end, and nothing is put in', async () => {
    await using runtime = await open(engine, { agents: [new URL('./restored.js', import.meta.url)] })
    await runtime.send(restored.Seen, undefined, 'restored/there')
    const state = { n: 1, seen: [] }
    const snapshot = { version: 1, types: {}, 'restored/there': state, 'restored/hangs': state } as const
    const error = await failure(runtime.loadState(snapshot, { timeout: 50 }))
    expect(error).toMatchObject({ code: 'ERR_RINGREEVE_TIMEOUT' })
    expect(error.message).toContain('restored/hangs')
    expect(await runtime.send(restored.Seen, undefined, 'restored/there')).toMatchObject({ n: 0 })
  })

  it('an unknown version, type or shape is refused, and nothing is put in', async () => {
    const runtime = await shared(engine)
    const good = { version: 1, types: { recorder: 1 }, 'recorder/refused': { notes: ['new'], contexts: [] } } as const
    for (const [snapshot, text] of [
      [{ ...good, version: 2 }, 'version 2'],
      [{ ...good, types: { recorder: 7 } }, 'version 7'],
      [{ ...good, 'nobody/refused': {} }, "no agent type 'nobody'"],
      [null, 'a snapshot is an object'],
    ] as const) {
      const error = await failure(runtime.loadState(snapshot as unknown as Snapshot))
      expect(error.code).toBe('ERR_RINGREEVE_STATE')
      expect(error.message).toContain(text)
    }
    expect(await runtime.send(kit.Notes, undefined, 'recorder/refused')).toEqual([])
  })
})

it("an onStart that sends by the application's own way does not wait for the gate", async () => {
  const Get = request<void, string>('get')
  const conf = agent('conf').on(Get, () => 'v')
  const asking = agent('asking', { state: () => ({ conf: '' }) })
    .onStart(async ctx => {
      ctx.state.conf = await runtime.send(Get, undefined, 'conf/x')
    })
    .on(Get, (_, ctx) => ctx.state.conf)
  await using runtime: Runtime = await createRuntime({ threads: 0, agents: [conf, asking] })
  await runtime.loadState({ version: 1, types: {}, 'asking/x': { conf: 'old' } })
  expect(await runtime.send(Get, undefined, 'asking/x')).toBe('v')
})

it('an older version is brought up to date by migrate', async () => {
  const Get = request<void, unknown>('get')
  const counter = agent('counter', {
    version: 3,
    state: () => ({ total: 0 }),
    migrate: (saved, version) => ({ total: (saved as { n: number }).n * version }),
  }).on(Get, (_, ctx) => ctx.state)
  await using runtime = await createRuntime({ agents: [counter] })
  await runtime.loadState({ version: 1, types: { counter: 2 }, 'counter/x': { n: 21 } })
  expect(await runtime.send(Get, undefined, 'counter/x')).toEqual({ total: 42 })
})

onEveryEngine('agent types that are called what every object has', engine => {
  it('are saved and loaded as others are', async () => {
    const agents = [new URL('./odd-names.js', import.meta.url)]
    await using first = await open(engine, { agents })
    for (const name of names) expect(await first.send(Counted, undefined, `${name}/x`)).toBe(`${name}/x 1`)
    const saved = await first.saveState()
    expect(Object.keys(saved.types).sort()).toEqual([...names].sort())
    await using second = await open(engine, { agents })
    for (const snapshot of [saved, JSON.parse(JSON.stringify(saved)) as Snapshot, { ...saved, types: {} }]) {
      await second.loadState(snapshot)
      for (const name of names) expect(await second.send(Counted, undefined, `${name}/x`)).toBe(`${name}/x 2`)
    }
  })
})
