// Promised: only who owns a wish to cancel has it granted. What a turn has published stands when the turn is given up, and it may
// still clean up; who stops one agent stops no other; and what the runtime rejects in a turn that was given up ends nothing.
import { createRuntime } from 'ringreeve'
import { expect, it } from 'vitest'
import { failure, flag, onEveryEngine, open, reaches, sleep } from './engines.js'
import * as kit from './kit.js'
import * as owners from './owners.js'

const agents = [new URL('./owners.js', import.meta.url)]

onEveryEngine('a turn that is given up', engine => {
  it('has published what it published, and cleans up: publishes, and sends with a signal of its own', async () => {
    await using runtime = await open(engine, { agents })
    const books = runtime.handle({ type: 'books' }, 'x')
    await books.pause()
    const words = { begun: flag(), cleaned: flag() }
    const controller = new AbortController()
    const order = failure(runtime.send(owners.Order, words, 'shop/x', { signal: controller.signal }))
    await reaches(words.begun, 1)
    controller.abort()
    expect((await order).code).toBe('ERR_RINGREEVE_CANCELLED')
    await books.resume()
    await reaches(words.cleaned, 1)
    expect(await runtime.send(owners.Heard, undefined, 'books/x')).toEqual(['placed', 'failed', 'told'])
  })

  it('ends nothing by what it would have awaited later', async () => {
    const entries: string[] = []
    const log = ({ event, error }: { event: string; error?: unknown }) => {
      if (event === 'crash' || event === 'error') entries.push(`${event} ${String(error)}`)
    }
    await using runtime = await open(engine, { agents, log })
    const rejections: unknown[] = []
    const note = (reason: unknown) => rejections.push(reason)
    process.on('unhandledRejection', note)
    expect(await runtime.send(owners.Life, undefined, 'witness/x')).toBeGreaterThan(0)
    for (let i = 0; i < 3; i++) {
      const begun = flag()
      const controller = new AbortController()
      const both = failure(runtime.send(owners.Both, { begun }, 'shop/both', { signal: controller.signal }))
      await reaches(begun, 1)
      controller.abort()
      expect((await both).code).toBe('ERR_RINGREEVE_CANCELLED')
    }
    await runtime.idle()
    await new Promise(resolve => setTimeout(resolve, 20))
    process.off('unhandledRejection', note)
    expect(rejections).toEqual([])
    expect(entries.filter(entry => entry.startsWith('crash'))).toEqual([])
  })
})

onEveryEngine('stopping one agent without what it does', engine => {
  it.each([{}, { timeout: 60_000 }])('leaves who published, and who else hears it, alone (%j)', async options => {
    await using runtime = await open(engine, { agents })
    const words = { placed: flag(), release: flag() }
    const placed = runtime.send(owners.Place, words, 'shop/x', options)
    await reaches(words.placed, 2)
    await runtime.handle({ type: 'shelf' }, 'x').stop({ drain: false, timeout: 50 })
    Atomics.store(words.release, 0, 1)
    expect(await placed).toBe('placed')
    expect(await runtime.send(owners.Heard, undefined, 'clerk/x')).toEqual(['sold'])
  })

  it('leaves the others alone that handle an event which is waited for and can be cancelled', async () => {
    await using runtime = await open(engine, { agents })
    const [hang, release] = [flag(), flag()]
    const { signal } = new AbortController()
    const all = failure(runtime.publish(owners.Sold, { hang, release }, { topic: 'sold/x', until: 'handled', signal }))
    await reaches(hang, 2)
    await runtime.handle({ type: 'shelf' }, 'x').stop({ drain: false, timeout: 50 })
    Atomics.store(release, 0, 1)
    expect(((await all) as unknown as AggregateError).errors).toMatchObject([{ agent: 'shelf/x' }])
    expect(await runtime.send(owners.Heard, undefined, 'clerk/x')).toEqual(['sold'])
  })
})

onEveryEngine('a signal that aborts while a message waits', engine => {
  it('at the gate: the sender is told at once, and it is never sent', async () => {
    await using runtime = await open(engine)
    const hold = { begun: flag(), release: flag() }
    const held = runtime.send(kit.Hold, hold, 'holder/gate')
    await reaches(hold.begun, 1)
    const saved = runtime.saveState()
    const controller = new AbortController()
    const { signal } = controller
    const word = flag()
    const sent = failure(runtime.send(kit.Mark, { word }, 'holder/other', { signal }))
    const published = failure(runtime.publish(kit.Note, 'never', { topic: 'waits/gate', signal }))
    const late = failure(runtime.send(kit.Mark, { word }, 'holder/other', { signal: AbortSignal.abort() }))
    controller.abort(new Error('changed my mind'))
    for (const one of [sent, published, late]) expect((await one).code).toBe('ERR_RINGREEVE_CANCELLED')
    expect((await sent).message).toContain('changed my mind')
    expect(hold.release[0]).toBe(0) // the gate is closed still
    Atomics.store(hold.release, 0, 1)
    await Promise.all([held, saved])
    await runtime.idle()
    expect(word[0]).toBe(0)
    expect(await runtime.send(kit.Notes, undefined, 'waits/gate')).toEqual([])
  })

  it('for room in a mailbox: who publishes is told at once', async () => {
    await using runtime = await open(engine)
    const hold = { begun: flag(), release: flag() }
    const held = runtime.send(kit.Hold, hold, 'waits/room')
    await reaches(hold.begun, 1)
    const controller = new AbortController()
    const options = { topic: 'waits/room', signal: controller.signal }
    const outcome = (one: Promise<void>): Promise<string> =>
      one.then(
        () => 'accepted',
        error => error.code,
      )
    let last: Promise<string>
    let n = 0
    do {
      last = outcome(runtime.publish(kit.Note, n, options)) // until it is known here that the mailbox is full
    } while (n++ < 1_000 && (await Promise.race([last, sleep(100)])) === 'accepted')
    controller.abort()
    expect(await last).toBe('ERR_RINGREEVE_CANCELLED')
    Atomics.store(hold.release, 0, 1)
    await held
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'waits/room')).toEqual([])
  })
})

onEveryEngine('an event that its own publisher cancels', engine => {
  it('before, where it would wait for room: he is told so, nothing is left waiting, and the mailbox goes on', async () => {
    await using runtime = await open(engine)
    const hold = { begun: flag(), release: flag() }
    const held = runtime.send(kit.Hold, hold, 'waits/before')
    await reaches(hold.begun, 1)
    const topic = 'waits/before'
    const first = Array.from({ length: 30 }, (_, n) => runtime.publish(kit.Note, n, { topic }))
    await sleep(50) // so that it is known to be full
    for (let n = 0; n < 3; n++) {
      const { code } = await failure(runtime.publish(kit.Note, 'never', { topic, signal: AbortSignal.abort() }))
      expect(code).toBe('ERR_RINGREEVE_CANCELLED')
    }
    Atomics.store(hold.release, 0, 1)
    await Promise.all([held, ...first])
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, topic)).toEqual(first.map((_, n) => n))
  })

  it('where nobody hears it: that is no failure of anybody', async () => {
    await using runtime = await open(engine)
    const options = { topic: 'nobody-hears/this', until: 'handled', signal: AbortSignal.abort() } as const
    await runtime.publish(kit.Note, 1, options)
  })

  it('while he waits for it to be handled: he is told at once, by whom it was not yet', async () => {
    await using runtime = await open(engine, { agents })
    const [hang, release] = [flag(), flag()]
    const controller = new AbortController()
    const { signal } = controller
    const topic = 'sold/x'
    const all = failure(runtime.publish(owners.Sold, { hang, release }, { topic, until: 'handled', signal }))
    await reaches(hang, 2)
    controller.abort(new Error('closed'))
    const { errors } = (await all) as unknown as AggregateError
    expect(errors.map(({ code, agent }) => [code, agent]).sort()).toEqual([
      ['ERR_RINGREEVE_CANCELLED', 'clerk/x'],
      ['ERR_RINGREEVE_CANCELLED', 'shelf/x'],
    ])
    expect(release[0]).toBe(0) // both are at work still
    Atomics.store(release, 0, 1)
    await runtime.idle()
  })

  it('and fails: that is told before all is idle', async () => {
    await using runtime = await open(engine, { unhandledErrors: 'throw' })
    const { signal } = new AbortController()
    for (let n = 0; n < 20; n++) {
      await runtime.publish(kit.FailEvent, 'type', { topic: 'trouble/followed', signal })
      expect((await failure(runtime.idle())).message).toContain('type')
    }
  })

  it('is no error that nobody waited for', async () => {
    await using runtime = await open(engine, { unhandledErrors: 'throw' })
    const hold = { begun: flag(), release: flag() }
    const held = runtime.send(kit.Hold, hold, 'waits/cancelled')
    await reaches(hold.begun, 1)
    const controller = new AbortController()
    await runtime.publish(kit.Note, 'never', { topic: 'waits/cancelled', signal: controller.signal })
    controller.abort()
    Atomics.store(hold.release, 0, 1)
    await held
    await runtime.idle()
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'waits/cancelled')).toEqual([])
  })
})

it('a send never throws, whatever its recipient is', async () => {
  await using runtime = await createRuntime({ threads: 0 })
  const nobody = Object.create(null) as string
  const sent = runtime.trySend(kit.Echo, 1, nobody, { idempotent: true })
  expect((await sent).ok).toBe(false)
})
