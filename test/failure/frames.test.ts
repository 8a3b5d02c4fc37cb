// Hostile frames: lengths that lie, unknown kinds, names that were never defined, bodies that are not what they say,
// random bytes. Whatever comes, the loop lives on, who waits is told, and no prototype is touched. The corpus is in
// corpus/frames.json: one entry per frame that once did harm or could; a failing random run is added to it.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { agent, request } from 'ringreeve'
import { afterAll, expect, it } from 'vitest'
import { HostedType } from '#ringreeve/loop/hosted.js'
import { Loop } from '#ringreeve/loop/loop.js'
import { CancelFlags } from '#ringreeve/sync/cancel.js'
import { House, Status } from '#ringreeve/sync/status.js'
import { Kind } from '#ringreeve/transport/frame.js'
import { RingWriter } from '#ringreeve/transport/ring.js'
import { linkParts } from '../transport/letters.js'

type Lane = 'work' | 'answers'
interface Entry {
  readonly why: string
  readonly lane: Lane
  /** Frames as hexadecimal; `define:` makes the text of name 1, 2, … */
  readonly names?: readonly string[]
  readonly frames: readonly string[]
}
const corpus = JSON.parse(
  readFileSync(new URL('../../../test/failure/corpus/frames.json', import.meta.url), 'utf8'),
) as readonly Entry[]

const Ask = request<unknown, unknown>('ask')
const asked = agent('a').on(Ask, payload => payload)
const flags = new CancelFlags()
const untouched = () =>
  [Object, Array, Map, Error, Function, Uint8Array].map(type => Reflect.ownKeys(type.prototype).map(String).join())
const before = untouched()

/** One loop that reads what the test writes. */
function victim() {
  const { parts } = linkParts(65_536)
  const loop = new Loop({
    index: 1,
    life: 1,
    loops: 3,
    house: new House(),
    status: new Status(),
    flags,
    wait: 'poll',
    paused: true,
    log: false,
    unhandled: false,
    unheard: false,
    recycleAt: 0,
    senderContext: false,
  })
  loop.host(new HostedType(asked))
  loop.route({ version: 1, types: { a: { loops: [1] }, far: { loops: [2] } }, subscriptions: [] })
  loop.peers.attach({ ...parts[1], peer: 2 })
  const writers = { work: new RingWriter(parts[0].work.out), answers: new RingWriter(parts[0].answers.out) }
  const write = (lane: Lane, bytes: Uint8Array): void => {
    const writer = writers[lane]
    const offset = writer.claim(bytes.length)
    writer.bytes.set(bytes, offset)
    writer.commit(bytes.length)
    writer.show()
  }
  const close = () => {
    loop.end()
    parts[0].port.close()
  }
  return { loop, write, [Symbol.dispose]: close }
}

function frame(kind: number, words: Partial<Record<number, number>>, body: Uint8Array, flagBits = 0): Uint8Array {
  const length = 40 + ((body.length + 7) & ~7)
  const bytes = new Uint8Array(length)
  const view = new Int32Array(bytes.buffer)
  view[0] = length
  view[1] = kind | (flagBits << 8)
  view[8] = body.length
  for (const [at, value] of Object.entries(words)) view[Number(at)] = value as number
  bytes.set(body, 40)
  return bytes
}
const define = (number: number, text: string) => frame(Kind.DEFINE, { 2: number }, new TextEncoder().encode(text))

function feed(lane: Lane, names: readonly string[], frames: readonly Uint8Array[]): void {
  using one = victim()
  for (const [at, name] of names.entries()) one.write(lane, define(at + 1, name))
  for (const bytes of frames) one.write(lane, bytes)
  for (let n = 0; n < frames.length + names.length + 2; n++) one.loop.work.chunk(16)
  expect(one.loop.work.hasWork()).toBe(false)
}

afterAll(() => {
  expect(untouched()).toEqual(before)
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})

for (const { why, lane, names = [], frames } of corpus) {
  it(`corpus: ${why}`, () => {
    feed(
      lane,
      names,
      frames.map(hex => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))),
    )
  })
}

const int = fc.oneof(fc.constantFrom(0, 1, 2, 3, -1, 2 ** 31 - 1, -(2 ** 31), 40, 65_536), fc.integer())
const lanes = fc.constantFrom<Lane>('work', 'answers')
const body = fc.uint8Array({ maxLength: 200 })

it('random words in the header of every kind of frame, random flags, random bodies', () => {
  const one = fc.record({
    kind: fc.nat(20),
    flagBits: fc.nat(0xffff),
    words: fc.array(int, { minLength: 8, maxLength: 8 }),
    body,
  })
  fc.assert(
    fc.property(lanes, fc.array(one, { minLength: 1, maxLength: 6 }), (lane, all) => {
      const frames = all.map(({ kind, flagBits, words, body: bytes }) =>
        frame(kind === 0 ? 1 : kind, Object.fromEntries(words.map((word, at) => [at + 2, word])), bytes, flagBits),
      )
      feed(lane, ['a/x', 'ask', 'default/x'], frames)
    }),
    { numRuns: 400 },
  )
})

it('random bytes, also where the length should be', () => {
  const bytes = fc.uint8Array({ minLength: 8, maxLength: 400 }).map(all => all.slice(0, all.length & ~7))
  fc.assert(
    fc.property(lanes, fc.array(bytes, { minLength: 1, maxLength: 4 }), (lane, frames) =>
      feed(lane, ['a/x', 'ask'], frames),
    ),
    { numRuns: 400 },
  )
})

it('a caller is told when the answer cannot be read, and only it', async () => {
  using one = victim()
  const calls = [0, 1].map(n => one.loop.outgoing.send(undefined, Ask, n, 'far/x', undefined))
  const settled = Promise.allSettled(calls)
  one.write('answers', frame(Kind.ANSWER, { 2: 0, 3: 1, 8: 1_000_000 }, new Uint8Array(8)))
  one.write('answers', frame(Kind.ANSWER, { 2: 1, 3: 1 }, Uint8Array.of(42)))
  one.loop.work.chunk(16)
  expect(await settled).toMatchObject([
    { status: 'rejected', reason: { code: 'ERR_RINGREEVE_NOT_SERIALIZABLE' } },
    { status: 'fulfilled', value: 42 },
  ])
})
