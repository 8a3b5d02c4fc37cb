// Promised: what waits is looked at when it has waited for a second, and again each second as long as it waits; and nothing is set
// while there is nothing to look at.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Waits } from '#ringreeve/loop/base/waits.js'
import { handClock } from './cells.js'
import { HandLoop } from './hand-loop.js'

function alone() {
  const hand = new HandLoop()
  const looked: string[] = []
  const onLook: (() => void)[] = []
  const waits = new Waits(handClock(hand))
  /** @param looks how often it is looked at before it waits no more */
  const watch = (agent: string, n: number, looks = 1): (() => void) => {
    const look = (): boolean => {
      looked.push(`${agent}${n}`)
      onLook.shift()?.()
      return --looks > 0
    }
    const one = { note: () => true, look, stuck: false, tell() {} }
    waits.watch(one, one)
    return () => waits.unwatch(one)
  }
  const since = (): string[] => looked.splice(0)
  const alarms = (): number => hand.timers.filter(({ set }) => set).length
  return { hand, waits, watch, since, alarms, onLook }
}

it('looks at each a second after it came, and sets one alarm for all of them', () => {
  const { hand, watch, since, alarms } = alone()
  expect(alarms()).toBe(0)
  watch('a', 1)
  hand.pass(600)
  watch('b', 2)
  watch('a', 3)
  expect([since(), alarms()]).toEqual([[], 1])
  hand.pass(399)
  expect([since(), alarms()]).toEqual([[], 1])
  hand.pass(1)
  expect([since(), alarms()]).toEqual([['a1'], 1])
  hand.pass(599)
  expect(since()).toEqual([])
  hand.pass(1)
  expect([since(), alarms()]).toEqual([['b2', 'a3'], 0])
})

it('looks again each second as long as it waits, and not at what waits no longer', () => {
  const { hand, watch, since, alarms } = alone()
  watch('a', 1, 3)
  const done = watch('b', 2, 3)
  hand.pass(1_000)
  expect(since()).toEqual(['a1', 'b2'])
  done()
  const over = watch('c', 3)
  over()
  hand.pass(999)
  expect(since()).toEqual([])
  hand.pass(1)
  expect(since()).toEqual(['a1'])
  hand.pass(1_000)
  hand.pass(1_000)
  expect([since(), alarms()]).toEqual([['a1'], 0])
})

it('what comes while it looks has a second of its own, and one alarm', () => {
  const { hand, watch, since, alarms, onLook } = alone()
  onLook.push(() => watch('b', 3))
  watch('a', 1)
  hand.pass(500)
  watch('a', 2)
  hand.pass(500)
  expect([since(), alarms()]).toEqual([['a1'], 1])
  hand.pass(500)
  hand.pass(500)
  expect([since(), alarms()]).toEqual([['a2', 'b3'], 0])
})

it('looks at nothing once it was stopped, also from within', () => {
  const { hand, waits, watch, since, alarms, onLook } = alone()
  watch('a', 1)
  waits.end()
  expect(alarms()).toBe(0)
  hand.pass(2_000)
  onLook.push(() => waits.end())
  watch('a', 2)
  hand.pass(500)
  watch('a', 3)
  hand.pass(500)
  hand.pass(500)
  expect([since(), alarms()]).toEqual([['a2'], 0])
})

it('looks at each once and in order, whenever they come', () => {
  const step = fc.record({ ms: fc.nat(700), agent: fc.constantFrom('a', 'b') })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), steps => {
      const { hand, watch, since, alarms } = alone()
      let waiting: { text: string; at: number }[] = []
      for (const [n, { ms, agent }] of steps.entries()) {
        for (let left = ms; left > 0; left -= 100) hand.pass(Math.min(left, 100))
        const due = waiting.filter(({ at }) => at <= hand.time)
        waiting = waiting.filter(({ at }) => at > hand.time)
        expect(since()).toEqual(due.map(({ text }) => text))
        watch(agent, n)
        waiting.push({ text: `${agent}${n}`, at: hand.time + 1_000 })
        expect(alarms()).toBe(1)
      }
      for (let i = 0; i < 20; i++) hand.pass(100)
      expect([since(), alarms()]).toEqual([waiting.map(({ text }) => text), 0])
    }),
    { numRuns: 100 },
  )
})
