// The turnstile alone: who is inside with whom, in which order they come in, and that nobody stays outside for ever.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Mode, Turnstile, turnstileTable } from '#ringreeve/coordinator/turnstile.js'
import { goesByItsDrawing } from './pairs.js'

/** Time that passes when the test says so. */
class Timers {
  #set: (() => void)[] = []
  readonly after = (_ms: number, work: () => void) => {
    this.#set.push(work)
    const close = (): void => {
      this.#set = this.#set.filter(other => other !== work)
    }
    return { close, refresh: () => {}, unref: () => {} }
  }
  get size(): number {
    return this.#set.length
  }
  pass(): void {
    for (const work of this.#set.splice(0)) work()
  }
}

/** Somebody who comes, and stays inside until told to leave. */
class Guest {
  inside = false
  leave!: () => void
  fail!: (error: Error) => void
  readonly done: Promise<unknown>

  constructor(turnstile: Turnstile, mode: Mode, entered: (guest: Guest) => void = () => {}) {
    const work = async (): Promise<void> => {
      this.inside = true
      entered(this)
      try {
        await new Promise<void>((resolve, reject) => {
          this.leave = resolve
          this.fail = reject
        })
      } finally {
        this.inside = false
      }
    }
    this.done = turnstile[mode](work)
    this.done.catch(() => {})
  }
}

async function steps(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
}

function open() {
  const timers = new Timers()
  const turnstile = new Turnstile(timers, 1_000)
  return {
    timers,
    turnstile,
    comes: (mode: Mode, entered?: (guest: Guest) => void) => new Guest(turnstile, mode, entered),
  }
}

goesByItsDrawing('turnstile.ts', turnstileTable)

describe('the turnstile', () => {
  it('lets those who share in together, and tells what their work returns', async () => {
    const { turnstile, comes } = open()
    const [a, b] = [comes('share'), comes('share')]
    await steps()
    expect([a.inside, b.inside, turnstile.state]).toEqual([true, true, 'shared'])
    expect(await turnstile.share(() => 42)).toBe(42)
    a.leave()
    b.leave()
    await steps()
    expect(turnstile.state).toBe('free')
  })

  it('begins a move at once when nobody is inside', () => {
    const { turnstile, comes } = open()
    expect(comes('alone').inside).toBe(true)
    expect(turnstile.state).toBe('alone')
  })

  it('keeps the place of a move that waits: who comes later goes in behind it', async () => {
    const { comes, turnstile } = open()
    const before = comes('share')
    const [move, after] = [comes('alone'), comes('share')]
    await steps()
    expect([before.inside, move.inside, after.inside, turnstile.state]).toEqual([true, false, false, 'closing'])
    before.leave()
    await steps()
    expect([move.inside, after.inside]).toEqual([true, false])
    move.leave()
    await steps()
    expect([after.inside, turnstile.state]).toEqual([true, 'shared'])
  })

  it('lets go of its place whatever becomes of the work', async () => {
    const { comes, turnstile } = open()
    const [share, move, next] = [comes('share'), comes('alone'), comes('share')]
    await steps()
    share.fail(new Error('shared'))
    await expect(share.done).rejects.toThrow('shared')
    await steps()
    move.fail(new Error('alone'))
    await expect(move.done).rejects.toThrow('alone')
    await steps()
    next.leave()
    expect(await next.done).toBeUndefined()
    await expect(turnstile.share(() => Promise.reject(new Error('at once')))).rejects.toThrow('at once')
    expect(turnstile.state).toBe('free')
  })

  it('has a move give up that waits too long: one inside may wait for one behind it', async () => {
    const { comes, timers, turnstile } = open()
    const outer = comes('share')
    await steps()
    const [move, inner, second] = [comes('alone'), comes('share'), comes('alone')]
    void inner.done.then(outer.leave)
    await steps()
    expect([inner.inside, timers.size]).toEqual([false, 1])
    timers.pass()
    expect(await move.done).toBe(false)
    await steps()
    expect([move.inside, inner.inside, turnstile.state]).toEqual([false, true, 'closing']) // for the second move
    inner.leave()
    await steps()
    expect([outer.inside, second.inside, timers.size]).toEqual([false, true, 0])
    second.leave()
    expect(await second.done).toBe(true)
    expect(turnstile.state).toBe('free')
  })

  it('never has a move inside with anybody, lets in by the order of coming, and keeps nobody out (property)', async () => {
    const plan = fc.array(fc.oneof(fc.constantFrom<Mode>('share', 'alone'), fc.nat(5)), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(plan, async plan => {
        const { comes, turnstile, timers } = open()
        const guests: { readonly guest: Guest; readonly mode: Mode }[] = []
        const entered: Guest[] = []
        const inside = () => guests.filter(({ guest }) => guest.inside)
        const leaves = async (nth: number): Promise<void> => {
          const there = inside()
          there[nth % there.length]?.guest.leave()
          await steps()
          const now = inside()
          if (now.some(({ mode }) => mode === 'alone')) expect(now.length).toBe(1)
        }
        for (const step of plan) {
          if (typeof step === 'number') await leaves(step)
          else guests.push({ mode: step, guest: comes(step, guest => entered.push(guest)) })
        }
        await steps()
        // as many leave as there are, and others come all the while
        const all = guests.length
        for (let n = 0; n < all; n++) {
          guests.push({ mode: n % 3 === 0 ? 'alone' : 'share', guest: comes(n % 3 === 0 ? 'alone' : 'share') })
          await leaves(0)
        }
        expect(entered).toEqual(guests.slice(0, all).map(({ guest }) => guest))
        while (inside().length > 0) await leaves(0)
        expect([turnstile.state, timers.size]).toEqual(['free', 0])
      }),
      { numRuns: 150 },
    )
  })
})
