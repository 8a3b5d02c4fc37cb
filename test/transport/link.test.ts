// A link with both ends on one thread: the order of a lane, whichever way its bodies go and however full it is; what
// waits for room; doorbells; and that nothing of a frame is lost or mixed up on the way.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PARKED } from '#ringreeve/sync/bell.js'
import { bodyOf } from '#ringreeve/transport/body.js'
import { emptyEnvelope, Flag, Kind } from '#ringreeve/transport/frame.js'
import type { InLane } from '#ringreeve/transport/in-lane.js'
import type { OutLane } from '#ringreeve/transport/out-lane.js'
import { drain, joined, type Letter, post, read, type Way, ways } from './letters.js'

const nothing = bodyOf(undefined)
const turn = () => new Promise(resolve => setImmediate(resolve))

/** Takes what is there, checked, in order. */
function letters(lane: InLane, limit?: number): Letter[] {
  const all: Letter[] = []
  drain(lane, (...frame) => all.push(read(...frame)), limit)
  return all
}

describe('order', () => {
  const way = fc.constantFrom<Way>(...ways)
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ do: fc.constant('send' as const), way, size: fc.integer({ min: 0, max: 3_000 }) }),
    },
    { weight: 1, arbitrary: fc.constant({ do: 'show' as const }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('drain' as const), limit: fc.integer({ min: 1, max: 40 }) }) },
    { weight: 1, arbitrary: fc.constant({ do: 'turn' as const }) },
  )

  it('is kept within a lane, whichever way bodies go and whenever the ring is full', async () => {
    let waited = 0
    const play = async (steps: (typeof step extends fc.Arbitrary<infer S> ? S : never)[]): Promise<void> => {
      using both = joined(8_192) // frames of up to 1,024 bytes
      const { out } = both.a.work
      const { in: into } = both.b.work
      let sent = 0
      let taken = 0
      const take = (limit?: number): number => {
        const before = into.frames
        for (const { number } of letters(into, limit))
          if (number !== taken++) throw new Error(`letter ${number} came where ${taken - 1} was due`)
        return into.frames - before // names have frames of their own
      }
      for (const one of steps) {
        if (one.do === 'send') post(out, sent++, one.way, one.size)
        else if (one.do === 'show') out.show()
        else if (one.do === 'drain') take(one.limit)
        else await turn() // what went by port comes as an event, before its frame is looked at
        waited = Math.max(waited, out.backlog)
      }
      out.show()
      while (taken < sent) {
        const came = take(16)
        if (into.spaceWanted())
          out.retry() // a writer that waits is told, or it stays behind for ever
        else if (came === 0) throw new Error(`${out.backlog} letters wait and nobody is told that there is room`)
        out.show()
      }
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 300, size: 'max' }), play), {
      numRuns: 100,
      endOnFailure: true,
    })
    expect(waited).toBeGreaterThan(10)
  })

  it('is kept by each lane for itself', () => {
    using both = joined()
    for (let i = 0; i < 20; i++) post(both.a.work.out, i, 'small', 10)
    for (let i = 100; i < 120; i++) post(both.a.answers.out, i, 'instance', 10)
    both.a.show()
    expect(letters(both.b.answers.in).map(letter => letter.number)).toEqual(
      Array.from({ length: 20 }, (_, i) => 100 + i),
    )
    expect(letters(both.b.work.in).map(letter => letter.number)).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })

  it('survives a value that cannot be cloned: it throws, and nothing of it is sent', () => {
    using both = joined()
    const { out } = both.a.work
    post(out, 0, 'instance', 0)
    const beside = [{ call: () => {} }]
    expect(() => out.send(emptyEnvelope(Kind.REQUEST), { ...nothing, bytes: Uint8Array.of(1), beside })).toThrow(
      'could not be cloned',
    )
    post(out, 1, 'moved', 100)
    out.show()
    expect(letters(both.b.work.in).map(letter => letter.number)).toEqual([0, 1])
  })
})

describe('what waits for room', () => {
  function fill(out: OutLane): { sent: number; told: (number | undefined)[] } {
    const told: (number | undefined)[] = []
    let sent = 0
    while (out.backlog < 50) post(out, sent++, 'small', 200, position => told.push(position))
    return { sent, told }
  }

  it('is written in order once there is room, and its sender is told where', () => {
    using both = joined(8_192)
    const { out } = both.a.work
    const { sent, told } = fill(out)
    expect(told).toEqual([])
    expect(out.canRetry).toBe(false)
    const came: number[] = []
    while (came.length < sent) {
      came.push(...letters(both.b.work.in).map(letter => letter.number))
      if (came.length === sent) break
      expect(out.canRetry).toBe(true)
      out.retry()
      out.show()
    }
    expect(came).toEqual(Array.from({ length: sent }, (_, i) => i))
    expect(told.length).toBe(50)
    expect(told).toEqual([...(told as number[])].sort((a, b) => a - b))
    expect(told.every(position => out.consumed(position as number))).toBe(true)
    const last = told.at(-1) as number
    expect([out.consumed(last), out.consumed(last + 1)]).toEqual([true, false]) // behind the very last frame
  })

  it('is told so when it is given up', () => {
    using both = joined(8_192)
    const { out } = both.a.work
    const { told } = fill(out)
    out.abandon()
    expect(told).toEqual(Array(50).fill(undefined))
    expect(out.backlog).toBe(0)
    out.retry()
    expect(told.length).toBe(50)
  })

  it('holds back bodies by port before they pile up', () => {
    using both = joined(2 ** 20)
    const { out } = both.a.work
    for (let i = 0; i < 200; i++) post(out, i, 'big', 200_000)
    expect(out.backlog).toBeGreaterThan(100)
    const came: number[] = []
    while (out.backlog > 0 || !both.b.work.in.empty) {
      came.push(...letters(both.b.work.in, 10).map(letter => letter.number))
      if (both.b.work.in.spaceWanted()) out.retry()
      out.show()
    }
    expect(came).toEqual(Array.from({ length: 200 }, (_, i) => i))
  })
})

describe('bodies that go by port', () => {
  const MB = 2 ** 20
  for (const way of ['big', 'moved'] as const) {
    it(`are on their way for so many bytes at a time, the others wait and are counted: ${way}`, () => {
      using both = joined(2 ** 18)
      const { out } = both.a.work
      for (let i = 0; i < 12; i++) post(out, i, way, 10 * MB)
      expect(out.backlog).toBe(5) // seven are 70 MiB: the last of them began when there was room
      expect(Math.round(out.backlogBytes / MB)).toBe(50)
      out.show()
      const came: number[] = []
      for (let turns = 0; came.length < 12 && turns < 100; turns++) {
        came.push(...letters(both.b.work.in).map(letter => letter.number))
        out.retry()
        out.show()
      }
      expect(came).toEqual(Array.from({ length: 12 }, (_, i) => i))
      expect([out.backlog, out.backlogBytes]).toEqual([0, 0])
    })
  }

  it('of which one is as long as may be on their way at once goes alone', () => {
    using both = joined(2 ** 18)
    const { out } = both.a.work
    for (let i = 0; i < 3; i++) post(out, i, 'big', 65 * MB)
    expect(out.backlog).toBe(2)
    out.abandon()
    expect(out.backlogBytes).toBe(0)
  })
})

describe('the doorbell', () => {
  it('rings once for each sleep of the other end, and never while it is awake', async () => {
    using both = joined()
    const [, bell] = both.bells
    post(both.a.work.out, 0, 'small', 8)
    both.a.show()
    await turn()
    expect(both.rung).toEqual([0, 0])
    for (let sleep = 1; sleep <= 3; sleep++) {
      bell.arm(PARKED)
      for (let i = 0; i < 5; i++) {
        post(both.a.work.out, sleep * 5 + i, 'small', 8)
        both.a.show()
      }
      both.a.wake()
      await turn()
      expect(both.rung).toEqual([0, sleep])
    }
  })

  it('is not heard twice, nor lost for good, when a body is fetched past it', async () => {
    using both = joined()
    const [, bell] = both.bells
    bell.arm(PARKED)
    post(both.a.work.out, 0, 'shared', 64)
    both.a.show()
    post(both.a.work.out, 1, 'shared', 64)
    both.a.show()
    expect(letters(both.b.work.in).length).toBe(2) // before the doorbell message was heard
    await turn()
    expect(both.rung[1]).toBe(0)
    bell.arm(PARKED)
    post(both.a.work.out, 2, 'none', 0)
    both.a.show()
    await turn()
    expect(both.rung[1]).toBe(1)
  })
})

describe('an empty frame', () => {
  it('counts as a frame at both ends', () => {
    using both = joined()
    const envelope = emptyEnvelope(Kind.CANCEL)
    envelope.flags = Flag.EMPTY
    both.a.answers.out.send(envelope, nothing)
    both.a.show()
    expect(drain(both.b.answers.in, () => {})).toBe(1)
    expect([both.a.answers.out.frames, both.b.answers.in.frames]).toEqual([1, 1])
  })
})
