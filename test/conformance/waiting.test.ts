// Promised: nobody waits for ever for room or a turn that can come only when he waits no more.
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
})
