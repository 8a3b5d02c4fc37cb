// The ring against a model of it: whatever is done in whatever order, frames come once, in order, whole, and only after
// they were shown; room is given back exactly; every index is right, also where 32-bit positions wrap.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRing, pad8, RingGauge, RingReader, RingWriter } from '#ringreeve/transport/ring.js'
import { checkFrame, writeFrame } from './frames.js'
import { Player, steps } from './ring-model.js'

describe('the ring and its model', () => {
  it('agree after every step, on small rings', () => {
    let bytes = 0
    fc.assert(
      fc.property(fc.constantFrom(1024, 2048, 4096), steps, (capacity, all) => {
        const player = new Player(capacity)
        player.play(all)
        player.finish()
        bytes += player.bytes / capacity
      }),
      { numRuns: 1000 },
    )
    expect(bytes).toBeGreaterThan(500) // it went round and round
  })

  const capacity = 65_536
  const wraps = [
    { where: '2^31, where positions turn negative', at: 2 ** 31 },
    { where: '2^32, where positions begin anew', at: 2 ** 32 },
  ]
  for (const { where, at } of wraps) {
    it(`agree across ${where}`, () => {
      let across = 0
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 10_000 }), steps, (before, all) => {
          const player = new Player(capacity)
          player.advanceTo(at - 8 * before)
          player.play(all)
          if (player.bytes > at) across++
          player.finish()
        }),
        { numRuns: 40, endOnFailure: true },
      )
      expect(across).toBeGreaterThan(0)
    })
  }
})

describe('positions', () => {
  it('stay consumed however much goes through afterwards', () => {
    const memory = createRing(2 ** 20)
    const writer = new RingWriter(memory)
    const reader = new RingReader(memory)
    const push = (): void => {
      expect(writeHead(writer, writer.maxFrame)).toBe(true)
      writer.show()
      reader.drain(1, () => {})
    }
    push()
    const early = writer.position
    for (let i = 0; i < 2 ** 32 / writer.maxFrame; i++) {
      push()
      if (!writer.consumed(early)) expect.fail(`after ${i + 1} more frames the first one counts as not consumed`)
    }
  })

  it('are not consumed while the reader is at work on their frames', () => {
    const { writer, reader, gauge } = ring(1024)
    writeFrame(writer, 0, 64)
    const first = writer.position
    writeFrame(writer, 1, 64)
    const second = writer.position
    expect(writer.consumed(first)).toBe(false)
    writer.show()
    reader.drain(
      1,
      () => expect(writer.consumed(first)).toBe(false),
      () => expect(writer.consumed(first)).toBe(false),
    )
    expect([writer.consumed(first), writer.consumed(second)]).toEqual([true, false])
    expect(gauge.head).toBe(64)
  })
})

describe('room', () => {
  it('is there for the longest frame as soon as the ring is empty, wherever its ends stand', () => {
    for (let lead = 0; lead < 1024; lead += 8) {
      const { writer, reader } = ring(1024)
      for (let left = lead; left > 0; left -= Math.min(left, 128)) writeHead(writer, Math.min(left, 128))
      writer.show()
      while (!reader.empty) reader.drain(1000, () => {})
      expect(writeFrame(writer, 7, writer.maxFrame), `after ${lead} bytes`).toBe(true)
      writer.show()
      expect(reader.drain(1000, offset => checkFrame(reader.words, offset, 7))).toBe(1)
      expect(reader.empty).toBe(true)
    }
  })

  it('is asked for once, and the reader sees it once', () => {
    const { writer, reader } = ring(1024)
    let frames = 0
    while (writeFrame(writer, frames, 128)) frames++
    expect(frames).toBe(8)
    expect(writer.wantSpace(128)).toBe(true)
    writer.show()
    expect(reader.drain(1, () => {})).toBe(1)
    expect(reader.spaceWanted()).toBe(false) // room for one is not yet room to go on
    expect(writer.wantSpace(128)).toBe(true)
    reader.drain(1, () => {})
    expect([reader.spaceWanted(), reader.spaceWanted()]).toEqual([true, false])
    expect(writer.wantSpace(128)).toBe(false)
  })

  it('is given back when take() throws, the frame that threw included', () => {
    const { writer, reader } = ring(1024)
    for (let i = 0; i < 4; i++) writeFrame(writer, i, 64)
    const third = writer.position - 64
    writer.show()
    const seen: number[] = []
    const take = (offset: number): void => {
      seen.push(offset)
      if (seen.length === 3) throw new Error('unreadable')
    }
    expect(() => reader.drain(10, take)).toThrow('unreadable')
    expect(writer.consumed(third)).toBe(true)
    expect(reader.empty).toBe(false)
    expect(reader.drain(10, offset => checkFrame(reader.words, offset, 3))).toBe(1)
  })

  it('is counted in steps of 8', () => {
    expect([0, 1, 7, 8, 9, 4095].map(pad8)).toEqual([0, 8, 8, 8, 16, 4096])
  })
})

function ring(capacity: number): { writer: RingWriter; reader: RingReader; gauge: RingGauge } {
  const memory = createRing(capacity)
  return { writer: new RingWriter(memory), reader: new RingReader(memory), gauge: new RingGauge(memory) }
}

/** Writes a frame without contents. */
function writeHead(writer: RingWriter, bytes: number): boolean {
  const offset = writer.claim(bytes)
  if (offset < 0) return false
  writer.words[offset >> 2] = bytes
  writer.words[(offset >> 2) + 1] = 1
  writer.commit(bytes)
  return true
}
