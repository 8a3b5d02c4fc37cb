// Promised: a mailbox is two arrays and a list of listeners, whatever is done with it: calls from the agent's own chains come
// first, the others in the order in which they came, and who waits for room is told of it once.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { TIMER } from '#ringreeve/agent/message.js'
import { Message } from '#ringreeve/loop/base/message.js'
import { Mailbox } from '#ringreeve/loop/cell/mailbox.js'
import { message } from './kit.js'

function tick(sequence: number): Message {
  return new Message({ ...message(sequence), id: undefined, name: TIMER })
}

const step = fc.record({
  do: fc.constantFrom(
    ...(['push', 'push', 'tick', 'tick', 'unshift', 'pushInner', 'next', 'next', 'next', 'takeOldest'] as const),
    ...(['take', 'drainLine', 'drain', 'every', 'whenRoom', 'whenRoom', 'tellRoom'] as const),
  ),
  n: fc.nat(3),
})

it('is two arrays and those who wait', () => {
  const seen = { inner: 0, told: 0, spared: 0 }
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), steps => {
      let box = Mailbox.empty()
      let line: Message[] = []
      let inner: Message[] = []
      let waiters: number[] = []
      const told: number[] = []
      const expected: number[] = []
      const tellAll = (): void => {
        expected.push(...waiters)
        seen.told += waiters.length
        waiters = []
      }
      let made = 0
      for (const { do: what, n } of steps) {
        const such = (one: Message): boolean => one.sequence % 4 === n
        if (what === 'push' || what === 'tick') {
          const one = what === 'tick' ? tick(made++) : message(made++)
          box.push(one)
          line.push(one)
        } else if (what === 'unshift') {
          const one = message(made++)
          box.unshift(one)
          line.unshift(one)
        } else if (what === 'pushInner') {
          const one = message(made++)
          box.pushInner(one)
          inner.push(one)
        } else if (what === 'next') {
          if (inner.length + line.length === 0) continue // nobody asks for it then
          if (inner.length > 0) seen.inner++
          const ofLine = inner.length === 0
          expect(box.next(n)).toBe((ofLine ? line : inner).shift())
          if (ofLine && line.length <= n) tellAll()
        } else if (what === 'takeOldest') {
          const index = line.findIndex(({ name }) => name !== TIMER)
          if (index > 0) seen.spared++
          expect(box.takeOldest()).toBe(index < 0 ? undefined : line.splice(index, 1)[0])
        } else if (what === 'take') {
          const index = line.findIndex(such)
          expect(box.take(such)).toBe(index < 0 ? undefined : line.splice(index, 1)[0])
        } else if (what === 'drainLine') {
          expect(box.drainLine()).toEqual(line)
          line = []
        } else if (what === 'drain') {
          expect(box.drain()).toEqual([...inner, ...line])
          line = []
          inner = []
        } else if (what === 'every') {
          const all = [...inner, ...line]
          for (const each of [(one: Message) => one.sequence >= n, ({ name }: Message) => name === TIMER])
            expect(box.every(each)).toBe(all.every(each))
        } else if (what === 'whenRoom') {
          const waiter = made++
          box.whenRoom(() => void told.push(waiter))
          waiters.push(waiter)
        } else {
          box.tellRoom()
          tellAll()
        }
        const waited = waiters.length > 0
        const empty = line.length + inner.length === 0 && !waited
        expect(`${box.length} ${box.inner} ${box.waitedFor} ${told}`).toBe(
          `${line.length} ${inner.length} ${waited} ${expected}`,
        )
        expect(box.giveBack()).toBe(empty)
        if (empty) box = Mailbox.empty()
      }
      expect(box.drain().map(one => one.sequence)).toEqual([...inner, ...line].map(one => one.sequence))
    }),
    { numRuns: 200 },
  )
  expect(seen.inner).toBeGreaterThan(100)
  expect(seen.told).toBeGreaterThan(200)
  expect(seen.spared).toBeGreaterThan(5)
})

it('a listener that waits for room again is told the next time, not now', () => {
  const box = new Mailbox()
  let told = 0
  const wait = (): void =>
    box.whenRoom(() => {
      told++
      if (told < 3) wait()
    })
  wait()
  for (let times = 1; times <= 3; times++) {
    box.tellRoom()
    expect([told, box.waitedFor]).toEqual([times, times < 3])
  }
})
