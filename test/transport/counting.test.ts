// What idle detection counts: whatever runs, there is no moment between two steps of shared memory at which a message
// is counted nowhere. Loops on one thread send each other events and requests; every Atomics call of a loop is a moment
// at which another could look, and the test looks at each.
import { afterEach, describe, expect, it } from 'vitest'
import { agent } from '#ringreeve/agent/definition.js'
import { event, request } from '#ringreeve/agent/message.js'
import { IdleWatch } from '#ringreeve/coordinator/idle.js'
import type { Loop } from '#ringreeve/loop/loop.js'
import { random } from './frames.js'
import { joinLoops } from './loops.js'

const Hop = event<{ hops: number; spread: number; filler: string }>('hop')
const Ask = request<{ depth: number }, number>('ask')
const seed = Date.now() | 0
const { store, exchange, compareExchange } = Atomics

afterEach(() => Object.assign(Atomics, { store, exchange, compareExchange }))

/** Runs `look` before and after every step that `at` says is one of a loop at work. */
function atEveryStep(look: () => void): void {
  const around = <F extends (...args: never[]) => unknown>(step: F): F =>
    ((...args: Parameters<F>) => {
      const result = step(...args)
      look()
      return result
    }) as F
  Object.assign(Atomics, { store: around(store), exchange: around(exchange), compareExchange: around(compareExchange) })
}

/** Runs `watch` while a loop is in one of its turns. */
function inTurnsOf(loop: Loop, watch: (inside: boolean) => void): void {
  for (const name of ['chunk', 'show'] as const) {
    const step = loop.work[name] as (most: number) => unknown
    Object.defineProperty(loop.work, name, {
      value: (most: number) => {
        watch(true)
        try {
          return step(most)
        } finally {
          watch(false)
        }
      },
    })
  }
}

describe(`idle detection (seed ${seed})`, () => {
  it('never says idle while a message is anywhere', async () => {
    const next = random(seed)
    let open = 0
    const handled = { hops: 0, asks: 0 }
    const hopper = (type: string) =>
      agent(type, { concurrency: 'interleaved', mailbox: { capacity: 8 } })
        .on(Hop, async ({ hops, spread, filler }, ctx) => {
          handled.hops++
          if (next(3) === 0) await new Promise(resolve => (next(2) === 0 ? setImmediate(resolve) : resolve(undefined)))
          for (let i = hops > 0 ? 1 + next(spread) : 0; i > 0; i--) {
            open++
            void ctx.publish(
              Hop,
              { hops: hops - 1, spread, filler },
              { topic: `to${next(3)}/${next(3)}`, toSelf: true },
            )
          }
          if (next(spread * spread) > 2) void ctx.send(Ask, { depth: next(3) }, `hop${next(3)}/${next(3)}`)
          open--
        })
        .on(Ask, async ({ depth }, ctx) => {
          handled.asks++
          return depth === 0 ? 1 : 1 + (await ctx.send(Ask, { depth: depth - 1 }, `hop${next(3)}/${next(3)}`))
        })
    using joined = joinLoops([[hopper('hop0')], [hopper('hop1')], [hopper('hop2')]], {
      to0: 'hop0',
      to1: 'hop1',
      to2: 'hop2',
    })
    const { loops, house, statuses, gauges } = joined
    const [host] = loops as [Loop]
    const counted = { statuses, rings: gauges, steady: true }

    // looks like the host does, at every step of another loop; the host itself looks between its own turns
    let looking = false
    let inside = 0
    let wrong = 0
    let looks = 0
    const look = (): void => {
      if (looking || inside === 0) return
      looking = true
      looks++
      const watch = new IdleWatch(house, () => counted)
      let idle = false
      const wanted = house.idleWanted
      void watch.wait().then(() => {})
      idle = !house.idleWanted // it stays wanted for as long as something is under way
      house.idleWanted = wanted
      if (idle && open > 0) wrong++
      looking = false
    }
    for (const loop of loops.slice(1)) {
      inTurnsOf(loop, isInside => {
        inside += isInside ? 1 : -1
      })
    }
    atEveryStep(look)

    const idle = new IdleWatch(house, () => counted)
    host.onQuiet = () => idle.look()
    for (let round = 0; round < 100; round++) {
      // a crowd, or one message that goes its way alone: then a moment at which it is not counted is plain to see
      const spread = 1 + (round % 2)
      for (let i = 0; i < (spread === 1 ? 1 : 4); i++) {
        open++
        const filler = 'x'.repeat(next(10) === 0 ? 9_000 : next(400))
        void host.outgoing.publish(
          undefined,
          Hop,
          { hops: next(spread === 1 ? 20 : 7), spread, filler },
          { topic: `to${next(3)}/${next(3)}` },
        )
      }
      host.work.show()
      await idle.wait()
      expect(open).toBe(0)
    }
    expect(wrong).toBe(0)
    expect(looks).toBeGreaterThan(1_000)
    expect(handled.hops).toBeGreaterThan(500)
    expect(handled.asks).toBeGreaterThan(50)
  })
})
