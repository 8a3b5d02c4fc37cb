// What a loop does when the loop at the other end of a link is gone: every call settles once and says what is known of
// it; what was published before the end counts; what was never sent waits for the next life.
import { expect, it } from 'vitest'
import { agent } from '#ringreeve/agent/definition.js'
import { StoppedError, ThreadLostError } from '#ringreeve/agent/errors.js'
import { request } from '#ringreeve/agent/message.js'
import type { Loop } from '#ringreeve/loop/loop.js'
import { CancelFlags } from '#ringreeve/sync/cancel.js'
import { Kind } from '#ringreeve/transport/frame.js'
import { joinLoops } from './loops.js'

const Ask = request<number, number>('ask')
const Never = request<number, number>('never')
const worker = agent('w', { concurrency: 'interleaved' })
  .on(Ask, number => number + 1)
  .on(Never, () => new Promise<number>(() => {}))

function pair() {
  const joined = joinLoops([[], [worker]])
  const [host, other] = joined.loops as [Loop, Loop]
  const ask = (message: typeof Ask, number: number): Promise<unknown> => {
    const answer = host.outgoing.send(undefined, message, number, 'w/x', undefined)
    answer.catch(() => {})
    return answer
  }
  return { ...joined, host, other, ask, die: () => host.peers.detach(1, 1, 'it died', false) }
}

it('answers that were published before the end are answers', async () => {
  using all = pair()
  const answers = Array.from({ length: 100 }, (_, i) => all.ask(Ask, i))
  all.host.work.show()
  while (all.other.work.hasWork()) all.other.work.chunk(16)
  all.other.work.show()
  all.die()
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
})

it('calls that are not answered fail, and say whether their handler may have run', async () => {
  using all = pair()
  const begun = all.ask(Never, 1)
  all.host.work.show()
  all.other.work.chunk(16)
  all.other.work.show()
  const shown = all.ask(Never, 2)
  all.host.work.show()
  const written = all.ask(Never, 3)
  all.die()
  const known: unknown[] = []
  for (const call of [begun, shown, written]) {
    const error = await call.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(ThreadLostError)
    known.push((error as ThreadLostError).maybeExecuted)
  }
  expect(known).toEqual([true, false, false])
})

it('what was held back for a full queue waits for the next life, whatever the last word of that queue was', async () => {
  using all = pair()
  all.host.peers.of(1).mute('w/x')
  let settled = false
  const held = all.ask(Ask, 1).finally(() => {
    settled = true
  })
  held.catch(() => {})
  const back = all.other.peers.of(0)
  if (back.link !== undefined) back.control(back.link, Kind.UNMUTE, { slot: 8, generation: 0 }, 'w/x')
  all.other.work.show()
  all.die()
  await new Promise(resolve => setImmediate(resolve))
  expect(settled).toBe(false)
  const error = new StoppedError('no next life')
  all.host.peers.of(1).abandon(error)
  await expect(held).rejects.toBe(error)
})

it('what comes after the end is not sent, and waits', async () => {
  using all = pair()
  all.die()
  const late = all.ask(Ask, 1)
  all.host.peers.detach(1, 1, 'it died', true)
  await expect(late).rejects.toMatchObject({ name: 'ThreadLostError', maybeExecuted: false })
})

it('a turn that outlives its caller does not take the flags of the next life for its own', () => {
  using all = pair()
  const before = all.host.peers.flagsOf(1, 1) as CancelFlags
  all.die()
  new CancelFlags(before.memory).raise(3, 1)
  expect(before.raised(3, 1)).toBe(false)
})

it('a loop that has ended touches no ring any more, whatever its turns still do', async () => {
  let open = (): void => {}
  const gate = new Promise<void>(resolve => {
    open = resolve
  })
  const settled: unknown[] = []
  // each turn ends with a checkpoint, which is told to the host
  const kept = { state: () => ({}), checkpoint: { everyMessages: 1 } }
  const late = agent('w', { ...kept, concurrency: 'interleaved' })
    .on(Ask, number => gate.then(() => number))
    .on(Never, (_, ctx) => gate.then(() => ctx.send(Ask, 1, 'there/x')).catch(error => settled.push(error)))
  const there = agent('there').on(Ask, number => number)
  using all = joinLoops([[there], [late]])
  const [host, other] = all.loops as [Loop, Loop]
  for (const message of [Ask, Never]) host.outgoing.send(undefined, message, 1, 'w/x', undefined).catch(() => {})
  host.work.show()
  while (other.work.hasWork()) other.work.chunk(16)
  await other.stop(0)
  other.end()
  await turns()
  const before = all.memories.map(memory => Buffer.from(memory).toString('hex'))
  open()
  await turns()
  other.work.show()
  expect(settled).toMatchObject([{ name: 'StoppedError' }])
  expect(all.memories.map(memory => Buffer.from(memory).toString('hex'))).toEqual(before)
})

async function turns(): Promise<void> {
  for (let n = 0; n < 5; n++) await new Promise(resolve => setImmediate(resolve))
}
