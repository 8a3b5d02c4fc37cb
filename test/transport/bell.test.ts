// The bell, and the other words that loops share: each sleep is ended once, whoever is quicker; nobody rings a loop that
// is awake; a sleeper that was rung before it slept does not sleep; counters are never seen in an impossible order.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type Asleep, AWAKE, Bell, PARKED, WAITING } from '#ringreeve/sync/bell.js'
import { CancelFlags } from '#ringreeve/sync/cancel.js'
import { at, counterNames, House, noticed, Status } from '#ringreeve/sync/status.js'
import type { BellTask } from './bell-worker.js'

const workers: Worker[] = []
afterEach(() => Promise.all(workers.splice(0).map(worker => worker.terminate())))

function start(task: BellTask): Worker {
  const worker = new Worker(new URL('./bell-worker.js', import.meta.url), { workerData: task })
  workers.push(worker)
  return worker
}

/** What the loop itself and those who ring it hold: two bells on the same words. */
function bells() {
  const status = new Status()
  return {
    own: new Bell(status),
    other: new Bell(new Status(status.memory)),
    status,
    word: () => Atomics.load(status.words, Status.bell),
  }
}

describe('the bell', () => {
  it('is awake when it is made', () => {
    const { own, word } = bells()
    expect([own.awake, word()]).toEqual([true, AWAKE])
  })

  it('does what a model of it does', () => {
    const step = fc.oneof(
      fc.constantFrom<Asleep>(PARKED, WAITING).map(kind => ({ do: 'arm' as const, kind })),
      fc
        .constantFrom('disarm', 'ring', 'interrupt', 'wait')
        .map(what => ({ do: what as 'disarm' | 'ring' | 'interrupt' | 'wait' })),
    )
    fc.assert(
      fc.property(fc.array(step), steps => {
        const { own, other, word } = bells()
        let model: number = AWAKE
        for (const one of steps) {
          if (one.do === 'arm') {
            if (model !== AWAKE) continue // a loop arms only when it is awake
            own.arm(one.kind)
            model = one.kind
          } else if (one.do === 'ring') {
            expect(other.ring()).toBe(model === PARKED) // a doorbell message is needed for this kind of sleep only
            model = AWAKE
          } else if (one.do === 'interrupt') {
            other.interrupt()
            if (model === WAITING) model = AWAKE
          } else {
            if (one.do === 'disarm') own.disarm()
            else own.wait(0) // time is up at once
            model = AWAKE
          }
          expect(word()).toBe(model)
          expect(other.awake).toBe(model === AWAKE)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('does not let a loop sleep that was rung between arming and sleeping', () => {
    const { own, other } = bells()
    own.arm(WAITING)
    expect(other.ring()).toBe(false)
    own.wait(Number.POSITIVE_INFINITY)
    own.arm(WAITING)
    other.interrupt()
    own.wait(Number.POSITIVE_INFINITY)
    expect(own.awake).toBe(true)
  })

  it('wakes a thread that sleeps in Atomics.wait, by ringing and by interrupting, every time', async () => {
    const { other, status } = bells()
    const SLEEPS = 5_000
    const worker = start({ role: 'sleeper', status: status.memory, sleeps: SLEEPS })
    let over = false
    const done = once(worker, 'message').then(([slept]) => {
      over = true
      return slept as number
    })
    let rang = 0
    for (let i = 0; !over; i++) {
      if (!other.awake) {
        if (i % 2 === 0) expect(other.ring()).toBe(false)
        else other.interrupt()
        rang++
      }
      if (i % 64 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    expect(await done).toBe(SLEEPS)
    expect(rang).toBeLessThanOrEqual(SLEEPS) // a notify that comes late may end the next sleep too: it looks again
    expect(rang).toBeGreaterThan(SLEEPS / 2)
  })

  /** Sleeps while two threads ring as fast as they can. @returns doorbells that were due */
  async function rungBy2(sleeps: number, takeBack: boolean): Promise<number> {
    const { own, status } = bells()
    const counts = new Int32Array(new SharedArrayBuffer(8))
    const ringers = [0, 1].map(() => start({ role: 'ringer', status: status.memory, counts: counts.buffer }))
    await Promise.all(ringers.map(worker => once(worker, 'message')))
    for (let sleep = 0; sleep < sleeps; sleep++) {
      own.arm(PARKED)
      if (takeBack) own.disarm()
      while (!own.awake) Atomics.wait(status.words, Status.bell, PARKED, 0.1) // leaves the cores to those who ring
    }
    Atomics.store(counts, 1, 1)
    await Promise.all(ringers.map(worker => once(worker, 'exit')))
    return Atomics.load(counts, 0)
  }

  it('gives each sleep to exactly one of those who ring at the same time', async () => {
    expect(await rungBy2(5_000, false)).toBe(5_000)
  })

  it('gives each sleep to at most one, when the loop takes it back at the same time', async () => {
    expect(await rungBy2(200_000, true)).toBeLessThanOrEqual(200_000)
  })
})

describe('counters', () => {
  it('are read as they were shown', () => {
    const status = new Status()
    const counters = Float64Array.from(counterNames, (_, i) => i + 1)
    status.showAccepted(counters[at.accepted] as number)
    expect([status.accepted, status.done, status.stats(3, true).running]).toEqual([1, 0, 0])
    status.show(counters)
    expect([status.accepted, status.done]).toEqual([1, 2])
    expect(new Status(status.memory).stats(3, true)).toEqual({
      loop: 3,
      alive: true,
      ...Object.fromEntries(counterNames.map((name, i) => [name, i + 1])),
    })
  })

  it('go on beyond 32 bits; for idle detection they are the same mod 2^32', () => {
    const status = new Status()
    const counters = new Float64Array(counterNames.length)
    for (const [i, by] of [2 ** 31 - 1, 2 ** 31 + 1, 5].entries()) {
      for (const counter of [at.accepted, at.done, at.handled]) counters[counter] = (counters[counter] as number) + by
      status.show(counters)
      const count = [2 ** 31 - 1, 2 ** 32, 2 ** 32 + 5][i]
      expect(status.stats(0, true)).toMatchObject({ accepted: count, done: count, handled: count })
      expect(status.accepted).toBe(status.done)
    }
  })

  it('have an index each, in the order of their names', () => {
    expect(Object.entries(at).sort((a, b) => a[1] - b[1])).toEqual(counterNames.map((name, i) => [name, i]))
  })

  it('are never seen with more done than accepted, by a reader that takes done first', async () => {
    const status = new Status()
    const counts = new Int32Array(new SharedArrayBuffer(8))
    const worker = start({ role: 'counter', status: status.memory, counts: counts.buffer })
    await once(worker, 'message')
    let moved = 0
    let before = 0
    for (let i = 0; i < 300_000 || moved < 100; i++) {
      const done = status.done
      const accepted = status.accepted
      if (((accepted - done) | 0) < 0) expect.fail(`${done} done of ${accepted} accepted`)
      if (done !== before) moved++
      before = done
      if (i % 50_000 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    Atomics.store(counts, 1, 1)
    await once(worker, 'exit')
  })
})

describe('the house', () => {
  it('is the same for every thread that holds its memory', () => {
    const house = new House()
    const other = new House(house.memory, house.built)
    expect([other.idleWanted, other.stopping]).toEqual([false, false])
    house.idleWanted = true
    expect([other.idleWanted, other.stopping]).toEqual([true, false])
    other.stopping = true
    house.idleWanted = false
    expect([house.stopping, other.idleWanted]).toEqual([true, false])
    expect(Math.abs(house.now() - other.now())).toBeLessThan(1_000)
  })
})

describe('a deadline', () => {
  it('is read with the agent it is for', () => {
    const status = new Status()
    const reader = new Status(status.memory)
    expect(reader.deadlineAt).toBe(0)
    for (const agent of ['worker/a', 'w/ü€𝄞', `w/${'x'.repeat(100)}`, 'short/b']) {
      status.deadline(1234, agent)
      expect([reader.deadlineAt, reader.deadlineAgent]).toEqual([1234, agent])
    }
    status.deadline(0, '')
    expect(reader.deadlineAt).toBe(0)
  })

  it.each(['w/'.padEnd(2_000, 'x'), 'w/'.padEnd(2_000, '𝄞'), 'w/'.padEnd(200, '€'), 'w/half of \ud834'])(
    'of %j is known by what stands for it',
    agent => {
      const status = new Status()
      status.deadline(5, agent)
      expect([status.deadlineAgent, status.accepted]).toEqual([noticed(agent), 0])
      expect(status.deadlineAgent.slice(0, 10)).toBe(agent.slice(0, 10))
      expect(noticed(agent)).not.toBe(noticed(`${agent}x`))
    },
  )
})

describe('a cancel flag', () => {
  it('speaks for one call of its slot only', () => {
    const flags = new CancelFlags()
    const other = new CancelFlags(flags.memory)
    expect(other.raised(7, 1)).toBe(false)
    flags.raise(7, 1)
    expect([other.raised(7, 1), other.raised(7, 2), other.raised(8, 1)]).toEqual([true, false, false])
  })
})
