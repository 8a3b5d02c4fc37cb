// The bound on calls in flight: as many as there are cancel flags, each with a slot of its own, and one that ends makes
// room for one.
import { expect, it } from 'vitest'
import { OverloadedError } from '#ringreeve/agent/errors.js'
import { CallTable, type Waiter } from '#ringreeve/loop/peer/waiter.js'
import { CancelFlags, MAX_CALLS } from '#ringreeve/sync/cancel.js'

it('a call more than there are slots is refused, and one that ended makes room for it', () => {
  const table = new CallTable<Waiter>()
  const slots = new Uint8Array(MAX_CALLS)
  const waiter = () => ({ slot: 0, generation: 0 }) as Waiter
  const first = waiter()
  table.add(first)
  slots[first.slot] = 1
  for (let n = 1; n < MAX_CALLS; n++) {
    const one = waiter()
    table.add(one)
    slots[one.slot] = 1
  }
  expect(slots.every(used => used === 1)).toBe(true)
  expect(() => table.add(waiter())).toThrow(OverloadedError)
  const flags = new CancelFlags()
  flags.raise(first.slot, first.generation)
  expect(table.take(first.slot, first.generation)).toBe(first)
  const next = waiter()
  table.add(next)
  expect(next.slot).toBe(first.slot)
  expect(flags.raised(next.slot, next.generation)).toBe(false)
  expect(table.has(first)).toBe(false)
  expect(() => table.add(waiter())).toThrow(OverloadedError)
})
