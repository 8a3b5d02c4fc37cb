// A loop that waits for room in a ring, step by step: room that is made a moment before it sleeps must not be slept
// through, since its reader rang while it was still awake and rings no more.
import { expect, it } from 'vitest'
import { Bell, PARKED } from '#ringreeve/sync/bell.js'
import { bodyOf } from '#ringreeve/transport/body.js'
import { emptyEnvelope, Flag, Kind } from '#ringreeve/transport/frame.js'
import { joinLoops } from './loops.js'

const nothing = bodyOf(undefined)

it('is seen by a loop that armed its bell, however late it was made', () => {
  using joined = joinLoops([[], []])
  const [reader, writer] = joined.loops as [(typeof joined.loops)[0], (typeof joined.loops)[0]]
  const bell = new Bell(joined.statuses[1] as (typeof joined.statuses)[0])
  for (const lane of ['answers', 'work'] as const) {
    const out = writer.peers.of(0).link?.[lane].out
    if (out === undefined) throw new Error('the loops are not joined')
    const envelope = emptyEnvelope(Kind.CANCEL)
    envelope.flags = Flag.EMPTY
    while (out.backlog < 100) out.send(envelope, nothing)

    writer.work.chunk(16) // tries again: there is no room; it asks for some
    writer.work.show()
    expect(writer.work.hasWork()).toBe(false)
    while (reader.work.chunk(16)) reader.work.show() // takes everything, and rings: the writer is awake, so nothing is sent
    bell.arm(PARKED) // and only now the writer goes to sleep
    expect(writer.work.hasWork()).toBe(true)
    bell.disarm()

    while (out.backlog > 0) {
      writer.work.chunk(16)
      writer.work.show()
      reader.work.chunk(16)
    }
  }
})

it('makes its reader ring a loop that sleeps, when there is enough of it and not before', () => {
  using joined = joinLoops([[], []])
  const [reader, writer] = joined.loops as [(typeof joined.loops)[0], (typeof joined.loops)[0]]
  const bell = new Bell(joined.statuses[1] as (typeof joined.statuses)[0])
  const out = writer.peers.of(0).link?.work.out
  const envelope = emptyEnvelope(Kind.CANCEL)
  envelope.flags = Flag.EMPTY
  while ((out?.backlog ?? 1) < 100) out?.send(envelope, nothing)
  writer.work.chunk(16)
  bell.arm(PARKED)
  expect([writer.work.hasWork(), bell.awake]).toEqual([false, false])
  reader.work.chunk(16)
  expect(bell.awake).toBe(false)
  let chunks = 1
  while (!bell.awake && reader.work.chunk(16) > 0) chunks++
  expect(bell.awake).toBe(true)
  expect(reader.work.hasWork()).toBe(true) // long before the ring is empty
  expect(chunks * 16 * 40).toBeGreaterThanOrEqual(65_536 / 4)
})
