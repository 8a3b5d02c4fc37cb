// The codec: plain values come back as they were, in memory of their own; bytes that are no value give an error, and
// change nothing else.
import { isDeepStrictEqual } from 'node:util'
import { decode, ExtensionCodec } from '@msgpack/msgpack'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { binaries, plain } from './values.js'
import { Wire } from './wire.js'

let wire = new Wire()
beforeEach(() => {
  wire = new Wire()
})

const through = (value: unknown): unknown => wire.through(value)

describe('a plain value', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(plain, value => {
        const back = through(value)
        if (!isDeepStrictEqual(back, value)) expect(back).toStrictEqual(value)
      }),
      { numRuns: 1_000 },
    )
  })

  it('keeps the sign of a zero, wherever it is', () => {
    const values = [
      -0,
      [-0],
      { a: -0 },
      new Map([[-0, { b: [-0] }]]),
      new Set([[-0]]),
      Object.assign(new Error(''), { c: -0 }),
    ]
    for (const value of values) expect(isDeepStrictEqual(through(value), value)).toBe(true)
    const [[key, { b }]] = [
      ...(through(new Map([['k', { b: [-0, 0, 7, 2 ** 40] }]])) as Map<string, { b: number[] }>),
    ] as [[string, { b: number[] }]]
    expect([key, ...b]).toStrictEqual(['k', -0, 0, 7, 2 ** 40])
  })

  it('comes back as it was from bytes that came by port', () => {
    fc.assert(
      fc.property(plain, value => {
        const back = wire.byPort(value)
        if (!isDeepStrictEqual(back, value)) expect(back).toStrictEqual(value)
      }),
      { numRuns: 300 },
    )
  })

  it('comes back as it was when it is large', () => {
    const large = {
      text: 'ä'.repeat(60_000),
      list: Array.from({ length: 20_000 }, (_, i) => i * 1.5),
      table: new Map(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, BigInt(i) ** 20n])),
      bytes: new Uint8Array(300_000).fill(7),
    }
    expect(isDeepStrictEqual(through(large), large)).toBe(true)
    expect(isDeepStrictEqual(wire.byPort(large), large)).toBe(true)
  })

  it.each([1, 8, 9, 30])('comes back as it was by port with %i binary fields, in memory of its own', count => {
    const value = Array.from({ length: count }, (_, n) => new Uint16Array(1_000 + n).fill(n))
    const back = wire.byPort(value)
    expect(back).toStrictEqual(value)
    for (const list of value) list.fill(0xffff)
    for (const { buffer } of binaries(back)) expect(buffer).toBeInstanceOf(ArrayBuffer)
    expect(back).toStrictEqual(Array.from({ length: count }, (_, n) => new Uint16Array(1_000 + n).fill(n)))
  })

  it('may have any key that an object can have, but for __proto__', () => {
    const value = { constructor: 1, prototype: 2, toString: 3, hasOwnProperty: 4, '': 5, length: 6 }
    expect(through(value)).toStrictEqual(value)
  })

  it('keeps its memory to itself: not the ring, not the codec, not another value, not another field', () => {
    const held: { value: unknown; back: unknown }[] = []
    fc.assert(
      fc.property(plain, value => {
        held.push({ value: structuredClone(value), back: through(value) })
        const ranges = held.slice(-5).flatMap(({ back }) => binaries(back))
        for (const [i, one] of ranges.entries()) {
          expect(one.buffer).toBeInstanceOf(ArrayBuffer)
          for (const other of ranges.slice(i + 1)) {
            const apart = one.buffer !== other.buffer || one.end <= other.start || other.end <= one.start
            if (!apart) expect.fail('two fields share memory')
          }
        }
      }),
      { numRuns: 300 },
    )
    for (const { value, back } of held) expect(isDeepStrictEqual(back, value)).toBe(true)
  })
})

describe('the bytes of a value', () => {
  it('are MessagePack: any decoder reads them, shapes as lists that begin with their number', () => {
    const extensions = new ExtensionCodec()
    extensions.register({ type: 16, encode: () => null, decode: data => ({ shape: Buffer.from(data).readUInt16BE() }) })
    const value = {
      name: 'ä',
      list: [1, -1, 40_000, 2 ** 40, 1.5],
      inner: { on: true, off: null },
      long: 'x'.repeat(99),
    }
    wire.bytes(value) // what comes for the first time has no shape
    const read = decode(wire.bytes(value), { extensionCodec: extensions })
    const inner = [{ shape: expect.any(Number) }, true, null]
    expect(read).toEqual([{ shape: expect.any(Number) }, 'ä', [1, -1, 40_000, 2 ** 40, 1.5], inner, 'x'.repeat(99)])
  })

  it('are fewer once the keys are known, whatever the order in which shapes come', () => {
    const rows = Array.from({ length: 40 }, (_, i) => ({ identifier: i, [i % 2 ? 'odd' : 'even']: true }))
    expect(through(rows)).toStrictEqual(rows)
    expect(wire.bytes(rows).length).toBeLessThan(JSON.stringify(rows).length / 2)
  })

  it('carry a dictionary of any size', () => {
    const entries = Array.from({ length: 5_000 }, (_, i) => [`key ${i}`, i])
    const dictionary = Object.fromEntries(entries)
    expect(through(dictionary)).toStrictEqual(dictionary)
    for (const [key, value] of entries)
      expect(through({ [key as string]: value })).toStrictEqual({ [key as string]: value })
    expect(wire.book?.count).toBeLessThanOrEqual(1_024)
  })

  it('carry binary fields of an object that has too many keys for a shape, once', () => {
    const keys = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, i]))
    const value = { first: Uint8Array.of(1, 2), inner: { second: Float64Array.of(3), ...keys }, ...keys }
    expect(through([value, Uint8Array.of(4)])).toStrictEqual([value, Uint8Array.of(4)])
    expect(wire.byPort([value, Uint8Array.of(4)])).toStrictEqual([value, Uint8Array.of(4)])
  })

  it('are written in a time that grows with them, also of nested objects without a shape', () => {
    const keys = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, i]))
    const nested = (wrap: (inner: unknown, level: number) => unknown): unknown =>
      Array.from({ length: 60 }).reduce((inner, _, level) => wrap(inner, level), 1 as unknown)
    const wide = nested(inner => ({ inner, ...keys }))
    expect(through(wide)).toStrictEqual(wide)
    for (let i = 0; (wire.book?.count ?? 0) < 1_024; i++) through({ kind: 1, [`a${i % 40}`]: 1, [`b${i % 41}`]: 1 })
    const late = nested((inner, level) => ({ kind: inner, [`a${level % 40}`]: 1, late: 1 }))
    expect(through(late)).toStrictEqual(late)
  })

  it('leave out what is undefined', () => {
    expect(through({ a: 1, b: undefined, c: 2 })).toStrictEqual({ a: 1, c: 2 })
  })

  it('keep undefined where it cannot be left out', () => {
    const values = [
      [undefined, null, [undefined]],
      { list: [1, undefined] },
      new Map([[undefined, undefined]]),
      new Map([['a', new Map([['b', undefined]])]]),
      new Set([undefined, null]),
    ]
    for (const value of values) expect(through(value)).toStrictEqual(value)
  })

  it('give binary parts of a Map, a Set and an error memory of their own', () => {
    const bytes = Uint8Array.of(1, 2, 3).subarray(1)
    const map = through(new Map([['a', bytes]])) as Map<string, Uint8Array>
    const error = through(Object.assign(new Error(''), { bytes })) as Error & { bytes: Uint8Array }
    const [member] = through(new Set([{ bytes }])) as Set<{ bytes: Uint8Array }>
    for (const back of [map.get('a'), error.bytes, member?.bytes]) {
      expect(back).toStrictEqual(bytes)
      expect(back?.buffer.byteLength).toBe(2)
    }
  })
})

describe('bytes that are no value', () => {
  const clean = (): void => {
    expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(prototypeNames)
    expect(Object.getPrototypeOf({})).toBe(Object.prototype)
    expect('polluted' in {}).toBe(false)
  }
  const prototypeNames = Object.getOwnPropertyNames(Object.prototype).sort()

  /** Decodes; whatever is wrong must be said with an Error. */
  function attempt(bytes: Uint8Array): boolean {
    try {
      wire.read(bytes, bytes.length % 2 === 0)
      return true
    } catch (error) {
      expect(error).toBeInstanceOf(Error)
      return false
    } finally {
      clean()
    }
  }

  it('give an error or a value, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
        attempt(bytes)
      }),
      { numRuns: 3_000 },
    )
    expect(through({ a: [1n, new Map([[1, 2]])] })).toStrictEqual({ a: [1n, new Map([[1, 2]])] })
  })

  it('give an error when a value was cut off', () => {
    fc.assert(
      fc.property(plain, fc.nat(), (value, at) => {
        const bytes = wire.bytes(value)
        expect(attempt(bytes.subarray(0, at % bytes.length))).toBe(false)
      }),
      { numRuns: 500 },
    )
  })

  it('give an error when something follows the value', () => {
    fc.assert(
      fc.property(plain, fc.uint8Array({ minLength: 1, maxLength: 9 }), (value, more) => {
        expect(attempt(Buffer.concat([wire.bytes(value), more]))).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  it('give an error or a value when a few of them were changed', () => {
    const change = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(plain, change, (value, changes) => {
        const bytes = wire.bytes(value)
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        attempt(bytes)
      }),
      { numRuns: 1_000 },
    )
  })

  const text = (value: string): number[] => [0xa0 | value.length, ...Buffer.from(value)]
  const map = (...pairs: number[][]): number[] => [0x80 | (pairs.length / 2), ...pairs.flat()]
  const ext = (type: number, data: number[]): number[] => [0xc7, data.length, type, ...data]
  const evil = map(text('polluted'), [1])
  const cases: readonly [string, number[]][] = [
    ['a key __proto__', map(text('__proto__'), evil)],
    ['a key __proto__ inside', [0x91, ...map(text('a'), map(text('__proto__'), evil))]],
    ['an error whose fields are called __proto__', ext(3, map(text('fields'), map(text('__proto__'), evil)))],
    ['a Map of no pairs', ext(1, [0x91, 0x01])],
    ['a list that claims 4 billion values', [0xdd, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ['a map that claims 4 billion pairs', [0xdf, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ['a text that claims 4 billion bytes', [0xdb, 0xff, 0xff, 0xff, 0xff, 0x61]],
    ['a list in a Map that claims 4 billion values', ext(1, [0xdd, 0xff, 0xff, 0xff, 0xff, 0x01])],
    ['binary that is not there', ext(17, [0, 0, 0, 0, 9])],
    ['an object of a shape that nobody told', [0xdc, 0, 2, 0xd5, 16, 3, 0xff, 1]],
    ['lists in lists, 200 deep', new Array(200).fill(0x91).concat([1])],
    ['a Set of a number', ext(2, [0x05])],
    ['an error of nothing', ext(3, [0xc0])],
    ['an error without fields', ext(3, map(text('name'), text('x')))],
    ['a typed array of no class', ext(4, [99, 1, 2, 3])],
    ['a typed array of no bytes', ext(4, [])],
    ['half a number of a typed array', ext(4, [4, 1, 2, 3])],
    ['a reference to nothing', [0xd6, 12, 0, 0, 0, 9]],
    ['something beside that is not there', [0xd6, 11, 0, 0, 0, 0]],
    ['a list with gaps that has a place behind its end', ext(10, [0, 0, 0, 1, 0, 0, 0, 0, 5, 1])],
    ['a bigint of letters', ext(6, [0x61, 0x62])],
    ['an Int64 timestamp that ends early', ext(255, [1, 2, 3])],
  ]
  for (const [what, bytes] of cases) {
    it(`give an error and change nothing: ${what}`, () => {
      expect(attempt(Uint8Array.from(bytes))).toBe(false)
    })
  }
})
