// Promised: nobody waits for ever for room or a turn that can come only when he waits no more.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { failure, onEveryEngine, open } from './engines.js'
import * as waiting from './waiting.js'

const agents = [new URL('./waiting.js', import.meta.url)]

onEveryEngine('who waits for himself', engine => {
  it('for room at one who asks him, or asks one who asks him: he goes on', async () => {
    await using runtime = await open(engine, { agents })
    expect(await runtime.send(waiting.Produce, 200, 'producer/x')).toBe('all published')
    await runtime.idle()
    expect(await runtime.send(waiting.Handled, undefined, 'consumer/x')).toBe(200)
  })

  it('with calls that fill his own mailbox: when they are refused, there is room for others', async () => {
    await using runtime = await open(engine, { agents })
    for (const [to, by] of ['11', '12', '21', '22'].map(keys => [...keys])) {
      expect(await runtime.send(waiting.Bounce, `mirror/${by}`, `small/${to}`)).toBe(3)
      expect(await runtime.send(waiting.Mirror, { n: 7, to: `small/${to}` }, `mirror/${by}`)).toBe(7)
    }
    await runtime.idle()
  })

  it.each([
    ['plain', 'CallCycleError'],
    ['chained', 'pong'],
  ])('with a call that comes back to %s behind a full queue: it is let in, or refused', async (type, outcome) => {
    await using runtime = await open(engine, { agents })
    for (const key of ['1', '2']) expect(await runtime.send(waiting.Go, 30, `${type}/${key}`)).toBe(outcome)
    await runtime.idle()
  })

  it('with as many turns as he may have: one call is refused with its chain, and the others go on', async () => {
    await using runtime = await open(engine, { agents })
    expect(await runtime.send(waiting.Walk, 2, 'walker/x')).toBe(3)
    const all = Array.from({ length: 4 }, () => runtime.trySend(waiting.Walk, 1, 'walker/x'))
    const outcomes = await Promise.all(all)
    const refused = outcomes.flatMap(one => (one.ok ? [] : [one.error as Error & { code?: string }]))
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.length).toBeLessThan(4)
    for (const error of refused) {
      expect(error.code).toBe('ERR_RINGREEVE_CALL_CYCLE')
      expect(error.message).toContain('walker/x → walker/x')
    }
    await runtime.idle()
    expect(await runtime.send(waiting.Walk, 0, 'walker/x')).toBe(1)
    const error = await failure(runtime.send(waiting.Walk, 9, 'walker/x'))
    expect((error as { code?: string }).code).toBe('ERR_RINGREEVE_CALL_CYCLE')
  })

  it.each([
    ['a call', waiting.Meet],
    ['an event until it is handled', waiting.Tell],
  ])(
    'with %s, in a ring of those who know nothing of each other: one is refused, and the others go on',
    async (_, message) => {
      await using runtime = await open(engine, { agents })
      const meet = async (of: number): Promise<void> => {
        const counts = new SharedArrayBuffer(4)
        const ring = Array.from({ length: of }, (_, i) => `talker/${of}${i}`)
        const asks = ring.map((agent, i) =>
          runtime.send(message, { counts, of, to: ring[(i + 1) % of] as string }, agent),
        )
        const outcomes = await Promise.all(asks)
        const refused = outcomes.filter(outcome => outcome !== 'pong')
        expect(refused).toHaveLength(1)
        const [first, ...rest] = (refused[0] as string).split(' → ')
        expect(rest.at(-1)).toBe(first)
        expect(rest.sort()).toEqual(ring)
      }
      await Promise.all([2, 3, 5].map(meet))
      await runtime.idle()
    },
  )

  it('with room at one who calls a third, who calls him: he goes on, and nobody is refused', async () => {
    await using runtime = await open(engine, { agents })
    const party = { counts: new SharedArrayBuffer(4), of: 2, to: 'source/x' }
    const pouring = runtime.send(waiting.Pour, { n: 50, ...party }, 'source/x')
    expect(await runtime.send(waiting.Meet, party, 'cup/x')).toBe('pong')
    expect(await pouring).toBe('all poured')
    await runtime.idle()
  })

  it('with a call that is held back for a full queue: it is refused, or the one that waits for it', async () => {
    await using runtime = await open(engine, { agents })
    const party = { counts: new SharedArrayBuffer(4), of: 2 }
    const first = runtime.send(waiting.Meet, { ...party, to: 'talker/2' }, 'crowded/1')
    await runtime.send(waiting.Fill, { n: 20, to: 'crowded/1' }, 'filler/2')
    await sleep(50) // so that they are known to be too many
    const both = [first, runtime.send(waiting.Meet, { ...party, to: 'crowded/1' }, 'talker/2')]
    const [refused] = (await Promise.all(both)).filter(outcome => outcome !== 'pong')
    expect(refused?.split(' → ').sort()[1]).toMatch(/^(crowded\/1|talker\/2)$/)
    await runtime.idle()
  })

  it('with what he does not wait for: it has its turn when he has slept, however long that takes', async () => {
    await using runtime = await open(engine, { agents })
    expect(await runtime.send(waiting.Go, 2_500, 'talker/aside')).toBe('slept')
    await runtime.idle()
    expect(await runtime.send(waiting.Outcome, undefined, 'talker/aside')).toBe('pong')
  })

  it.each([
    ['has answered', false, 'called'],
    ['he does not wait for any more', true, 'TimeoutError'],
  ])('with what one sends him who %s: that is no wait of his, however long he goes on', async (_, late, outcome) => {
    await using runtime = await open(engine, { agents })
    expect(await runtime.send(waiting.Errand, { late }, 'errand/1')).toBe(outcome)
    await runtime.idle()
    expect(await runtime.send(waiting.Outcome, undefined, 'called/2')).toBe('pong')
  })

  it('with an event that comes back to him behind a full queue: it is let in', async () => {
    await using runtime = await open(engine, { agents })
    expect(await runtime.send(waiting.Rush, 30, 'chief/1')).toBe('told')
    await runtime.idle()
  })

  it('with a thousand calls to himself, of as many agents: all are refused, and others go on meanwhile', async () => {
    await using runtime = await open(engine, { agents })
    const all = Array.from({ length: 1_000 }, (_, n) => runtime.trySend(waiting.Alone, undefined, `alone/${n}`))
    for (const one of await Promise.all(all)) expect(one.ok && one.value).toBe('CallCycleError')
    await runtime.idle()
  })

  it('in onStop, or onStart, for one who does the same', async () => {
    await using runtime = await open(engine, { agents })
    const counts = new SharedArrayBuffer(12)
    const words = new Int32Array(counts)
    const knows = (agent: string, to: string) => runtime.send(waiting.Know, { counts, of: 2, to }, agent)
    await Promise.all([knows('parting/1', 'parting/2'), knows('parting/2', 'parting/1')])
    const made = ['1', '2'].map(key => runtime.send(waiting.Heard, undefined, `arriving/${key}`))
    expect((await Promise.all(made)).sort()).toEqual([
      [0, 0, 1],
      [0, 1, 0],
    ])
    await runtime.stop()
    expect([...words]).toEqual([2, 1, 1])
  })
})
