// Promised: messages begin in the order in which they came, at most `limit` of them at a time, and each has one outcome, also those
// that no turn takes. The cell alone, with time that a test lets pass.
import { describe, expect, it, vi } from 'vitest'
import { StoppedError } from '#ringreeve/agent/errors.js'
import { STOP, TIMER } from '#ringreeve/agent/message.js'
import type { AgentOptions } from '#ringreeve/agent/options.js'
import type { Context } from '#ringreeve/index.js'
import { Mailbox } from '#ringreeve/loop/cell/mailbox.js'
import type { Turn } from '#ringreeve/loop/cell/turn.js'
import { cells, gate, outcome } from './cells.js'
import { doer } from './one-agent.js'

/** One agent that does what it is told, as messages with names. */
function alone(options: AgentOptions<unknown> = {}, type = doer(options)) {
  const all = cells(type)
  const turns = new Map<string, Turn>()
  /** Puts in a message whose turn lasts until the gate opens. @param behind the message whose turn waits for it */
  const hold = (id: string, behind?: string) => {
    const one = gate()
    const chain = behind === undefined ? {} : { chain: turns.get(behind) as Turn }
    const payload = (ctx: Context): Promise<void> => {
      all.log.push(`${id} begins`)
      turns.set(id, ctx as unknown as Turn)
      return one.opened
    }
    const { sequence } = all.send('a/1', 'do', id, { payload, ...chain })
    if (behind !== undefined)
      (turns.get(behind) as Turn).begin({ sequence, older: undefined, newer: undefined, giveUp: () => {} })
    return one
  }
  const tell = (...ids: string[]): void => {
    for (const id of ids) all.send('a/1', 'do', id)
  }
  return { ...all, cell: all.of('a/1'), hold, tell }
}

const balanced = ({ ledger }: { ledger: { balanced: boolean; queued: number; running: number } }) =>
  expect([ledger.balanced, ledger.queued, ledger.running]).toEqual([true, 0, 0])

describe('the order', () => {
  it('is that in which messages came, one at a time', async () => {
    const all = alone()
    const first = all.hold('1')
    all.tell('2', '3')
    expect(await all.since()).toEqual(['1 begins'])
    expect([all.cell.waiting, all.cell.running, all.cell.occupied, all.cell.runnable]).toEqual([2, 1, true, false])
    first.open()
    expect(await all.since()).toEqual(['1', '2', '3'])
    expect([all.cell.waiting, all.cell.running, all.cell.occupied]).toEqual([0, 0, false])
    balanced(all)
  })

  it('has so many turns at a time as the type says, and no more', async () => {
    const all = alone({ concurrency: 2 })
    const gates = ['1', '2', '3', '4'].map(id => all.hold(id))
    expect(await all.since()).toEqual(['1 begins', '2 begins'])
    gates[1]?.open()
    expect([await all.since(), all.cell.running]).toEqual([['2', '3 begins'], 2])
    gates[2]?.fail('no')
    gates[0]?.open()
    expect((await all.since()).sort()).toEqual(['1', '3! no', '4 begins'])
    gates[3]?.open()
    expect(await all.since()).toEqual(['4'])
    balanced(all)
  })

  it('holds while the agent is paused, and goes on behind it', async () => {
    const all = alone()
    all.cell.pause()
    all.tell('1', '2')
    expect([await all.since(), all.cell.stage, all.cell.paused]).toEqual([[], 'absent', true])
    all.cell.resume()
    expect(await all.since()).toEqual(['1', '2'])
    all.cell.pause()
    all.tell('3')
    expect(await all.since()).toEqual([])
    all.cell.resume()
    expect(await all.since()).toEqual(['3'])
  })

  it('begins with what made the agent, however long that took', async () => {
    const start = gate()
    const all = alone(
      {},
      doer().onStart(() => start.opened),
    )
    all.tell('1', '2')
    expect([await all.since(), all.cell.stage, all.cell.waiting]).toEqual([[], 'starting', 1])
    all.cell.pause()
    start.open()
    expect([await all.since(), all.cell.stage, all.cell.waiting]).toEqual([[], 'ready', 2])
    all.cell.resume()
    expect(await all.since()).toEqual(['1', '2'])
    balanced(all)
  })

  it('of what an agent tells itself is that of all others', async () => {
    const all = alone()
    const first = all.hold('1')
    await all.settle()
    all.tell('2')
    const tick = { run: () => void all.log.push('own') }
    all.cell.tell(TIMER, tick, { answer: () => void all.log.push('own done'), fail() {} })
    all.tell('3')
    first.open()
    expect(await all.since()).toEqual(['1 begins', '1', '2', 'own', 'own done', '3'])
    balanced(all)
  })
})

describe('a full mailbox', () => {
  const mailbox = (overflow: 'wait' | 'reject' | 'drop-oldest') => ({ mailbox: { capacity: 2, overflow } })

  it('takes more and tells who waits for room, once half of it is free', async () => {
    const all = alone(mailbox('wait'))
    const [first, second] = [all.hold('1'), all.hold('2')]
    await all.settle()
    all.tell('3')
    expect(all.cell.overfull).toBe(false)
    all.tell('4')
    expect([all.cell.overfull, all.cell.waitedFor]).toEqual([true, false])
    all.cell.whenRoom(room => void all.log.push(`room for ${room}`))
    expect(all.cell.waitedFor).toBe(true)
    first.open()
    expect([await all.since(), all.cell.overfull]).toEqual([['1 begins', '1', '2 begins'], false])
    second.open()
    expect(await all.since()).toEqual(['2', 'room for 1', '3', '4'])
    expect(all.cell.waitedFor).toBe(false)
    all.cell.whenRoom(room => void all.log.push(`room for ${room}`))
    expect(await all.since()).toEqual(['room for 2'])
    all.cell.expect(1)
    expect(all.cell.waitedFor).toBe(true) // so it waits for nobody
    all.cell.expect(-1)
    expect(all.cell.waitedFor).toBe(false)
    balanced(all)
  })

  it('that rejects refuses what comes, but for the wish to stop', async () => {
    const all = alone(mailbox('reject'))
    const first = all.hold('1')
    await all.settle()
    all.tell('2', '3', '4')
    all.send('a/1', STOP, 'stop')
    all.tell('5')
    expect([await all.since(), all.count('dropped')]).toEqual([
      ['1 begins', '4! OverloadedError', '5! OverloadedError'],
      2,
    ])
    first.open()
    expect(await all.since()).toEqual(['1', '2', '3', 'stop'])
    balanced(all)
  })

  it('that drops the oldest spares ticks, and the wish to stop drops none', async () => {
    const all = alone(mailbox('drop-oldest'))
    const first = all.hold('1')
    await all.settle()
    all.cell.after(10, () => void all.log.push('tick'))
    await all.pass(10)
    all.tell('2', '3', '4')
    expect(await all.since()).toEqual(['1 begins', '2! OverloadedError', '3! OverloadedError'])
    expect(all.cell.waiting).toBe(2)
    all.send('a/1', STOP, 'stop')
    expect(await all.since()).toEqual([])
    first.open()
    expect(await all.since()).toEqual(['1', 'tick', '4', 'stop'])
    balanced(all)
  })
})

describe('a call that comes back to who waits for it', () => {
  it('goes past the limit and all that waits, where calls of the own chain may', async () => {
    const all = alone({ concurrency: 'callchain' })
    const first = all.hold('1')
    await all.settle()
    all.tell('2')
    const inner = all.hold('3', '1')
    expect(await all.since()).toEqual(['1 begins', '3 begins'])
    const innermost = all.hold('4', '3')
    await all.settle()
    for (const one of [innermost, inner, first]) one.open()
    expect((await all.since()).sort()).toEqual(['1', '2', '3', '4', '4 begins'])
    balanced(all)
  })

  it('is refused after a second, unless its turn has come', async () => {
    const all = alone()
    const first = all.hold('1')
    await all.settle()
    const second = all.hold('2', '1')
    all.tell('3')
    await all.pass(999)
    expect(await all.since()).toEqual(['1 begins'])
    await all.pass(1)
    expect(await all.since()).toEqual(['2! CallCycleError'])
    all.hold('4', '1')
    first.open()
    expect(await all.since()).toEqual(['1', '3', '4 begins'])
    await all.pass(1_000)
    expect(await all.since()).toEqual([])
    second.open()
    expect([all.cell.running, all.ledger.queued]).toEqual([1, 0])
  })

  it('waits its turn while not all turns wait for it', async () => {
    const all = alone({ concurrency: 2 })
    const [first, other] = [all.hold('1'), all.hold('2')]
    await all.settle()
    all.hold('3', '1').open()
    await all.pass(2_000)
    expect(await all.since()).toEqual(['1 begins', '2 begins'])
    other.open()
    expect(await all.since()).toEqual(['2', '3 begins', '3'])
    first.open()
    await all.settle()
    balanced(all)
  })

  it('is refused when all turns wait, one at a time: the first that is frees a turn for the others', async () => {
    const all = alone({ concurrency: 2 })
    const [first, second] = [all.hold('1'), all.hold('2')]
    await all.settle()
    all.hold('3', '1').open()
    await all.pass(1_000) // the other turn is free still
    expect(await all.since()).toEqual(['1 begins', '2 begins'])
    all.hold('4', '2').open()
    await all.pass(1_000) // all wait, but one of them not for a second
    await all.pass(1_000)
    expect(await all.since()).toEqual(['3! CallCycleError'])
    first.open()
    expect(await all.since()).toEqual(['1', '4 begins', '4'])
    second.open()
    await all.settle()
    balanced(all)
  })

  it('is looked for once in a round of looks, however many wait', async () => {
    const all = alone({ concurrency: 2 })
    const [first, other] = [all.hold('1'), all.hold('2')]
    await all.settle()
    for (let n = 0; n < 200; n++) all.hold(`in ${n}`, '1').open()
    const scanned = vi.spyOn(Mailbox.prototype, 'line')
    await all.pass(1_000)
    expect(scanned.mock.calls.length).toBeGreaterThan(0)
    expect(scanned.mock.calls.length).toBeLessThan(5)
    await all.pass(1_000)
    expect(scanned.mock.calls.length).toBeLessThan(10)
    scanned.mockRestore()
    for (const one of [first, other]) one.open()
    expect((await all.since()).length).toBe(2 + 2 + 400)
    balanced(all)
  })

  it('is let in by an agent that stops, if a turn of it waits for that', async () => {
    const all = alone({ concurrency: 2 })
    const first = all.hold('1')
    await all.settle()
    all.send('a/1', STOP, 'stop')
    await all.settle()
    expect(all.cell.stage).toBe('ending')
    all.hold('2', '1').open()
    all.tell('next life')
    expect(await all.since()).toEqual(['1 begins', '2 begins', '2'])
    first.open()
    expect(await all.since()).toEqual(['1', 'stop', 'next life'])
    balanced(all)
  })

  it('that waits when the agent begins to stop is let in too', async () => {
    const all = alone({ concurrency: 2 })
    const [first, other] = [all.hold('1'), all.hold('2')]
    await all.settle()
    all.hold('3', '1').open()
    all.tell('4')
    const stopped = outcome(all.cell.stop(false))
    expect(await all.since()).toEqual(['1 begins', '2 begins'])
    other.open()
    expect([await all.since(), stopped.now]).toEqual([['2', '3 begins', '3'], 'waits'])
    first.open()
    expect([await all.since(), stopped.now]).toEqual([['1', '4'], 'done'])
  })
})

describe('what no turn takes', () => {
  it('has an outcome when the agent is abandoned, also while it is being made', async () => {
    const start = gate()
    const all = alone(
      {},
      doer({ mailbox: { capacity: 2, overflow: 'wait' } }).onStart(() => start.opened),
    )
    const ensured = outcome(all.cell.ensure())
    await all.settle()
    all.tell('1', '2')
    all.cell.whenRoom(() => void all.log.push('room'))
    all.cell.abandon(new StoppedError('enough'))
    expect(await all.since()).toEqual(['1! StoppedError', '2! StoppedError', 'room'])
    expect([ensured.now, all.cell.stage]).toEqual(['enough', 'starting'])
    start.open()
    await all.settle()
    all.tell('3')
    expect([await all.since(), all.cell.stage]).toEqual([['3'], 'ready'])
    balanced(all)
  })

  it('includes the message that was making it', async () => {
    const start = gate()
    const all = alone(
      {},
      doer().onStart(() => start.opened),
    )
    all.tell('1', '2')
    await all.settle()
    all.cell.abandon(new StoppedError('enough'))
    expect(await all.since()).toEqual(['1! StoppedError', '2! StoppedError'])
    start.open()
    expect([await all.since(), all.cell.stage, all.cell.waiting]).toEqual([[], 'ready', 0])
    balanced(all)
  })

  it('and turns at work are told that they are not wanted', async () => {
    const all = alone({ concurrency: 2 })
    const one = gate()
    const payload = ({ signal }: Context): Promise<void> => {
      signal.addEventListener('abort', () => all.log.push(`aborted: ${signal.reason.message}`))
      return one.opened
    }
    all.send('a/1', 'do', '1', { payload })
    await all.settle()
    all.cell.abandon(new StoppedError('enough'))
    expect(await all.since()).toEqual(['1! StoppedError', 'aborted: enough'])
    one.open()
    expect([await all.since(), all.cell.running]).toEqual([[], 0])
    balanced(all)
  })

  it('is told why the agent could not be made: all that waited', async () => {
    const start = gate()
    const all = alone(
      {},
      doer().onStart(() => start.opened),
    )
    all.tell('1', '2')
    await all.settle()
    start.fail(new Error('no'))
    expect(await all.since()).toEqual(['1! AgentCreationError', '2! AgentCreationError'])
    expect([all.cell.stage, all.agents.existing('a/1')]).toEqual(['gone', undefined])
    balanced(all)
  })

  it('is refused at once when the loop is closed', async () => {
    const all = alone()
    all.admission.to('closed')
    all.tell('1')
    expect(await all.since()).toEqual(['1! StoppedError'])
    balanced(all)
  })
})

describe('an agent that is gone', () => {
  it('leaves what waits, and that it is paused, to the next one', async () => {
    const stopping = gate()
    const all = alone(
      {},
      doer().onStop(() => stopping.opened),
    )
    all.tell('1')
    all.send('a/1', STOP, 'stop')
    await all.since()
    all.tell('2', '3')
    all.cell.pause()
    all.cell.whenRoom(() => void all.log.push('room'))
    stopping.open()
    expect(await all.since()).toEqual(['room', 'stop'])
    const next = all.of('a/1')
    expect([all.cell.gone, next === all.cell, next.paused, next.waiting]).toEqual([true, false, true, 2])
    next.resume()
    expect([await all.since(), next.stage]).toEqual([['2', '3'], 'ready'])
    balanced(all)
  })

  it('leaves nothing when there is nothing to say of it', async () => {
    const all = alone()
    all.cell.pause()
    all.cell.resume()
    expect([all.cell.stage, all.agents.existing('a/1')]).toEqual(['gone', undefined])
    all.tell('1')
    all.send('a/1', STOP, 'stop')
    expect([await all.since(), all.agents.existing('a/1'), all.count('agents')]).toEqual([['1', 'stop'], undefined, 0])
  })
})
