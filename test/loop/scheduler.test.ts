// Promised: a burst ends in time, work is shown before the loop pauses, a loop that sleeps has looked once more after it armed
// its bell, and looking in vain is paid for. The scheduler alone, on an event loop that is turned by hand.
import { describe, expect, it } from 'vitest'
import { Scheduler, type Workload } from '#ringreeve/loop/base/scheduler.js'
import { Bell } from '#ringreeve/sync/bell.js'
import { Status } from '#ringreeve/sync/status.js'
import type { Sleeper, WaitStrategy } from '#ringreeve/transport/wait.js'
import { HandLoop } from './hand-loop.js'

/** A scheduler with work that the test makes, and all that it did. */
function alone({ links = true, paused = false } = {}) {
  const hand = new HandLoop()
  const bell = new Bell(new Status())
  const did: string[] = []
  const state = { work: 0, ms: 0.01, expecting: false, awake: 1, came: 0, fails: undefined as Error | undefined }
  const work: Workload = {
    chunk: most => {
      const done = Math.min(most, state.work)
      hand.time += done * state.ms
      state.work -= done
      did.push(`chunk ${done}`)
      if (state.fails !== undefined) throw state.fails
      return done
    },
    hasWork: () => state.work > 0,
    awake: () => state.awake,
    expecting: () => state.expecting,
    pending: () => false,
    links: () => 1,
    show: () => void did.push('show'),
  }
  const strategy: WaitStrategy = {
    sleep: (sleeper: Sleeper) => {
      did.push(sleeper.doze ? 'doze' : 'sleep')
      sleeper.bell.arm(1)
      state.work += state.came // by a loop that did not see the bell yet
      state.came = 0
      if (!sleeper.hasWork()) return false
      sleeper.bell.disarm()
      return true
    },
  }
  const scheduler = new Scheduler(bell, links ? strategy : undefined, paused, hand)
  scheduler.serve(work)
  /** What it did since the last time. */
  const since = (): string[] => did.splice(0)
  /** Turns until it sleeps. @returns how many times it looked first */
  const untilAsleep = (): number => {
    const before = scheduler.sleeps
    let turns = 0
    while (scheduler.sleeps === before) {
      if (++turns > 100) throw new Error('it does not sleep')
      hand.time += 0.03
      hand.turn()
    }
    return turns - 1
  }
  /** Somebody rings, and there is work or none. @returns whether it looked before it slept again */
  const ring = (messages: number): boolean => {
    state.work += messages
    hand.time += 10
    scheduler.rung()
    return untilAsleep() > 0
  }
  return { hand, bell, state, scheduler, since, untilAsleep, ring }
}

describe('a burst', () => {
  it('begins with a microtask, and ends after its time with a turn of the event loop', () => {
    const { hand, state, scheduler, since } = alone()
    state.work = 200
    scheduler.request()
    expect([hand.microtasks.length, hand.immediates.length]).toEqual([1, 1])
    expect(hand.drain()).toBe(2) // 16 messages of 10 µs each: the time is over in the second chunk
    expect(since()).toEqual(['chunk 16', 'chunk 16', 'show'])
    scheduler.request()
    expect([hand.microtasks.length, hand.immediates.length]).toEqual([0, 1])
    hand.turn()
    expect(since()).toEqual(['chunk 16', 'chunk 16', 'show'])
    expect(hand.immediates.length).toBe(1)
  })

  it('is asked for once, however much work comes', () => {
    const { hand, scheduler } = alone()
    for (let i = 0; i < 5; i++) scheduler.request()
    for (let i = 0; i < 5; i++) scheduler.flush()
    expect([hand.microtasks.length, hand.immediates.length]).toEqual([1, 1])
  })

  it('runs slow messages one by one', () => {
    const { hand, state, scheduler, since } = alone()
    state.work = 20
    state.ms = 0.05
    scheduler.request()
    hand.drain()
    hand.turn()
    expect(since().slice(0, 3)).toEqual(['chunk 16', 'show', 'chunk 1'])
  })

  it('that is over makes who sends in a loop wait for the next turn', async () => {
    const { hand, state, scheduler } = alone()
    expect(scheduler.breathe()).toBeUndefined()
    state.work = 100
    scheduler.request()
    hand.drain()
    const breath = scheduler.breathe()
    expect(breath).toBeInstanceOf(Promise)
    expect(scheduler.breathe()).toBe(breath)
    state.work = 0
    hand.turn()
    await breath
    expect(scheduler.breathe()).toBeUndefined()
  })

  it('that is over without a turn to come asks for one when somebody waits for it', async () => {
    const { hand, state, scheduler } = alone({ links: false })
    state.work = 32
    scheduler.request()
    hand.turn()
    hand.drain()
    expect(hand.immediates.length).toBe(0)
    const breath = scheduler.breathe()
    expect([breath === undefined, hand.immediates.length]).toEqual([false, 1])
    hand.turn()
    await breath
  })

  it('goes on after a chunk that throws: of a microtask it is uncaught, of a turn it goes through', async () => {
    const { hand, state, scheduler, since } = alone()
    const uncaught: unknown[] = []
    const before = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', error => uncaught.push(error))
    const failure = new Error('a frame that cannot be')
    state.fails = failure
    scheduler.request()
    hand.drain()
    await new Promise(setImmediate)
    process.removeAllListeners('uncaughtException')
    for (const one of before) process.on('uncaughtException', one)
    expect(uncaught).toEqual([failure])
    expect(() => hand.turn()).toThrow(failure)
    expect(hand.immediates.length).toBe(1)
    state.fails = undefined
    state.work = 1
    since()
    hand.turn()
    expect(since().slice(0, 2)).toEqual(['chunk 1', 'show'])
  })
})

describe('frames', () => {
  it('wait for more as long as each microtask brings one, and no longer than 64', () => {
    const { hand, scheduler, since } = alone()
    scheduler.flush()
    for (let i = 0; i < 10; i++) {
      hand.hop()
      scheduler.flush()
    }
    expect(since()).toEqual([])
    hand.hop()
    expect(since()).toEqual([])
    hand.hop() // none came
    expect(since()).toEqual(['chunk 0', 'show'])

    scheduler.flush()
    let hops = 0
    while (since().length === 0) {
      hand.hop()
      scheduler.flush()
      hops++
    }
    expect(hops).toBe(64)
  })

  it('do not wait when there is work', () => {
    const { hand, scheduler, since } = alone()
    scheduler.flush()
    hand.hop()
    scheduler.flush()
    scheduler.request()
    scheduler.flush()
    hand.hop()
    expect(since()).toEqual(['chunk 0', 'show'])
  })

  it('after a burst are shown by the turn of the event loop, which is no time to sleep', () => {
    const { hand, state, scheduler, since } = alone()
    state.work = 32
    scheduler.request()
    hand.drain()
    scheduler.flush()
    expect(hand.microtasks.length).toBe(0)
    since()
    hand.time += 5
    hand.turn()
    expect(since()).toEqual(['chunk 0', 'show'])
    expect([scheduler.sleeps, hand.immediates.length]).toEqual([0, 1])
  })
})

describe('a loop without work', () => {
  it('shows what it did, looks for a while, and sleeps until it is rung', () => {
    const { hand, bell, state, scheduler, since, untilAsleep } = alone()
    state.work = 3
    scheduler.request()
    hand.drain()
    expect(since()).toEqual(['chunk 3', 'show'])
    expect(bell.awake).toBe(true)
    expect(untilAsleep()).toBeGreaterThan(2)
    expect(bell.awake).toBe(false)
    expect(since().slice(-2)).toEqual(['show', 'sleep'])
    expect([hand.immediates.length, hand.microtasks.length]).toEqual([0, 0])
    state.work = 1
    scheduler.rung()
    expect(bell.awake).toBe(true)
    hand.turn()
    expect(since()[0]).toBe('chunk 1')
  })

  it('looks once more after it armed its bell', () => {
    const { hand, bell, state, scheduler, since, untilAsleep } = alone()
    scheduler.request()
    hand.drain()
    state.came = 1
    untilAsleep()
    expect(bell.awake).toBe(true)
    since()
    hand.turn()
    expect(since()[0]).toBe('chunk 1')
  })

  it('is awake as soon as work is asked for', () => {
    const { bell, hand, scheduler, untilAsleep } = alone()
    scheduler.rung()
    untilAsleep()
    scheduler.request()
    expect([bell.awake, hand.microtasks.length]).toEqual([true, 1])
  })

  it('sleeps at once when more loops are awake than there are cores', () => {
    const { state, ring } = alone()
    state.awake = 3
    expect(ring(1)).toBe(false)
    state.awake = 2
    expect(ring(1)).toBe(true)
  })

  it('pays for looking in vain, twice as much each time up to 64, and is forgiven when it finds work', () => {
    const { hand, state, scheduler, ring, untilAsleep } = alone()
    expect(ring(1)).toBe(true)
    const skipped = (): number => {
      let times = 0
      while (!ring(1)) times++
      return times
    }
    expect([1, 2, 3, 4, 5, 6, 7, 8, 9].map(skipped)).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 64])
    for (let i = 0; i < 64; i++) ring(1)
    state.work = 1
    scheduler.rung()
    hand.turn()
    state.work = 1 // comes while it looks
    hand.turn()
    untilAsleep()
    expect([skipped(), skipped()]).toEqual([1, 2])
  })

  it('dozes while it waits for answers, once after each time that there was work', () => {
    const { hand, bell, state, scheduler, since, untilAsleep } = alone()
    state.expecting = true
    state.work = 1
    scheduler.request()
    hand.drain()
    untilAsleep()
    expect([since().at(-1), bell.awake]).toEqual(['doze', false])
    hand.pass(1)
    expect([bell.awake, hand.immediates.length]).toEqual([true, 1])
    untilAsleep()
    expect(since().at(-1)).toBe('sleep')
    hand.pass(5)
    expect(bell.awake).toBe(false)
    state.work = 1
    scheduler.rung()
    untilAsleep()
    expect(since().at(-1)).toBe('doze')
    expect(hand.timers.length).toBe(1)
    scheduler.rung() // before the time is over: it has not dozed in vain
    hand.pass(1)
    untilAsleep()
    expect(since().at(-1)).toBe('doze')
  })

  it('simply rests when there are no links', () => {
    const { hand, state, scheduler, since } = alone({ links: false })
    state.work = 1
    scheduler.request()
    hand.drain()
    hand.turn()
    expect(since()).toEqual(['chunk 1', 'show', 'chunk 0', 'show'])
    expect([scheduler.sleeps, hand.immediates.length, hand.microtasks.length]).toEqual([0, 0, 0])
  })
})

describe('a loop that', () => {
  it('is paused shows what there is and does nothing, until it is resumed', () => {
    const { hand, state, scheduler, since } = alone({ paused: true })
    state.work = 1
    scheduler.request()
    scheduler.flush()
    expect([scheduler.running, hand.microtasks.length, hand.immediates.length]).toEqual([false, 0, 0])
    scheduler.rung()
    hand.turn()
    expect(since()).toEqual(['show'])
    scheduler.resume()
    expect(scheduler.running).toBe(true)
    hand.turn()
    expect(since()[0]).toBe('chunk 1')
  })

  it('is stopped does nothing any more, and is awake', () => {
    const { hand, bell, state, scheduler, since, ring } = alone()
    ring(1)
    expect(bell.awake).toBe(false)
    scheduler.end()
    expect([bell.awake, scheduler.running]).toEqual([true, false])
    since()
    state.work = 1
    scheduler.request()
    scheduler.flush()
    scheduler.rung()
    scheduler.resume()
    scheduler.end()
    hand.turn()
    hand.pass(10)
    expect([since(), scheduler.running, hand.immediates.length]).toEqual([[], false, 0])
  })

  it('is stopped with a chunk to come does not run it', () => {
    const { hand, scheduler, since } = alone()
    scheduler.request()
    scheduler.end()
    hand.drain()
    hand.turn()
    expect(since()).toEqual([])
  })

  it('is resumed while it sleeps looks, and sleeps on', () => {
    const { hand, bell, scheduler, since, untilAsleep } = alone()
    scheduler.rung()
    untilAsleep()
    since()
    scheduler.resume()
    hand.turn()
    expect([since(), bell.awake]).toEqual([['chunk 0', 'show', 'sleep'], false])
  })
})
