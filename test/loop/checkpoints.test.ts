// Promised: what is kept of an agent is what its type asks for, no more often and no less; a state that changed goes with the agent
// when it is unloaded; and of one that was stopped the host is told that nothing is to come back.
import { expect, it } from 'vitest'
import { STOP } from '#ringreeve/agent/message.js'
import type { CheckpointPolicy } from '#ringreeve/agent/options.js'
import { agent, type Context, request } from '#ringreeve/index.js'
import { cells } from './cells.js'

const Do = request<((ctx: Context) => unknown) | undefined, unknown>('do')
const counter = (checkpoint?: CheckpointPolicy) =>
  agent('a', { state: () => 0, ...(checkpoint && { checkpoint }) }).on(Do, (work, ctx) => {
    ctx.state++
    return work?.(ctx as Context)
  })

function alone(checkpoint?: CheckpointPolicy, type = counter(checkpoint)) {
  const all = cells(type)
  let seen = 0
  /** What the host was told since it was asked last: a state, that the agent is there, or that it is gone. */
  const told = async (): Promise<unknown[]> => {
    await all.settle()
    const since = all.kept().slice(seen)
    seen += since.length
    return since.map(({ state, gone }) => (gone ? 'gone' : state === undefined ? 'there' : state.value))
  }
  const tell = (times: number, work?: (ctx: Context) => unknown): void => {
    for (let i = 0; i < times; i++) all.send('a/1', 'do', 'do', { payload: work })
  }
  return { ...all, cell: all.of('a/1'), told, tell }
}

it('after so many messages, counted anew from each', async () => {
  const all = alone({ everyMessages: 3 })
  all.tell(2)
  expect(await all.told()).toEqual(['there'])
  all.tell(5)
  expect(await all.told()).toEqual([3, 6])
  all.tell(1, ctx => ctx.checkpoint())
  expect(await all.told()).toEqual([8]) // by the handler; its turn is the first since then
  all.tell(2)
  expect(await all.told()).toEqual([10])
})

it('so long after it changed, once for all changes', async () => {
  const all = alone({ everyMs: 100 })
  all.tell(3)
  await all.settle()
  await all.pass(99)
  expect(await all.told()).toEqual(['there'])
  await all.pass(1)
  expect(await all.told()).toEqual([3])
  await all.pass(1_000)
  expect(await all.told()).toEqual([]) // nothing changed
})

it('only when it says so, or never if it has none', async () => {
  const all = alone('on-demand')
  all.tell(3)
  all.tell(1, ctx => ctx.checkpoint())
  all.tell(3)
  expect(await all.told()).toEqual(['there', 4])
  const none = alone()
  none.tell(1, ctx => ctx.checkpoint())
  expect([await none.told(), await none.since()]).toEqual([[], ['do! InvalidArgumentError']])
})

for (const checkpoint of [{ everyMessages: 10 }, { everyMs: 100 }])
  it(`with what changed when it is unloaded, and not after it was stopped: ${Object.keys(checkpoint)}`, async () => {
    const all = alone(checkpoint)
    all.tell(2)
    await all.settle()
    await all.cell.unload()
    expect(await all.told()).toEqual(['there', 2])
    await all.pass(1_000)
    expect(await all.told()).toEqual([])
    all.tell(1)
    expect(await all.told()).toEqual(['there'])
    all.send('a/1', STOP, 'stop')
    expect(new Set(await all.told())).toEqual(new Set(['gone']))
    await all.pass(1_000)
    expect(await all.told()).toEqual([])
  })

it('again with the next turn, when the host was behind', async () => {
  const all = alone({ everyMessages: 2 })
  all.tell(1)
  await all.told()
  const { tell } = all.host
  const waiting: ((() => void) | undefined)[] = []
  all.host.tell = (_, written) => void waiting.push(written)
  all.host.behind = 1_000_000 // answers: no reason to leave anything out
  for (let n = 0; all.reports.tellHost({ kind: 'log', entries: [] }); n++) expect(n).toBeLessThan(100_000)
  expect(all.reports.tellHost({ kind: 'stop', agent: 'a/1', error: undefined })).toBe(true) // never left out
  all.tell(1)
  expect([await all.told(), all.cell.unkept]).toEqual([[], 1])
  for (const written of waiting) written?.()
  all.host.behind = 0
  all.host.tell = tell
  all.tell(1)
  expect([await all.told(), all.cell.unkept]).toEqual([[3], 0])
})

it('before anybody hears of the outcome, when the host has no room for it', async () => {
  const all = alone({ everyMessages: 1 })
  all.tell(1)
  expect(await all.since()).toEqual(['do'])
  const waiting: ((() => void) | undefined)[] = []
  const { tell } = all.host
  all.host.tell = (report, written) => {
    tell(report)
    waiting.push(written)
    all.host.behind = waiting.length
  }
  all.tell(1)
  all.tell(1, () => Promise.reject(new Error('no')))
  expect([await all.since(), await all.told()]).toEqual([[], ['there', 1, 2, 3]]) // the agent goes on meanwhile
  waiting[0]?.()
  expect(await all.since()).toEqual(['do'])
  waiting[1]?.()
  expect(await all.since()).toEqual(['do! Error'])
})

it('and comes back once, with what the life before left of it', async () => {
  const type = counter('on-demand').onRestart(ctx => {
    ctx.state += 100
  })
  const all = alone(undefined, type)
  all.checkpoints.remember([{ agent: 'a/1', state: { value: 7 } }, { agent: 'a/2' }])
  const state = (ctx: Context): unknown => ctx.state
  all.tell(1, state)
  all.send('a/2', 'do', 'other', { payload: state })
  expect((await all.since()).sort()).toEqual(['do: 108', 'other: 101'])
  expect([...all.checkpoints.waiting]).toEqual([])
  await all.cell.stop(false)
  all.tell(1, state)
  expect(await all.since()).toEqual(['do: 1'])
})

it('and is forgotten, if the agent is stopped or moves in before it came back', async () => {
  const all = alone('on-demand')
  all.checkpoints.remember([
    { agent: 'a/1', state: { value: 7 } },
    { agent: 'a/2', state: { value: 8 } },
  ])
  all.send('a/1', STOP, 'stop')
  expect([await all.since(), await all.told()]).toEqual([['stop'], ['gone']])
  all.checkpoints.movedIn('a/2')
  expect([...all.checkpoints.waiting].map(({ agent }) => agent)).toEqual([])
})

it('is reported when it cannot be kept', async () => {
  const all = alone({ everyMessages: 1 })
  all.tell(1)
  await all.settle()
  const { tell } = all.host
  all.host.tell = report => {
    if (report.kind === 'kept') throw new Error('no data')
    tell(report)
  }
  all.tell(1)
  expect(await all.since()).toEqual(['do', 'do'])
  expect(all.unhandled()).toEqual(['the state of a/1 cannot be kept: no data'])
})

it('in a start only once it is there: of one that failed nothing comes back', async () => {
  let fails = true
  const all = alone(
    'on-demand',
    counter('on-demand').onStart(ctx => {
      ctx.state = 7
      ctx.checkpoint()
      if (fails) throw new Error('no')
    }),
  )
  all.tell(1)
  expect(await all.told()).toEqual([])
  fails = false
  all.tell(1)
  expect(await all.told()).toEqual([7])
})
