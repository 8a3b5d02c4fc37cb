// Promised: what the application sends while the gate is closed goes in the order in which it was sent, and before anything
// that is sent later; and who may send depends on the stage of the loop.
import { expect, it } from 'vitest'
import { StoppedError } from '#ringreeve/agent/errors.js'
import { Admission } from '#ringreeve/loop/base/admission.js'

/** A gate, and what went through it. */
function alone() {
  const admission = new Admission()
  const went: number[] = []
  const send = (n: number): Promise<number> =>
    admission.hold(async () => {
      went.push(n)
      return n
    })
  return { admission, went, send }
}

it('what was held goes in order, with its outcome', async () => {
  const { admission, went, send } = alone()
  admission.close()
  const sent = [1, 2, 3].map(send)
  expect([admission.held, went]).toEqual([true, []])
  admission.open()
  expect([admission.held, went]).toEqual([false, [1, 2, 3]])
  expect(await Promise.all(sent)).toEqual([1, 2, 3])
})

it('opens when the last of those who closed it opens it, and no sooner', () => {
  const { admission, went, send } = alone()
  admission.close()
  admission.close()
  void send(1)
  admission.open()
  expect([admission.held, went]).toEqual([true, []])
  admission.open()
  expect([admission.held, went]).toEqual([false, [1]])
  admission.open() // one too many
  admission.close()
  expect(admission.held).toBe(true)
})

it('lets through no more when it is closed again by what it let through', () => {
  const { admission, went, send } = alone()
  admission.close()
  void send(1)
  void admission.hold(async () => admission.close())
  void send(2)
  admission.open()
  expect(went).toEqual([1])
  void send(3)
  admission.open()
  expect(went).toEqual([1, 2, 3])
})

it('opens for good whoever has closed it, and is not closed again when the loop has ended', () => {
  const { admission, went, send } = alone()
  admission.close()
  admission.close()
  void send(1)
  admission.to('closed')
  admission.openForGood()
  expect([admission.held, went]).toEqual([false, [1]])
  admission.close()
  expect(admission.held).toBe(false)
})

it('lets send who may: the application while the loop is open, turns until it is closed', () => {
  const { admission } = alone()
  const turn = {}
  const may = (from: unknown): boolean => {
    try {
      admission.check(from)
      return true
    } catch (error) {
      expect(error).toBeInstanceOf(StoppedError)
      return false
    }
  }
  const seen: unknown[] = []
  for (const stage of ['draining', 'resting', 'closed', 'ended', undefined] as const) {
    seen.push([admission.stage, may(undefined), may(turn), !admission.resting])
    if (stage !== undefined) admission.to(stage)
  }
  expect(seen).toEqual([
    ['open', true, true, true],
    ['draining', false, true, true],
    ['resting', false, true, false],
    ['closed', false, false, false],
    ['ended', false, false, false],
  ])
})

it('tells the application where it sent from, and turns the reason itself', () => {
  const { admission } = alone()
  const reason = new StoppedError('it was time')
  admission.failWith(reason)
  admission.to('closed')
  expect(() => admission.check({})).toThrow(reason)
  try {
    admission.check(undefined)
    expect.unreachable()
  } catch (error) {
    expect(error).not.toBe(reason)
    expect((error as Error).message).toBe(reason.message)
  }
})
