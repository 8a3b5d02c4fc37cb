// Promised: messages come out of their line as out of an array, whatever is done with it, and hold nothing afterwards.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MessageLine } from '#ringreeve/loop/base/mailbox-line.js'
import type { Message } from '#ringreeve/loop/base/message.js'
import { message } from './kit.js'

const step = fc.record({
  do: fc.constantFrom('push', 'push', 'unshift', 'shift', 'take', 'take', 'every'),
  n: fc.nat(3),
})

it('is an array', () => {
  let taken = 0
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), steps => {
      const line = new MessageLine()
      const model: Message[] = []
      let made = 0
      for (const { do: what, n } of steps) {
        const wanted = (one: Message): boolean => one.sequence % 4 === n
        if (what === 'push' || what === 'unshift') {
          const one = message(made++)
          line[what](one)
          model[what](one)
        } else if (what === 'shift') {
          expect(line.shift()).toBe(model.shift())
        } else if (what === 'take') {
          const index = model.findIndex(wanted)
          const one = index < 0 ? undefined : model.splice(index, 1)[0]
          expect(line.take(wanted)).toBe(one)
          if (one === undefined) continue
          taken++
          expect(one.behind).toBeUndefined()
          line.push(one) // also into another line, if that is where it is to go
          model.push(one)
        } else {
          expect(line.every(one => one.sequence >= n)).toBe(model.every(one => one.sequence >= n))
        }
        expect(line.length).toBe(model.length)
      }
      const left = line.drain()
      expect(left.map(one => one.sequence)).toEqual(model.map(one => one.sequence))
      expect(left.every(one => one.behind === undefined)).toBe(true)
      expect([line.length, line.shift()]).toEqual([0, undefined])
    }),
    { numRuns: 200 },
  )
  expect(taken).toBeGreaterThan(500)
})
