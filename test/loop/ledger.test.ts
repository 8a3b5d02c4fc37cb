// Promised: equal sums mean quiet, since work that begins is shown before anything that it does, and work that is over after
// everything that it led to.
import { expect, it } from 'vitest'
import { Ledger } from '#ringreeve/loop/base/ledger.js'
import type { Status } from '#ringreeve/sync/status.js'
import { at } from '#ringreeve/sync/status.js'

/** A ledger, and what it shows in which order. */
function alone() {
  const shown: (readonly [what: 'accepted' | 'all', accepted: number, done: number])[] = []
  let asked = 0
  const status = {
    showAccepted: (accepted: number) => void shown.push(['accepted', accepted, -1]),
    show: (values: Float64Array) => void shown.push(['all', values[at.accepted] as number, values[at.done] as number]),
  }
  const ledger = new Ledger(status as unknown as Status, { request: () => void asked++ })
  return { ledger, shown, asked: () => asked }
}

it('is balanced when all that was accepted is done, and shows nothing of itself', () => {
  const { ledger, shown, asked } = alone()
  expect(ledger.balanced).toBe(true)
  ledger.accept()
  ledger.accept()
  ledger.finish()
  expect([ledger.balanced, shown, asked()]).toEqual([false, [], 1])
  ledger.finish()
  expect([ledger.balanced, shown, asked()]).toEqual([true, [], 2])
  ledger.show(1, 2, 3)
  expect(shown).toEqual([['all', 2, 2]])
})

it('shows work that began of itself before anybody can see what it does', () => {
  const { ledger, shown } = alone()
  ledger.accept()
  ledger.acceptOwn()
  expect(shown).toEqual([['accepted', 2, -1]])
  ledger.showAccepted()
  expect(shown.length).toBe(2)
})

it('shows `done` of what is over with the `accepted` of what it led to', () => {
  const { ledger, shown } = alone()
  ledger.accept()
  ledger.show(0, 0, 0)
  ledger.accept() // what it led to
  ledger.finish()
  ledger.show(0, 0, 0)
  for (const [, accepted, done] of shown) expect(accepted).toBeGreaterThan(done)
})

it('tells once no turn is at work, at once if there is none', () => {
  const { ledger } = alone()
  let told = 0
  ledger.whenStill(() => told++)
  expect(told).toBe(1)
  ledger.begin()
  ledger.begin()
  ledger.whenStill(() => told++)
  ledger.end()
  ledger.changed()
  expect([told, ledger.running]).toEqual([1, 1])
  ledger.end()
  expect(told).toBe(1) // not before the turn's outcome was written
  ledger.changed()
  expect([told, ledger.running]).toEqual([2, 0])
})

it('counts what waits, fewer as well as more', () => {
  const { ledger } = alone()
  ledger.queue(3)
  ledger.queue(-2)
  expect(ledger.queued).toBe(1)
})
