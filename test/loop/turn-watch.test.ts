// Promised: of all turns with a deadline the one that is due first stands in shared memory, whatever comes, ends or has its outcome
// already; each is told once, when it is due; and finding the first takes no look at all of them.
import { Session } from 'node:inspector'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Ledger } from '#ringreeve/loop/base/ledger.js'
import type { Turn } from '#ringreeve/loop/cell/turn.js'
import { TurnWatch } from '#ringreeve/loop/cell/turn-watch.js'
import type { Observer } from '#ringreeve/observe/observer.js'
import { Status } from '#ringreeve/sync/status.js'
import { handClock } from './cells.js'
import { HandLoop } from './hand-loop.js'

function alone(Made = TurnWatch) {
  const hand = new HandLoop()
  const status = new Status()
  const log: string[] = []
  const shown = { times: 0 }
  const ledger = new Ledger(status, { request: () => void shown.times++ })
  const observer = { slow: ({ agent }: { agent: string }, age: number) => void log.push(`${agent} slow ${age}`) }
  const watch = new Made(handClock(hand), status, observer as unknown as Observer, ledger, undefined)
  const turn = (agent: string) => {
    const one = {
      agent,
      answered: false,
      deadlineAt: 0,
      message: { name: 'ask', id: agent },
      failEarly(error: Error) {
        this.answered = true
        log.push(`${agent} ${error.name}`)
      },
      giveUp: () => void log.push(`${agent} cancelled`),
    }
    return one as typeof one & Turn
  }
  const since = (): string[] => log.splice(0)
  const first = (): string => (status.deadlineAt === 0 ? '' : `${status.deadlineAgent} ${status.deadlineAt}`)
  const alarms = (): number => hand.timers.filter(({ set }) => set).length
  return { hand, status, watch, turn, since, first, alarms, shown }
}

const hard = (deadline: number) => ({ deadline, softDeadline: 0 })
const soft = (softDeadline: number) => ({ deadline: 0, softDeadline })

it('ends a turn at its deadline, and says so to whoever shows it', () => {
  const { hand, watch, turn, since, first, alarms, shown } = alone()
  const [a, b] = [turn('a'), turn('b')]
  watch.begin(a, hard(50))
  watch.begin(b, hard(20))
  expect([a.deadlineAt, first(), alarms()]).toEqual([1_050, 'b 1020', 1])
  hand.pass(19)
  expect([since(), shown.times]).toEqual([[], 0])
  hand.pass(1)
  expect([since(), first(), shown.times]).toEqual([['b DeadlineError', 'b cancelled'], 'a 1050', 1])
  watch.end(b, hard(20)) // its handler ends later
  watch.end(a, hard(50))
  expect([first(), alarms()]).toEqual(['', 0])
})

it('tells of a turn past its soft deadline once, and lets it be', () => {
  const { hand, status, watch, turn, since, first, alarms } = alone()
  const [a, b] = [turn('a'), turn('b')]
  watch.begin(a, { deadline: 100, softDeadline: 30 })
  watch.begin(b, soft(30))
  expect([first(), status.slow.at, status.slow.text]).toEqual(['a 1100', 1_030, '30 ask a a'])
  hand.pass(40)
  expect([since(), status.slow.at]).toEqual([['a slow 30', 'b slow 30'], 0])
  hand.pass(60)
  expect(since()).toEqual(['a DeadlineError', 'a cancelled'])
  watch.end(a, { deadline: 100, softDeadline: 30 })
  watch.end(b, soft(30))
  hand.pass(1_000)
  expect([since(), alarms()]).toEqual([[], 0])
})

it('passes over turns whose callers have their outcome, and forgets all when it stops', () => {
  const { hand, status, watch, turn, since, first, alarms } = alone()
  const turns = ['a', 'b', 'c', 'd'].map(turn)
  for (const [i, one] of turns.entries()) watch.begin(one, { deadline: 10 + i, softDeadline: 5 + i })
  const [a, b, c, d] = turns as (Turn & { answered: boolean })[] as [Turn, Turn, Turn, Turn]
  b.answered = true
  c.answered = true
  watch.end(a, hard(10))
  expect(first()).toBe('d 1013')
  watch.end(b, hard(11))
  watch.end(c, hard(12))
  expect([first(), since()]).toEqual(['d 1013', []])
  watch.clear()
  expect([first(), status.slow.at, alarms()]).toEqual(['', 0, 0])
  hand.pass(1_000)
  watch.end(d, { deadline: 13, softDeadline: 8 })
  expect([since(), alarms()]).toEqual([[], 0])
})

it('is a sorted list', () => {
  const step = fc.record({
    do: fc.constantFrom('begin', 'begin', 'begin', 'end', 'end first', 'answered', 'pass', 'stop'),
    n: fc.nat(1_000),
  })
  const seen = { due: 0, skipped: 0 }
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: 'max' }), steps => {
      const { hand, watch, turn, since, first } = alone()
      let list: { one: Turn; at: number; n: number }[] = []
      const atWork: Turn[] = []
      const answered = new Set<Turn>()
      let shown: (typeof list)[number] | undefined
      const look = (): void => {
        while (list[0] !== undefined && answered.has(list[0].one)) {
          list.shift()
          seen.skipped++
        }
        shown = list[0]
      }
      const leave = (one: Turn): void => {
        list = list.filter(other => other.one !== one)
        if (shown?.one === one) look()
      }
      for (const [i, { do: what, n }] of steps.entries()) {
        if (what === 'begin') {
          const one = turn(`t${i}`)
          watch.begin(one, hard(1 + (n % 40)))
          atWork.push(one)
          const at = hand.time + 1 + (n % 40)
          list.push({ one, at, n: i })
          list.sort((a, b) => a.at - b.at || a.n - b.n)
          if (shown === undefined || at < shown.at) look()
        } else if (what === 'end' || what === 'end first') {
          const one = what === 'end' ? atWork[n % atWork.length] : shown?.one
          if (one === undefined) continue
          atWork.splice(atWork.indexOf(one), 1)
          watch.end(one, hard(1))
          leave(one)
        } else if (what === 'answered') {
          const one = atWork[n % atWork.length]
          if (one === undefined || one === shown?.one) continue
          one.answered = true
          answered.add(one)
        } else if (what === 'pass') {
          hand.pass(n % 8)
          const due: string[] = []
          while (shown !== undefined && shown.at <= hand.time) {
            due.push(`${shown.one.agent} DeadlineError`, `${shown.one.agent} cancelled`)
            seen.due++
            leave(shown.one)
          }
          expect(since()).toEqual(due)
        } else if (n % 10 === 0) {
          watch.clear()
          list = []
          shown = undefined
        }
        expect(first()).toBe(shown === undefined ? '' : `${shown.one.agent} ${shown.at}`)
      }
    }),
    { numRuns: 200 },
  )
  expect(seen.due).toBeGreaterThan(200)
  expect(seen.skipped).toBeGreaterThan(100)
})

/** Runs `work` with a copy of turn-watch.ts that counts how often each of its blocks runs: whatever looks at a turn is in one. */
async function stepsOf(work: (copy: typeof TurnWatch) => void): Promise<number> {
  const session = new Session()
  session.connect()
  try {
    let steps = 0
    session.post('Profiler.enable')
    session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    // counted are only blocks of what is read after that
    const copy = `${new URL('../../../dist/loop/cell/turn-watch.js', import.meta.url).href}?counted`
    work((await import(copy)).TurnWatch)
    session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error
      for (const { functions } of result.filter(({ url }) => /\/turn-watch\.js(\?|%3F)counted$/.test(url)))
        for (const { ranges } of functions) for (const { count } of ranges) steps += count
    })
    return steps
  } finally {
    session.post('Profiler.stopPreciseCoverage')
    session.disconnect()
  }
}

it('takes n log n steps for n turns that end in any order, not n for each', async () => {
  const most = 20_000
  let seed = 7
  const random = (): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return seed / 2 ** 32
  }
  const steps = await stepsOf(Copy => {
    const { watch, turn, first } = alone(Copy)
    const turns = Array.from({ length: most }, (_, i) => ({ one: turn(`t${i}`), ms: 1 + Math.floor(random() * 1e6) }))
    for (const { one, ms } of turns) watch.begin(one, hard(ms))
    turns.sort((a, b) => a.ms - b.ms)
    // one in three ends somewhere; then always the first, which is the dearest
    for (let i = most - 1; i >= 0; i -= 3) watch.end((turns.splice(i, 1)[0] as (typeof turns)[number]).one, hard(1))
    for (const { one, ms } of turns) {
      expect(first()).toBe(`${one.agent} ${1_000 + ms}`)
      watch.end(one, hard(1))
    }
    expect(first()).toBe('')
  })
  expect(steps).toBeGreaterThan(10 * most)
  expect(steps).toBeLessThan(20 * most * Math.log2(most)) // a look at all for each: three hundred times as many
})
