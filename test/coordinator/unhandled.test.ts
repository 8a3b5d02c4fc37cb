// Promised: errors that nobody waited for are told once they are asked for; of more than a thousand the first are kept.
import { expect, it } from 'vitest'
import { Unhandled } from '#ringreeve/coordinator/unhandled.js'

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
