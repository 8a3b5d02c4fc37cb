// Promised: who is runnable stands in the line once, and those that came first run first; and what one frame brought runs
// before more is taken in.
import { expect, it } from 'vitest'
import { Line, type Runnable } from '#ringreeve/loop/base/line.js'

/** A line, what ran, and how often it asked to be shown. */
function alone() {
  const ran: string[] = []
  const asked = { times: 0 }
  const line = new Line({ running: true, request: () => void asked.times++ })
  /** Somebody with so many messages. @param atOnce how many it can be at work on */
  const one = (name: string, messages: number, atOnce = Number.POSITIVE_INFINITY) => {
    const made: Runnable & { messages: number; atWork: number } = {
      messages,
      atWork: 0,
      lined: false,
      get runnable() {
        return this.messages > 0 && this.atWork < atOnce
      },
      runNext() {
        this.messages--
        this.atWork++
        ran.push(name)
      },
    }
    return made
  }
  return { line, one, ran, asked }
}

it('those that came first run first, and each of them stands in it once', () => {
  const { line, one, ran, asked } = alone()
  const [a, b, nobody] = [one('a', 2), one('b', 1), one('c', 0)]
  for (const somebody of [a, b, a, nobody, b]) line.ready(somebody)
  expect([line.length, asked.times, nobody.lined]).toEqual([2, 2, false])
  expect(line.run(16)).toBe(3)
  expect(ran).toEqual(['a', 'a', 'b'])
  expect([line.length, a.lined, b.lined]).toEqual([0, false, false])
  expect(line.run(16)).toBe(0)
})

it('whoever has more than a chunk stands behind all others after it', () => {
  const { line, one, ran } = alone()
  line.ready(one('a', 5))
  line.ready(one('b', 1))
  while (line.run(2) > 0);
  expect(ran.join('')).toBe('aabaaa')
})

it('who is no longer runnable when its turn comes is left out, and comes again', () => {
  const { line, one, ran } = alone()
  const [a, b] = [one('a', 2, 1), one('b', 1)]
  line.ready(a)
  line.ready(b)
  a.atWork = 1
  expect(line.run(16)).toBe(1)
  expect([ran, a.lined]).toEqual([['b'], false])
  a.atWork = 0
  line.ready(a)
  expect(line.run(16)).toBe(1)
  expect([a.messages, a.lined, line.length]).toEqual([1, false, 0])
})

it('wants no more from others until what one frame brought has run', () => {
  const { line, one } = alone()
  expect(line.wantsMore()).toBe(true)
  for (let i = 0; i < 40; i++) line.ready(one(`${i}`, 1))
  line.brought(40)
  const wanted: boolean[] = []
  while (line.length > 0) {
    wanted.push(line.wantsMore())
    line.run(16)
  }
  expect(wanted).toEqual([false, false, false])
  expect(line.wantsMore()).toBe(true)
  line.brought(16)
  for (let i = 0; i < 40; i++) line.ready(one(`${i}`, 1))
  line.run(16)
  expect([line.wantsMore(), line.length]).toEqual([true, 24]) // whatever else there is
})

it('wants more when frames bring one each, and when what was brought is not there to run', () => {
  const { line, one } = alone()
  line.ready(one('a', 2))
  line.brought(1)
  expect(line.wantsMore()).toBe(true)
  line.brought(1_000)
  expect(line.wantsMore()).toBe(false)
  line.run(16) // the others wait for agents that are at work
  expect(line.wantsMore()).toBe(true)
  line.ready(one('b', 1))
  expect(line.wantsMore()).toBe(true)
})
