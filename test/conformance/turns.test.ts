// Promised: turns and creation.
import { expect, it } from 'vitest'
import { failure, onEveryEngine, shared } from './engines.js'
import * as kit from './kit.js'

onEveryEngine('turns', engine => {
  it('serial: one message at a time, in order', async () => {
    const runtime = await shared(engine)
    await Promise.all([3, 2, 1].map(ms => runtime.send(kit.Step, { ms }, 'serial/order')))
    expect(await runtime.send(kit.Steps, undefined, 'serial/order')).toEqual([
      'start 1',
      'end 1',
      'start 2',
      'end 2',
      'start 3',
      'end 3',
    ])
  })

  it('interleaved: all at once; a number: so many', async () => {
    const runtime = await shared(engine)
    const most = (steps: string[]) => {
      let open = 0
      return Math.max(...steps.map(step => (step.startsWith('start') ? ++open : --open)))
    }
    await Promise.all(Array.from({ length: 6 }, () => runtime.send(kit.Step, { ms: 30 }, 'interleaved/most')))
    expect(most(await runtime.send(kit.Steps, undefined, 'interleaved/most'))).toBe(6)
    await Promise.all(Array.from({ length: 6 }, () => runtime.send(kit.Step, { ms: 20 }, 'pairs/most')))
    const steps = runtime.send(kit.Steps, undefined, 'pairs/most')
    expect(most(await steps)).toBe(2)
  })

  it('a call cycle is refused, with the cycle in the message', async () => {
    const runtime = await shared(engine)
    const path = ['serial/b', 'serial/c', 'serial/a']
    const error = await failure(runtime.send(kit.Ask, { path }, 'serial/a'))
    expect(error.code).toBe('ERR_RINGREEVE_CALL_CYCLE')
    expect(error.message).toContain('serial/a → serial/b → serial/c → serial/a')
    expect(error.cycle).toEqual(['serial/a', 'serial/b', 'serial/c', 'serial/a'])
    const self = await failure(runtime.send(kit.Ask, { path: ['serial/a'] }, 'serial/a'))
    expect(self.message).toContain('serial/a → serial/a')
    expect(await runtime.send(kit.Ask, { path: ['serial/b'] }, 'serial/a')).toBe('serial/a < serial/b')
  })

  it('a limit of two takes one call back into itself, and refuses the next', async () => {
    const runtime = await shared(engine)
    expect(await runtime.send(kit.Ask, { path: ['pairs/b', 'pairs/a'] }, 'pairs/a')).toBe('pairs/a < pairs/b < pairs/a')
    const error = await failure(runtime.send(kit.Ask, { path: ['pairs/a', 'pairs/a'] }, 'pairs/a'))
    expect(error.code).toBe('ERR_RINGREEVE_CALL_CYCLE')
  })

  it('callchain: re-entered by its own chain only', async () => {
    const runtime = await shared(engine)
    const path = ['callchain/b', 'callchain/c', 'callchain/a', 'callchain/b']
    expect(await runtime.send(kit.Ask, { path }, 'callchain/a')).toBe(
      'callchain/a < callchain/b < callchain/c < callchain/a < callchain/b',
    )
    await Promise.all([5, 1].map(ms => runtime.send(kit.Step, { ms }, 'callchain/chain')))
    expect(await runtime.send(kit.Steps, undefined, 'callchain/chain')).toEqual([
      'start 1',
      'end 1',
      'start 2',
      'end 2',
    ])
  })

  it('a recursion without an end is refused', async () => {
    const runtime = await shared(engine)
    const error = await failure(runtime.send(kit.Ask, { path: [] }, 'endless/a'))
    expect(error.message).toMatch(/nest 64 deep/)
  })

  it('unrelated messages wait for a turn that waits, and are not taken for a cycle', async () => {
    const runtime = await shared(engine)
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) => runtime.send(kit.Ask, { path: [`interleaved/${n % 3}`] }, 'serial/hub')),
    )
    expect(results.every(text => text.startsWith('serial/hub < interleaved/'))).toBe(true)
  })
})

onEveryEngine('creation', engine => {
  it('is single-flight, however many first messages race', async () => {
    const runtime = await shared(engine)
    const all = await Promise.all([
      ...Array.from({ length: 10 }, () => runtime.send(kit.Made, undefined, 'lazy/single')),
      runtime.get('lazy/single', { lazy: false }),
    ])
    const answers = all.slice(0, 10) as { made: number; instance: number }[]
    expect(new Set(answers.map(one => one.instance)).size).toBe(1)
    expect(new Set(answers.map(one => one.made)).size).toBe(1)
  })

  it('a factory that throws fails the messages that raced for it; the next one tries again', async () => {
    const runtime = await shared(engine)
    const error = await failure(runtime.send(kit.Echo, 1, 'flaky/factory'))
    expect(error.code).toBe('ERR_RINGREEVE_AGENT_CREATION')
    expect(error.message).toContain('agent flaky/factory could not be made: try 1 fails')
    expect((error.cause as Error).message).toBe('try 1 fails')
    expect(await runtime.send(kit.Echo, 2, 'flaky/factory')).toBe(2)
  })

  it('an agent with listed keys exists for these only', async () => {
    const runtime = await shared(engine)
    expect(await runtime.send(kit.Echo, 1, 'listed/one')).toBe(1)
    const error = await failure(runtime.send(kit.Echo, 1, 'listed/three'))
    expect(error.code).toBe('ERR_RINGREEVE_UNKNOWN_AGENT')
    expect(error.message).toContain("keys of 'listed' are: one, two")
  })

  it('messages wait for onStart', async () => {
    const runtime = await shared(engine)
    const started = new Int32Array(new SharedArrayBuffer(4))
    const stopped = new Int32Array(new SharedArrayBuffer(4))
    await Promise.all(['a', 'b', 'a'].map(key => runtime.send(kit.Attach, { started, stopped }, `living/${key}`)))
    expect(started[0]).toBe(3)
  })
})
