// Promised: what waits for itself is found soon after it is said to seem stuck, whatever else goes on: a look that has begun, one that
// found nothing yet, a loop that computes and does not answer.
import { expect, it } from 'vitest'
import type { LoopHandle } from '#ringreeve/coordinator/mesh.js'
import { WaitGraph } from '#ringreeve/coordinator/wait-graph.js'
import type { Stuck, TurnRef, Verdict } from '#ringreeve/loop/base/waits.js'
import { HandLoop } from '../loop/hand-loop.js'

/** Agents `one/1` and `two/1` on two loops: each at a turn that waits for what is queued at the other. */
function stuckOn(index: number): (asked: readonly TurnRef[]) => Stuck {
  const [agent, other] = index === 1 ? ['one/1', 'two/1'] : ['two/1', 'one/1']
  const wait = (key: string, at: string, from: string) =>
    ({ key, name: 'ask', what: 'queued', at: [at], turns: [{ agent: from, turn: 1 }] }) as const
  return asked => ({
    jams: [{ agent: agent as string, turns: [1], each: false, hook: undefined }],
    waits: [wait(index === 1 ? 'b' : 'a', agent as string, other as string)],
    turns: asked.map(turn =>
      turn.agent === agent ? { waits: [index === 1 ? 'a' : 'b'], works: undefined } : undefined,
    ),
  })
}

const nothing: Stuck = { jams: [], waits: [], turns: [] }

const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

it('beside a loop that computes, also if it was not there yet at the first look', async () => {
  const time = new HandLoop()
  const ended: (readonly Verdict[])[] = []
  let closed = false
  const loop = (index: number): LoopHandle =>
    ({
      index,
      order: async (work: (control: unknown) => unknown) => {
        if (index === 3) return new Promise(() => {}) // it computes
        return work({
          blocked: (asked: readonly TurnRef[]) => (index === 2 && !closed ? nothing : stuckOn(index)(asked)),
          endWaits: (verdicts: readonly Verdict[]) => void ended.push(verdicts),
        })
      },
    }) as unknown as LoopHandle
  const loops = [1, 2, 3].map(loop)
  const graph = new WaitGraph(time, () => loops)
  void graph.look()
  await settle()
  time.pass(500)
  closed = true
  void graph.look() // the other loop says so too, while the first look is under way
  for (let n = 0; n < 100 && ended.length === 0; n++) {
    time.pass(50) // five seconds in all
    await settle()
  }
  expect(ended.length).toBeGreaterThan(0)
  expect(ended[0]?.map(({ wait }) => wait.key)).toHaveLength(1)
})
