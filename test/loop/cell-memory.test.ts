// Promised: to look at an agent makes nothing: most agents are idle, and whoever looks at all of them must not pay for each.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { agent, request } from '#ringreeve/index.js'
import type { Cell } from '#ringreeve/loop/cell/cell.js'
import { cells } from './cells.js'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void
const most = 20_000

const looks: Readonly<Record<string, (cell: Cell) => unknown>> = {
  stage: cell => cell.stage === 'ready',
  hasState: cell => cell.hasState,
  occupied: cell => !cell.occupied,
  promised: cell => !cell.promised,
  runnable: cell => !cell.runnable,
  overfull: cell => !cell.overfull,
  waitedFor: cell => !cell.waitedFor,
  waiting: cell => cell.waiting === 0,
  paused: cell => !cell.paused,
  rest: cell => cell.rest() === undefined,
}

it('a look at every agent leaves nothing behind', async () => {
  const Ping = request<undefined, number>('ping')
  const all = cells(agent('idle', { state: () => 0 }).on(Ping, () => 1))
  for (let i = 0; i < most; i++) all.send(`idle/a${i}`, 'ping')
  await all.settle()
  all.log.length = 0
  const loaded = [...all.agents.cells]
  expect(loaded.length).toBe(most)
  const used = (): number => {
    gc()
    gc()
    return process.memoryUsage().heapUsed
  }
  used()
  for (const [what, look] of Object.entries(looks)) {
    const before = used()
    let right = 0
    for (const cell of loaded) if (look(cell)) right++
    const each = (used() - before) / most
    expect([what, right, each < 50]).toEqual([what, most, true])
  }
})
