// Promised: the state of an agent outlives it if it was unloaded, and not if it was stopped; an agent that nothing comes to is
// unloaded, whatever it does of itself; and what it does of itself ends with it.
import { describe, expect, it } from 'vitest'
import type { AgentOptions } from '#ringreeve/agent/options.js'
import type { Context } from '#ringreeve/index.js'
import { outcome } from './cells.js'
import { alone, doer } from './one-agent.js'

describe('the state', () => {
  const counter = (options: AgentOptions<unknown> = {}) => doer({ state: () => ({ n: 0 }), ...options })
  const count = (ctx: Context): number => ++(ctx.state as { n: number }).n

  it('stays when the agent is unloaded, and is that of the next one', async () => {
    const all = alone(counter())
    all.send('1', count)
    await all.settle()
    const { state } = all.cell
    const unloaded = outcome(all.cell.unload())
    expect([all.cell.stage, all.cell.hasState]).toEqual(['ending', true])
    await all.settle()
    expect([unloaded.now, all.cell.state, all.cell.hasState]).toEqual(['done', undefined, false])
    expect(all.agents.unloaded.get('a/1')).toBe(state)
    await all.nothingLeft()
    all.send('2', count)
    expect([await all.since(), all.agents.unloaded.size]).toEqual([['1: 1', '2: 2'], 0])
  })

  it('goes when the agent is stopped, also while it is being unloaded', async () => {
    const all = alone(counter())
    const first = all.hold('1')
    all.send('2', count)
    await all.settle()
    void all.cell.unload()
    all.stop('stop') // waits for the next one, which comes back with the state and stops
    expect(all.cell.hasState).toBe(true)
    first.open()
    expect(await all.since()).toEqual(['1', '2: 1', 'stop'])
    expect(all.agents.unloaded.size).toBe(0)
    all.send('3', count)
    expect(await all.since()).toEqual(['3: 1'])
    const hurried = all.hold('4')
    await all.settle()
    void all.cell.unload()
    const dropped = outcome(all.of('a/1').drop(10))
    await all.pass(10)
    expect([await all.since(), dropped.now]).toEqual([['4! StoppedError'], 'done'])
    hurried.open()
    await all.nothingLeft()
    expect(all.agents.unloaded.size).toBe(0)
  })

  for (const keepState of [true, false])
    it(`of an agent that is idle for long ${keepState ? 'is kept' : 'goes, if its type says so'}`, async () => {
      const all = alone(counter({ unloadAfter: 1_000, keepState }).every(300, () => {}))
      all.send('1', count)
      await all.settle()
      await all.pass(999)
      all.send('2', count)
      await all.settle()
      await all.pass(999)
      expect([await all.since(), all.cell.stage]).toEqual([['1: 1', '2: 2'], 'ready'])
      for (let i = 0; i < 4; i++) await all.pass(300) // ticks do not keep it
      expect(all.cell.stage).toBe('gone')
      await all.nothingLeft()
      expect(all.agents.unloaded.size).toBe(keepState ? 1 : 0)
      all.send('3', count)
      expect(await all.since()).toEqual([keepState ? '3: 3' : '3: 1'])
    })

  it('is here as long as a turn is at work, a one-shot timer is pending, or the agent is paused', async () => {
    const all = alone(counter({ unloadAfter: 1_000 }))
    const first = all.hold('1')
    await all.settle()
    await all.pass(5_000)
    expect(all.cell.stage).toBe('ready')
    all.cell.after(8_000, () => void all.log.push('tick'))
    expect(all.cell.promised).toBe(true)
    first.open()
    await all.settle()
    for (let i = 0; i < 8; i++) await all.pass(1_000)
    expect([await all.since(), all.cell.stage, all.cell.promised]).toEqual([['1', 'tick'], 'ready', false])
    all.cell.pause()
    for (let i = 0; i < 5; i++) await all.pass(1_000)
    expect(all.cell.stage).toBe('ready')
    all.cell.resume()
    for (let i = 0; i < 2; i++) await all.pass(1_000)
    expect(all.cell.stage).toBe('gone')
  })
})

describe('what an agent does of itself', () => {
  it('ends with it: no tick comes after the wish, and none makes it anew', async () => {
    const all = alone(doer().every(100, () => void all.log.push('tick')))
    await all.cell.ensure()
    expect(await all.since()).toEqual(['tick'])
    await all.pass(100)
    const turn = all.hold('1')
    await all.settle()
    all.cell.after(100, () => void all.log.push('one-shot'))
    await all.pass(100)
    expect([await all.since(), all.cell.waiting]).toEqual([['tick'], 2])
    const stopped = outcome(all.cell.stop(false))
    turn.open()
    await all.pass(1_000)
    expect([await all.since(), stopped.now]).toEqual([['1'], 'done'])
    await all.nothingLeft()
  })

  for (const onError of ['report', 'stop-agent', 'stop-runtime'] as const)
    it(`and fails: ${onError}`, async () => {
      const all = alone(
        doer().every(
          100,
          () => {
            throw new Error('no')
          },
          { immediate: false, onError },
        ),
      )
      await all.cell.ensure()
      await all.pass(100)
      expect(all.unhandled()).toEqual(['no'])
      expect(all.told.filter(({ kind }) => kind === 'stop').length).toBe(onError === 'stop-runtime' ? 1 : 0)
      expect(all.cell.stage).toBe(onError === 'report' ? 'ready' : 'gone')
      if (onError !== 'report') await all.nothingLeft()
    })

  it('is nothing, once the loop rests', async () => {
    const all = alone(
      doer()
        .every(100, () => void all.log.push('tick'))
        .loop(() => void all.log.push('loop')),
    )
    all.admission.to('resting')
    all.send('1', ctx => void ctx.after(10, () => void all.log.push('one-shot')))
    await all.settle()
    await all.pass(1_000)
    expect([await all.since(), all.cell.stage, all.cell.promised]).toEqual([['1'], 'ready', false])
  })
})
