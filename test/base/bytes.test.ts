// Promised: what is kept of values is bounded by what they hold, whatever they look like.
import { expect, it } from 'vitest'
import { bytesOf } from '#ringreeve/base/bytes.js'

it('a view counts with all the memory that it holds, once', () => {
  const memory = new ArrayBuffer(100_000)
  const one = bytesOf(new Uint8Array(memory, 7, 1))
  expect(one).toBeGreaterThan(100_000)
  const two = bytesOf([new Uint8Array(memory, 7, 1), new Float64Array(memory, 8, 1), new DataView(memory), memory])
  expect(two).toBeGreaterThan(one)
  expect(two).toBeLessThan(2 * one)
})

it('a list with gaps counts with what is there', () => {
  const text = 'x'.repeat(1_000)
  const gaps = Object.assign([text], { length: 4e9 })
  gaps[1_000_000] = text
  expect(bytesOf(gaps)).toBeGreaterThan(4_000) // looked at one by one, its places would take all memory
  expect(bytesOf(gaps)).toBeLessThan(5_000)
})
