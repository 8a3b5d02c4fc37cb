// Promised: a request that may be repeated survives the end of its thread; in flight in two of them it goes to the dead
// letters instead of a third. Dead letters are bounded, told of, and can be read, replayed and discarded.
import { createRuntime, event, InvalidArgumentError, PoisonedError, ThreadLostError } from 'ringreeve'
import { describe, expect, it } from 'vitest'
import { LetterBox } from '#ringreeve/coordinator/dead-letters.js'
import { failure, flag, kit as kitUrl, onEveryEngine, open as openKit, threadCounts } from '../conformance/engines.js'
import * as kit from '../conformance/kit.js'
import * as poison from './poison.js'

const url = new URL('./poison.js', import.meta.url)
const { Brittle, Dated, Relay } = poison
const more = { restarts: { max: 100, within: 1_000, backoff: { min: 1, max: 1 } } }

for (const threads of threadCounts) {
  describe(`poison (${threads})`, () => {
    it('a request that may be repeated is sent again when its thread ends', async () => {
      await using runtime = await createRuntime({ threads, agents: [url], ...more })
      const runs = flag()
      expect(await runtime.send(Brittle, { runs, failures: 1 }, 'brittle/x', { idempotent: true })).toBe('after 2')
      expect(runtime.deadLetters.size).toBe(0)
      const once = flag()
      expect(await failure(runtime.send(Brittle, { runs: once, failures: 1 }, 'brittle/x'))).toBeInstanceOf(
        ThreadLostError,
      )
      expect(once[0]).toBe(1)
    })

    it('in flight in two ends it is a dead letter, not sent a third time', async () => {
      const dead: unknown[] = []
      await using runtime = await createRuntime({
        threads,
        agents: [url],
        ...more,
        log: entry => entry.event === 'dead' && dead.push(entry.message),
      })
      const runs = flag()
      const error = await failure(
        runtime.send(Brittle, { runs, failures: 2 }, 'brittle/x', { idempotent: true, messageId: 'p1' }),
      )
      expect(error).toBeInstanceOf(PoisonedError)
      expect(error).toMatchObject({ code: 'ERR_RINGREEVE_POISONED', retryable: false, agent: 'brittle/x' })
      expect(error.cause).toBeInstanceOf(ThreadLostError)
      expect(runs[0]).toBe(2)
      expect(dead).toEqual(['brittle'])
      const [letter] = runtime.deadLetters.list()
      expect(letter).toMatchObject({ reason: 'poison', message: 'brittle', messageId: 'p1', recipient: 'brittle/x' })
      expect(letter?.detail).toContain('exited with code 9')
      expect(await runtime.deadLetters.replay(letter?.id as number)).toBe('after 3')
      expect(runtime.deadLetters.size).toBe(0)
      expect(await failure(runtime.deadLetters.replay(letter?.id as number))).toBeInstanceOf(InvalidArgumentError)
    })

    it('a replay that ends its thread again leaves the letter where it is', async () => {
      await using runtime = await createRuntime({ threads, agents: [url], ...more })
      const options = { idempotent: true } as const
      await failure(runtime.send(Brittle, { runs: flag(), failures: 9 }, 'brittle/x', options))
      const [letter] = runtime.deadLetters.list()
      expect(await failure(runtime.deadLetters.replay(letter?.id as number))).toBeInstanceOf(ThreadLostError)
      expect(runtime.deadLetters.list()).toEqual([letter])
      expect(runtime.deadLetters.discard(letter?.id)).toBe(1)
      expect(runtime.deadLetters.discard()).toBe(0)
    })

    it('a turn that never yields is poison too, and a handler on a thread can be the sender', async () => {
      await using runtime = await createRuntime({ threads, agents: [url], ...more })
      const runs = flag()
      const error = await failure(runtime.send(Relay, { runs, failures: -1, to: 'spinner/y' }, 'relay/x'))
      if (error instanceof PoisonedError) {
        expect(runs[0]).toBe(2)
        expect(runtime.deadLetters.list()).toMatchObject([{ sender: 'relay/x', recipient: 'spinner/y' }])
      } else {
        expect(error).toBeInstanceOf(ThreadLostError) // the relay lived on the thread that it ended
        expect(runs[0]).toBe(1)
      }
    })

    it('a thread that is given up is no reason to try for ever', async () => {
      await using runtime = await createRuntime({
        threads,
        agents: [url],
        restarts: { max: 0, within: 60_000 },
      })
      const error = await failure(
        runtime.send(Brittle, { runs: flag(), failures: 9 }, 'brittle/x', { idempotent: true }),
      )
      expect(error.code).toMatch(/AGENT_FAILED|THREAD_LOST/)
    })
  })
}

onEveryEngine('events that nobody hears', engine => {
  it('are not kept by default', async () => {
    await using runtime = await openKit(engine)
    await runtime.publish(kit.Note, 1, { topic: 'nobody/x' })
    await runtime.idle()
    expect(runtime.deadLetters.size).toBe(0)
  })

  it('are kept when asked for, within bounds, and replayed to a later subscriber', async () => {
    await using runtime = await openKit(engine, { deadLetters: { unheardEvents: true, capacity: 3 } })
    for (let n = 0; n < 4; n++) await runtime.publish(kit.Note, n, { topic: 'nobody/x' })
    await runtime.send(kit.Tell, { topic: 'nobody/x', payload: 'from an agent' }, 'sender/x')
    await runtime.idle()
    expect(runtime.deadLetters.dropped).toBe(2)
    expect(runtime.deadLetters.list().map(letter => [letter.payload, letter.sender])).toEqual([
      [2, undefined],
      [3, undefined],
      ['from an agent', 'sender/x'],
    ])
    await runtime.subscribe({ agent: 'recorder', topic: 'nobody' })
    for (const letter of runtime.deadLetters.list()) await runtime.deadLetters.replay(letter.id)
    expect(await runtime.send(kit.Notes, undefined, 'recorder/x')).toEqual([2, 3, 'from an agent'])
    expect(runtime.deadLetters.size).toBe(0)
  })
})

it('a letter is replayed with the schema of its type, if that is given', async () => {
  await using runtime = await createRuntime({ threads: 1, agents: [url], ...more })
  const payload = { runs: flag(), at: '2026-01-01' }
  const lost = await failure(runtime.send(Dated, payload, 'brittle/x', { idempotent: true }))
  expect(lost).toBeInstanceOf(PoisonedError)
  const id = runtime.deadLetters.list()[0]?.id as number
  const other = await failure(runtime.deadLetters.replay(id, Brittle))
  expect(other).toBeInstanceOf(InvalidArgumentError)
  expect(other.message).toBe(`replay(): dead letter ${id} is request 'dated', got request 'brittle'`)
  expect(await runtime.deadLetters.replay(id, Dated)).toBe(2026)
  expect(runtime.deadLetters.size).toBe(0)
})

it('what cannot be sent twice is refused', async () => {
  await using runtime = await createRuntime({ threads: 1, agents: [kitUrl] })
  const buffer = new ArrayBuffer(8)
  const error = await failure(runtime.send(kit.Echo, buffer, 'echo/x', { idempotent: true, transfer: [buffer] }))
  expect(error).toBeInstanceOf(InvalidArgumentError)
})

it('a letter whose replay failed has its old place: the oldest go first', async () => {
  const refuse = async () => {
    throw new Error('again')
  }
  const box = new LetterBox({ send: refuse, publish: refuse }, { capacity: 2 })
  const letter = { reason: 'poison', detail: '', time: 0, messageId: '', sender: undefined, topic: undefined } as const
  const add = (message: string) => box.add({ ...letter, message, recipient: 'a/x', payload: undefined })
  const first = add('first')
  add('second')
  await failure(box.replay(first.id))
  add('third')
  expect(box.list().map(({ message }) => message)).toEqual(['second', 'third'])
  expect(box.dropped).toBe(1)
})

it('one that is thrown away while it is replayed does not come back', async () => {
  let refuse!: (error: Error) => void
  const refused = (): Promise<never> => new Promise((_, reject) => (refuse = reject))
  const box = new LetterBox({ send: refused, publish: refused })
  const letter = { reason: 'poison', detail: '', time: 0, messageId: '', sender: undefined, topic: undefined } as const
  for (const discard of [(id: number) => box.discard(id), () => box.discard()]) {
    const { id } = box.add({ ...letter, message: 'm', recipient: 'a/x', payload: undefined })
    const replayed = failure(box.replay(id))
    expect(discard(id)).toBe(1)
    refuse(new Error('again'))
    expect((await replayed).message).toBe('again')
    expect(box.size).toBe(0)
  }
})

it('letters are bounded in bytes too: the oldest go, and one that has no room alone costs no other its place', async () => {
  const refuse = async () => {
    throw new Error('again')
  }
  const box = new LetterBox({ send: refuse, publish: refuse }, { maxBytes: 100_000 })
  const letter = { reason: 'poison', detail: '', time: 0, messageId: '', sender: undefined, topic: undefined } as const
  const add = (message: string, payload: unknown) => box.add({ ...letter, message, recipient: 'a/x', payload })
  const names = () => box.list().map(({ message }) => message)
  const first = add('first', 'x'.repeat(20_000))
  add('second', new Uint8Array(40_000))
  expect(names()).toEqual(['first', 'second'])
  add('far too big', { list: [new Uint8Array(1_000_000)] })
  expect([names(), box.dropped]).toEqual([['first', 'second'], 1])
  await failure(box.replay(first.id))
  expect(names()).toEqual(['first', 'second'])
  add('third', new Error('x'.repeat(10_000)))
  expect([names(), box.dropped]).toEqual([['second', 'third'], 2])
  const unreadable = {
    get field(): never {
      throw new Error('not for you')
    },
  }
  add('fourth', unreadable)
  expect([box.discard(first.id), box.discard(), box.size]).toEqual([0, 3, 0])
  for (let n = 0; n < 50; n++) add(`${n}`, 'x'.repeat(20_000))
  expect(names()).toEqual(['48', '49'])
})

onEveryEngine('events that nobody hears', engine => {
  it('are kept as far as their bytes go', async () => {
    const deadLetters = { unheardEvents: true, maxBytes: 1_000_000 }
    await using runtime = await openKit(engine, { deadLetters })
    const text = 'x'.repeat(100_000)
    for (let n = 0; n < 20; n++) await runtime.publish(event<string>('unheard'), text, { topic: `nobody.hears/${n}` })
    await runtime.idle()
    const topics = runtime.deadLetters.list().map(({ topic }) => topic)
    expect(topics).toEqual([16, 17, 18, 19].map(n => `nobody.hears/${n}`))
    expect(runtime.deadLetters.dropped).toBe(16)
  })
})
