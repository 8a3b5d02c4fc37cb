// Promised: messages wait until the agent was made and while it stops; `onStop` runs once for each time it was made, after its loops
// and turns have ended; and when it has stopped nothing of it is left but what was to be kept.
import { describe, expect, it } from 'vitest'
import { agent } from '#ringreeve/index.js'
import { gate, outcome } from './cells.js'
import { alone, Do, doer } from './one-agent.js'

describe('an agent is made', () => {
  it('at once, if nothing has to be waited for', async () => {
    const all = alone(doer({ state: ({ key }) => ({ key }) }))
    all.send('1', ctx => JSON.stringify(ctx.state))
    expect([await all.since(), all.cell.stage, all.count('agents')]).toEqual([['1: {"key":"1"}'], 'ready', 1])
    expect(all.cell.hasState).toBe(true)
  })

  it('when its state and its onStart are there', async () => {
    const [state, start] = [gate(), gate()]
    const options = { state: () => state.opened.then(() => ({ n: 1 })) }
    const all = alone(
      doer(options).onStart(async ctx => {
        await start.opened
        ;(ctx.state as { n: number }).n++
      }),
    )
    const ensured = [all.cell.ensure(), all.cell.ensure()].map(outcome)
    all.send('1', ctx => JSON.stringify(ctx.state))
    for (const one of [state, start]) {
      expect([await all.since(), all.cell.stage, ensured[1]?.now]).toEqual([[], 'starting', 'waits'])
      one.open()
    }
    expect([await all.since(), all.cell.stage]).toEqual([['1: {"n":2}'], 'ready'])
    expect(ensured.map(({ now }) => now)).toEqual(['done', 'done'])
    await all.cell.ensure()
    expect([all.count('agents'), all.ledger.balanced]).toEqual([1, true])
  })

  for (const how of ['at once', 'later', 'by its state'] as const)
    it(`or fails ${how}, and whoever waits is told; the next message tries again`, async () => {
      let fails = true
      const fail = (): void => {
        if (fails) throw new Error('no')
      }
      const async = async (): Promise<void> => fail()
      const all = alone(
        how === 'at once' ? doer({ state: fail }) : how === 'later' ? doer().onStart(async) : doer({ state: async }),
      )
      all.send('1')
      const ensured = outcome(all.cell.ensure())
      all.send('2')
      await all.settle()
      expect([await all.since(), ensured.now]).toEqual([
        expect.arrayContaining(['1! AgentCreationError', '2! AgentCreationError']),
        'agent a/1 could not be made: no',
      ])
      await all.nothingLeft()
      fails = false
      all.send('3')
      expect([await all.since(), all.count('agents')]).toEqual([['3'], 1])
    })

  it('or fails, and what onStart had set up is gone with it', async () => {
    const start = gate()
    const all = alone(
      doer().onStart(async ctx => {
        ctx.after(50, () => void all.log.push('tick'))
        ctx.stop()
        await start.opened
      }),
    )
    all.send('1')
    await all.settle()
    start.fail(new Error('no'))
    expect(await all.since()).toEqual(['1! AgentCreationError'])
    await all.pass(100)
    expect(await all.since()).toEqual([])
    await all.nothingLeft()
  })

  it('or is given up, and what its start does later is nobody’s', async () => {
    const starts = [gate(), gate()]
    let next = 0
    const all = alone(
      doer({ state: () => ({ n: next }) }).onStart(async () => {
        await starts[next++]?.opened
      }),
    )
    all.send('1')
    await all.settle()
    all.send('2')
    const dropped = outcome(all.cell.drop(100))
    expect([await all.since(), dropped.now]).toEqual([['1! StoppedError', '2! StoppedError'], 'waits'])
    await all.pass(100)
    expect([dropped.now, all.cell.stage]).toEqual(['done', 'gone'])
    await all.nothingLeft()
    all.send('3', ctx => JSON.stringify(ctx.state))
    await all.settle()
    starts[0]?.open()
    expect(await all.since()).toEqual([])
    starts[1]?.open()
    expect(await all.since()).toEqual(['3: {"n":1}'])
    expect(all.count('agents')).toBe(1)
  })

  it('and stops then, if that was wanted meanwhile', async () => {
    const start = gate()
    const all = alone(
      doer()
        .onStart(() => start.opened)
        .onStop(() => void all.log.push('onStop')),
    )
    all.send('1')
    await all.settle()
    const stopped = outcome(all.cell.stop(false))
    start.open()
    expect([await all.since(), stopped.now]).toEqual([['1', 'onStop'], 'done'])
    await all.nothingLeft()
  })
})

describe('an agent stops', () => {
  const stopping = (hook: () => void | Promise<void> = () => {}) => {
    const all = alone(
      doer({ concurrency: 2 }).onStop(() => {
        all.log.push('onStop')
        return hook()
      }),
    )
    return all
  }

  it('when its turns have ended, and once; what comes meanwhile makes the next', async () => {
    const all = stopping()
    const [first, second] = [all.hold('1'), all.hold('2')]
    await all.settle()
    const stopped = [all.cell.stop(false), all.cell.stop(false), all.cell.unload()].map(outcome)
    all.send('3')
    first.open()
    expect([await all.since(), all.cell.stage]).toEqual([['1'], 'ending'])
    second.open()
    expect(await all.since()).toEqual(['2', 'onStop', '3'])
    expect(stopped.map(({ now }) => now)).toEqual(['done', 'done', 'done'])
    expect([all.cell.stage, all.of('a/1').stage, all.count('agents')]).toEqual(['gone', 'ready', 1])
  })

  it('in a hurry, without its turns, whose state stays theirs until they end', async () => {
    const all = stopping()
    const turn = gate()
    all.send('1', async ctx => {
      ctx.state = 'mine'
      await turn.opened
      return ctx.state
    })
    await all.settle()
    const stopped = outcome(all.cell.stop(true))
    expect([await all.since(), stopped.now, all.cell.stage]).toEqual([['onStop'], 'done', 'gone'])
    expect([...all.agents.openTurns()].map(({ messageId }) => messageId)).toEqual(['1'])
    all.send('2', ctx => `${ctx.state}`)
    expect(await all.since()).toEqual(['2: undefined'])
    turn.open()
    expect(await all.since()).toEqual(['1: mine'])
    expect([[...all.agents.openTurns()], all.cell.state, all.ledger.balanced]).toEqual([[], undefined, true])
  })

  it('in a hurry also when it waits already', async () => {
    const all = stopping()
    const turn = all.hold('1')
    await all.settle()
    const stopped = outcome(all.cell.stop(false))
    await all.pass(60_000) // turns are waited for, however long they take
    expect([await all.since(), stopped.now]).toEqual([[], 'waits'])
    void all.cell.stop(true)
    expect([await all.since(), stopped.now]).toEqual([['onStop'], 'done'])
    turn.open()
    await all.nothingLeft()
  })

  it('and waits for its loops, but not for ever', async () => {
    const loop = gate()
    const all = alone(
      doer()
        .loop(async (_, signal) => {
          signal.addEventListener('abort', () => all.log.push('told'))
          await loop.opened
          throw new Error('late')
        })
        .onStop(() => void all.log.push('onStop')),
    )
    await all.cell.ensure()
    const stopped = outcome(all.cell.unload())
    await all.pass(4_999)
    expect([await all.since(), stopped.now]).toEqual([['told'], 'waits'])
    await all.pass(1)
    expect([await all.since(), stopped.now]).toEqual([['onStop'], 'done'])
    expect(all.told).toContainEqual({ kind: 'warning', warning: expect.objectContaining({ code: 'RINGREEVE_STOP' }) })
    await all.nothingLeft()
    loop.open()
    await all.settle()
    expect(all.unhandled()).toEqual(['late'])
  })

  it('and waits for its loops as long as whoever stops it does', async () => {
    const loop = gate()
    const all = alone(
      doer()
        .loop(() => loop.opened)
        .onStop(() => void all.log.push('onStop')),
    )
    await all.cell.ensure()
    const stopped = outcome(all.cell.stop(false))
    await all.pass(60_000)
    expect([await all.since(), stopped.now]).toEqual([[], 'waits'])
    const hurried = outcome(all.cell.stop(true))
    expect([await all.since(), stopped.now, hurried.now]).toEqual([['onStop'], 'done', 'done'])
    await all.nothingLeft()
    loop.open()
  })

  it('with all that went wrong told together to everybody who waits', async () => {
    const all = alone(
      agent('a')
        .on(Do, work => work)
        .loop(async (_, signal) => {
          await new Promise(resolve => signal.addEventListener('abort', resolve))
          throw new Error('of the loop')
        })
        .onStop(() => {
          throw new Error('of onStop')
        }),
    )
    await all.cell.ensure()
    const stopped = [all.cell.stop(false), all.cell.stop(false)].map(outcome)
    const grouped = 'agent a/1 stopped with errors: of the loop; of onStop'
    await all.settle()
    expect(stopped.map(({ now }) => now)).toEqual([grouped, grouped])
    await all.nothingLeft()
    expect(all.unhandled()).toEqual([])
  })

  it('with the one error that there was, also told to who sent the wish', async () => {
    const all = stopping(() => {
      throw new RangeError('no')
    })
    all.send('1')
    await all.settle()
    const stopped = outcome(all.cell.stop(false))
    expect([await all.since(), stopped.now]).toEqual([['1', 'onStop'], 'no'])
    all.send('2')
    all.stop('stop')
    expect(await all.since()).toEqual(['2', 'onStop', 'stop! RangeError'])
    await all.nothingLeft()
  })

  it('or is given up when onStop hangs, and another takes its place', async () => {
    const stop = gate()
    const all = stopping(() => stop.opened)
    all.send('1', ctx => {
      ctx.state = 'old'
    })
    await all.settle()
    const dropped = outcome(all.cell.drop(100))
    const ensured = outcome(all.cell.ensure())
    await all.settle()
    expect(all.cell.stage).toBe('ending')
    await all.pass(100)
    await all.pass(99)
    expect([dropped.now, ensured.now]).toEqual(['waits', 'waits'])
    await all.pass(1)
    expect([dropped.now, ensured.now]).toEqual(['onStop of a/1 was still at work after 100 ms', 'done'])
    all.send('2', ctx => `${ctx.state}`)
    expect(await all.since()).toEqual(['1', 'onStop', '2: undefined'])
    const next = all.of('a/1')
    stop.open()
    await all.settle()
    expect([next === all.of('a/1'), next.stage, all.count('agents'), all.cell.state]).toEqual([
      true,
      'ready',
      1,
      undefined,
    ])
    expect(all.ledger.balanced).toBe(true)
  })

  it('of itself behind what waits, once, however often it says so', async () => {
    const all = stopping()
    const first = all.hold('1')
    all.send('2', ctx => {
      ctx.stop()
      ctx.stop()
    })
    all.send('3')
    await all.settle()
    all.send('4', ctx => ctx.stop())
    first.open()
    expect(await all.since()).toEqual(expect.arrayContaining(['1', '2', '3', '4', 'onStop']))
    await all.nothingLeft()
    all.cell.endItself() // it is gone
    await all.nothingLeft()
    expect(all.unhandled()).toEqual([])
  })

  it('of itself though it is paused, and what fails then is reported', async () => {
    const all = stopping(() => {
      throw new Error('no')
    })
    all.send('1')
    await all.settle()
    all.cell.pause()
    all.cell.endItself()
    all.cell.endItself()
    expect([all.cell.paused, all.cell.waiting]).toEqual([false, 1])
    expect(await all.since()).toEqual(['1', 'onStop'])
    expect(all.unhandled()).toEqual(['no'])
    await all.nothingLeft()
  })
})
