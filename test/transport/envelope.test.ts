// What a frame carries beside its body: every section comes out as it went in, and an interned name always means the
// text that its sender meant, also when there are more names than numbers.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bodyOf } from '#ringreeve/transport/body.js'
import { type Envelope, emptyEnvelope, Flag, frameBytes, Kind } from '#ringreeve/transport/frame.js'
import type { Link } from '#ringreeve/transport/link.js'
import { FIRST_NAME, Names } from '#ringreeve/transport/names.js'
import { drain, joined } from './letters.js'

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const text = (maxLength: number) => fc.string({ unit: 'binary', minLength: 1, maxLength })
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })

const envelopes: fc.Arbitrary<Envelope> = fc
  .record({
    kind: fc.constantFrom(
      Kind.REQUEST,
      Kind.EVENT,
      Kind.EVENT_TO,
      Kind.ANSWER,
      Kind.FAILURE,
      Kind.HANDLED,
      Kind.CANCEL,
    ),
    flags: fc
      .subarray([Flag.EMPTY, Flag.CUSTOM, Flag.BINARY, Flag.TO_SELF, Flag.WAITED])
      .map(all => all.reduce((a, b) => a | b, 0)),
    slot: int32,
    generation: int32,
    sender: maybe(text(40)),
    recipient: maybe(text(40)),
    topic: maybe(text(40)),
    message: maybe(text(40)),
    sequence: fc.integer({ min: 0, max: 2 ** 40 - 1 }),
    trace: maybe(fc.tuple(hex(2), hex(32), hex(16), hex(2)).map(parts => parts.join('-'))),
    cancel: maybe(fc.record({ loop: int32, life: int32, slot: int32, generation: int32 })),
    chain: maybe(fc.array(fc.record({ agent: text(30), turn: int32 }), { minLength: 1, maxLength: 64 })),
    id: maybe(text(512)),
  })
  .map(envelope => ({
    ...envelope,
    flags:
      envelope.flags |
      (envelope.trace === undefined ? 0 : Flag.TRACE) |
      (envelope.cancel === undefined ? 0 : Flag.CANCEL) |
      (envelope.chain === undefined ? 0 : Flag.CHAIN) |
      (envelope.id === undefined ? 0 : Flag.ID),
  }))

/** Sends one frame and takes it at the other end. */
function carry(
  a: Link,
  b: Link,
  envelope: Envelope,
  bytes: Uint8Array | undefined,
): { envelope: Envelope; body: Uint8Array } {
  if (a.work.out.send({ ...envelope }, bodyOf(bytes)) < 0) throw new Error('the ring is full')
  a.show()
  const came: { envelope: Envelope; body: Uint8Array }[] = []
  drain(b.work.in, (got, { source, offset, length }) => {
    const body = new Uint8Array(source.bytes.subarray(offset, offset + length))
    came.push({ envelope: { ...got, flags: got.flags & ~Flag.BULK }, body })
  })
  expect(came.length).toBe(1)
  return came[0] as (typeof came)[0]
}

describe('a frame', () => {
  it('carries every section as it was', () => {
    using both = joined(2 ** 18)
    fc.assert(
      fc.property(envelopes, fc.uint8Array({ maxLength: 300 }), (envelope, bytes) => {
        const came = carry(both.a, both.b, envelope, bytes)
        expect(came.envelope).toEqual(envelope)
        expect(Buffer.compare(came.body, bytes)).toBe(0)
      }),
      { numRuns: 1_000 },
    )
  })

  it('is a multiple of 8 bytes long, whatever is in it', () => {
    fc.assert(
      fc.property(fc.nat(2047), fc.nat(64), fc.nat(2000), fc.nat(5000), (flags, chain, id, body) => {
        expect(frameBytes(flags, chain, id, body) % 8).toBe(0)
      }),
    )
  })

  it('keeps its sections when its body goes by port', () => {
    using both = joined()
    fc.assert(
      fc.property(envelopes, fc.integer({ min: 8_192, max: 50_000 }), (envelope, length) => {
        const bytes = new Uint8Array(length).fill(length & 0xff)
        const came = carry(both.a, both.b, envelope, bytes)
        expect(came.envelope).toEqual(envelope)
        expect(Buffer.compare(came.body, bytes)).toBe(0)
      }),
      { numRuns: 50 },
    )
  })
})

describe('a name', () => {
  it('may be longer than the longest frame', () => {
    using both = joined(8_192)
    const envelope = emptyEnvelope(Kind.REQUEST)
    envelope.sender = `s/${'é'.repeat(5_000)}`
    envelope.recipient = `r/${'x'.repeat(1_100)}`
    for (let i = 0; i < 3; i++) {
      const came = carry(both.a, both.b, envelope, undefined)
      expect([came.envelope.sender, came.envelope.recipient]).toEqual([envelope.sender, envelope.recipient])
    }
  })

  it('stays right, and both ends remember so many characters only, when names are long', { timeout: 60_000 }, () => {
    using both = joined(2 ** 18)
    const long = (i: number, length: number): string => `${i}/${'x'.repeat(length)}`
    const meant: string[] = []
    const came: string[] = []
    for (let i = 0; i < 3_000; i++) {
      const envelope = emptyEnvelope(Kind.REQUEST)
      envelope.flags = Flag.EMPTY | Flag.CHAIN
      envelope.sender = 's/0'
      envelope.recipient = long(i, 5_000)
      // now and then one frame names more than is remembered at all
      const chain = i % 1_000 === 500 ? 64 : 1
      envelope.chain = Array.from({ length: chain }, (_, n) => ({ agent: long(n, chain * 1_500), turn: n }))
      meant.push(names(envelope))
      both.a.work.out.send(envelope, bodyOf(undefined))
      both.a.show()
      do drain(both.b.work.in, got => came.push(names(got)))
      while (both.a.work.out.retry())
    }
    expect(came.length).toBe(meant.length)
    expect(came.findIndex((got, i) => got !== meant[i])).toBe(-1)
  })

  it('is forgotten with the others, when there are too many characters', () => {
    const reader: string[] = []
    const lane = new Names((number, text) => {
      if (number === FIRST_NAME) reader.length = 0
      reader[number] = text
      return true
    })
    let most = 0
    for (let i = 0; i < 20_000; i++) {
      const envelope = emptyEnvelope(Kind.REQUEST)
      envelope.recipient = `${i}/${'x'.repeat(2_000)}`
      lane.intern(envelope)
      if (lane.full) lane.forget()
      if (i % 100 === 0) most = Math.max(most, reader.join('').length)
    }
    expect(most).toBeGreaterThan(1_000_000)
    expect(most).toBeLessThan(5_000_000)
  })

  const NUMBERS = 65_536
  /** Every name of a frame in turn is new each time; the others stay the same, and must stay what they are. */
  const fresh: { readonly what: string; readonly set: (envelope: Envelope, name: string) => void }[] = [
    { what: 'sender', set: (envelope, name) => (envelope.sender = name) },
    { what: 'recipient', set: (envelope, name) => (envelope.recipient = name) },
    { what: 'topic', set: (envelope, name) => (envelope.topic = name) },
    { what: 'message', set: (envelope, name) => (envelope.message = name) },
    {
      what: 'agent of the chain',
      set: (envelope, name) =>
        (envelope.chain = [
          { agent: 'c/0', turn: 1 },
          { agent: name, turn: 2 },
        ]),
    },
  ]
  for (const { what, set } of fresh) {
    it(`stays right when there are more than numbers for them: each frame with a new ${what}`, () => {
      using both = joined(2 ** 18)
      const lane = both.a.work.out
      let wrong: string | undefined
      let taken = 0
      for (let i = 0; i < 2 * NUMBERS + 100; i++) {
        const envelope = emptyEnvelope(Kind.REQUEST)
        envelope.flags = Flag.EMPTY | Flag.CHAIN
        envelope.sender = 's/0'
        envelope.recipient = 'r/0'
        envelope.topic = 't/0'
        envelope.message = 'm'
        envelope.chain = [
          { agent: 'c/0', turn: 1 },
          { agent: 'c/1', turn: 2 },
        ]
        set(envelope, `new/${i}`)
        const meant = names(envelope)
        if (lane.send(envelope, bodyOf(undefined)) < 0) expect.fail('the ring is full')
        lane.show()
        drain(both.b.work.in, got => {
          taken++
          if (names(got) !== meant) wrong ??= `frame ${i} said ${names(got)}, its sender meant ${meant}`
        })
      }
      expect(wrong).toBeUndefined()
      expect(taken).toBe(2 * NUMBERS + 100)
    })
  }
})

function names({ sender, recipient, topic, message, chain }: Envelope): string {
  return [sender, recipient, topic, message, ...(chain ?? []).map(entry => entry.agent)].join(' ')
}
