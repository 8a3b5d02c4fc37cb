// Promised: errors that nobody waited for are told once they are asked for; of more than a thousand, or than 16 MiB,
// the first are kept.
import { expect, it } from 'vitest'
import { Unhandled } from '#ringreeve/coordinator/unhandled.js'

it('keeps no more of them than there is room for, and of one that is big what it says', () => {
  const unhandled = new Unhandled()
  const big = Object.assign(new TypeError('too much'), { body: new Uint8Array(50_000_000) })
  unhandled.add(big)
  for (let n = 0; n < 100; n++) unhandled.add(Object.assign(new Error(`no. ${n}`), { body: 'x'.repeat(250_000) }))
  const error = unhandled.take([])
  expect(error?.errors[0]).not.toBe(big)
  expect(error?.errors[0].message).toBe('TypeError: too much (too big to be kept)')
  expect(error?.errors.length).toBeLessThan(40)
  expect(error?.message).toMatch(/^101 errors that nobody waited for \(the first 3\d of them are kept\): /)
})

it('tells of what is no error, and of long ones the beginning', () => {
  const unhandled = new Unhandled()
  const untellable = Object.create(null)
  const odd = [untellable, Symbol('odd'), undefined, 'x'.repeat(50_000), new Error('y'.repeat(50_000)), -0]
  for (const one of odd) unhandled.add(one)
  const error = unhandled.take([])
  expect(error?.errors).toEqual(odd)
  expect(error?.message).toMatch(
    /^6 errors that nobody waited for: \[object Object\]; Symbol\(odd\); undefined; x+… \(50000 characters\); y+… \(50000 characters\); 0$/,
  )
  expect(error?.message.length).toBeLessThan(3_000)
})

it('tells of all, keeps the first thousand, and forgets them when they were told', () => {
  const unhandled = new Unhandled()
  expect(unhandled.take([])).toBe(undefined)
  for (let n = 0; n < 5_000; n++) unhandled.add(new Error(`no. ${n}`))
  const error = unhandled.take([new Error('at the end')])
  expect([error?.errors.length, error?.errors.at(-1).message]).toEqual([1_001, 'at the end'])
  expect(error?.message).toMatch(
    /^5001 errors that nobody waited for \(the first 1000 of them are kept\): no\. 0; .*no\. 19; …$/,
  )
  expect(unhandled.take([])).toBe(undefined)
})
