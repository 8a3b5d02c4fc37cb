// Values that are more than plain trees: what is referred to twice is one object, lists keep their gaps, dictionaries spoil
// nothing, and what is no plain data has the same rules as all that stands beside it.
import { runInNewContext } from 'node:vm'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Body, bodyOf } from '#ringreeve/transport/body.js'
import { Codec } from '#ringreeve/transport/codec.js'
import { NotPlain } from '#ringreeve/transport/extensions.js'
import { Shape } from '#ringreeve/transport/shapes.js'
import { Source } from '#ringreeve/transport/source.js'
import { Wire } from './wire.js'

let wire = new Wire()
beforeEach(() => {
  wire = new Wire()
})

const through = (value: unknown): unknown => wire.through(value)

describe('what is referred to twice', () => {
  it('is one object, of whatever kind, and written once', () => {
    const kinds = [
      { a: 1 },
      [1],
      new Map([[1, 2]]),
      new Set([1]),
      new Date(5),
      new Error('e'),
      Uint8Array.of(1),
      /x/g,
      {},
    ]
    for (const one of kinds) {
      for (const fill of [0, 20]) {
        const beside = Array.from({ length: fill }, (_, n) => ({ n }))
        const back = through([one, ...beside, one, new Map([[one, { one }]])]) as unknown[]
        const [[key, { one: inner }]] = [...(back[fill + 2] as Map<unknown, { one: unknown }>)] as [
          [unknown, { one: unknown }],
        ]
        expect(back[0]).toStrictEqual(one)
        expect([back[fill + 1] === back[0], key === back[0], inner === back[0]]).toEqual([true, true, true])
      }
    }
    let graph: unknown = { leaf: 1 }
    for (let i = 0; i < 40; i++) graph = { a: graph, b: graph }
    expect(wire.bytes(graph).length).toBeLessThan(2_000)
  })

  it('may be what it stands in', () => {
    for (let again = 0; again < 12; again++) {
      const list: unknown[] = [1]
      const value = { list, map: new Map<string, unknown>(), error: new Error('e'), self: undefined as unknown }
      value.self = value
      list.push(list, value)
      value.map.set('up', value)
      value.error.cause = value.error
      const back = through(value) as typeof value
      expect([back.self, back.list[2], back.map.get('up')].every(one => one === back)).toBe(true)
      expect([back.list[1] === back.list, back.error.cause === back.error]).toEqual([true, true])
    }
  })

  it('may be nested as deep as can be', () => {
    let chain: unknown = null
    const error = new Error('at the end')
    for (let i = 0; i < 5_000; i++) {
      chain = i % 3 === 0 ? { i, chain } : i % 3 === 1 ? [i, chain] : new Map([[i, chain]])
      if (i === 0) chain = { i, error, chain: [error] }
    }
    let back = through(chain)
    for (let i = 4_999; i > 0; i--) {
      if (i % 3 === 0) back = (back as { chain: unknown }).chain
      else back = i % 3 === 1 ? (back as unknown[])[1] : (back as Map<number, unknown>).get(i)
    }
    const {
      error: one,
      chain: [other],
    } = back as { error: Error; chain: [Error] }
    expect([one.message, one === other]).toEqual(['at the end', true])
  })

  it('is held by nothing afterwards, also when the value is refused', async () => {
    const refs = [[], Array.from({ length: 50 }, (_, n) => ({ n }))].map(beside => {
      const value = { beside, call: () => {} }
      expect(() => wire.codec.encode(value)).toThrow(NotPlain)
      return beside.length
    })
    expect(refs).toEqual([0, 50])
    expect(through({ a: [1] })).toEqual({ a: [1] })
  })
})

describe('a list with gaps', () => {
  it('keeps them, and takes no more than its values', () => {
    const far: unknown[] = [1, undefined, { a: 1 }]
    far[1_000] = 'x'
    far[4_294_967_290] = far
    const back = through(far) as unknown[]
    expect([back.length, Object.keys(back), back[4_294_967_290] === back]).toEqual([
      4_294_967_291,
      ['0', '1', '2', '1000', '4294967290'],
      true,
    ])
    const empty = new Array(30_000_000)
    expect(wire.bytes(empty).length).toBeLessThan(20)
    expect((through(empty) as unknown[]).length).toBe(30_000_000)
    // biome-ignore lint/suspicious/noSparseArray: that is the point
    const short = [, 1, , [2, , 3], ,]
    expect(through({ short })).toStrictEqual({ short })
    // biome-ignore lint/suspicious/noSparseArray: that is the point
    const named = Object.assign([, 1], { '': 'no element', '-1': 'nor this' })
    expect(Object.keys(through(named) as object)).toEqual(['1'])
  })
})

describe('dictionaries of ever-new keys', () => {
  const rows = Array.from({ length: 100 }, (_, i) => ({ identifier: i, name: 'n', latitude: 1.5, longitude: 2.5 }))
  const bytesOf = (value: unknown): number => {
    expect(through(value)).toStrictEqual(value)
    return wire.bytes(value).length
  }

  it('spoil nothing for others, also when they come twice', () => {
    const before = bytesOf(rows)
    for (let i = 0; i < 5_000; i++) wire.bytes({ [`user-${i}`]: 1 })
    expect(bytesOf(rows)).toBe(before)
    for (let i = 0; i < 3_000; i++)
      for (let twice = 0; twice < 2; twice++) wire.bytes({ [`user-${i}`]: { [`of-${i}`]: 1 } })
    expect(bytesOf(rows)).toBe(before)
    expect(wire.book?.count).toBeLessThanOrEqual(1_024)
  })
})

it('two codecs share their shapes, and one may close the book in which the other is writing', () => {
  const outer = new Codec()
  const inner = new Codec(outer.books)
  const back = (codec: Codec, body: Body): unknown => {
    const shapes = Array.from({ length: body.shapes }, (_, id) => new Shape(body.book?.text(id) ?? ''))
    return codec.decode(new Source(body.bytes as Uint8Array, shapes), 0, body.length, false, body.linked)
  }
  const rows = (from: number) => Array.from({ length: 1_500 }, (_, i) => ({ [`k${from + (i >> 1)}`]: i }))
  const [around, within] = [bodyOf(undefined), bodyOf(undefined)]
  const known = { before: 1, after: 2 }
  const value = {
    known,
    get nested() {
      for (const from of [0, 750, 1_500]) inner.encode(rows(from), within)
      return 'sent'
    },
    again: [{ ...known }, { late: 1 }, { late: 2 }],
  }
  outer.encode([known, { ...known }], around)
  outer.encode(value, around)
  expect(around.book).not.toBe(within.book)
  expect(back(outer, around)).toEqual({ known, nested: 'sent', again: [known, { late: 1 }, { late: 2 }] })
  expect(back(inner, within)).toEqual(rows(1_500))
})

describe('what is not plain data', () => {
  class Point {
    x = 1
    y: Error | undefined
    get far(): number {
      return 1
    }
  }
  it('arrives as its fields, or as what it is a kind of, by the rules of all that stands beside it', () => {
    const point = Object.assign(new Point(), { y: Object.assign(new TypeError('t'), { code: 'E' }) })
    const back = through({
      point,
      date: new Date(Number.NaN),
      map: new (class extends Map<number, number> {})([[1, 2]]),
      re: /x/gu,
    }) as {
      point: { x: number; y: TypeError & { code: string } }
      date: Date
      map: Map<number, number>
      re: RegExp
    }
    expect([Object.getPrototypeOf(back.point), back.point.x, Object.keys(back.point)]).toEqual([
      Object.prototype,
      1,
      ['x', 'y'],
    ])
    expect(back.point.y).toBeInstanceOf(TypeError)
    expect(back.point.y.code).toBe('E')
    expect([back.date.getTime(), back.map, back.re]).toEqual([Number.NaN, new Map([[1, 2]]), /x/gu])
  })

  it('is the same from other realms', () => {
    const code = `({ plain: { a: [1] }, map: new Map([[1, new Set([2])]]), date: new Date(5), bytes: Uint8Array.of(1),
      error: Object.assign(new RangeError('r', { cause: 'c' }), { code: 'E' }) })`
    const value = runInNewContext(code) as { error: Error }
    const back = through(value) as { error: RangeError & { code: string } }
    const { error, ...rest } = back
    expect(rest).toStrictEqual({
      plain: { a: [1] },
      map: new Map([[1, new Set([2])]]),
      date: new Date(5),
      bytes: Uint8Array.of(1),
    })
    expect(error).toBeInstanceOf(RangeError)
    expect([error.message, error.cause, error.code]).toEqual(['r', 'c', 'E'])
  })

  it('goes beside the value when only a structured clone can copy it', () => {
    const shared = new SharedArrayBuffer(8)
    const body = bodyOf(undefined)
    const view = new Int32Array(shared)
    wire.codec.encode({ shared, again: shared, view, list: [1] }, body)
    expect(body.beside).toEqual([shared, view])
    wire.codec.encode({ list: [1] }, body)
    expect(body.beside).toBe(undefined)
  })

  const evil = JSON.parse('{"__proto__":{"admin":true}}')
  const cases: readonly [string, unknown][] = [
    ['a function', () => {}],
    ['a symbol', Symbol('s')],
    ['a function inside', [{ a: () => {} }]],
    ['a key __proto__', evil],
    ['a key __proto__ behind a regular expression', [/x/, evil]],
    ['a key __proto__ in a Map', new Map([['a', evil]])],
    ['a key __proto__ in a class instance', Object.assign(new Point(), { evil })],
  ]
  for (const [what, value] of cases) {
    it(`is refused, and the next value goes through: ${what}`, () => {
      expect(() => wire.codec.encode(value, bodyOf(undefined))).toThrow(NotPlain)
      expect(through({ a: [1] })).toEqual({ a: [1] })
    })
  }
})
