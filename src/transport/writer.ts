// Writes a value as MessagePack. Always the same bytes for the same value and book; what it cannot write is refused
// whole, before anything is sent. Beyond plain MessagePack:
//
//   object by shape   array16 of n + 1: fixext2 of type 16 with the number of its shape, then its n values
//   binary            ext8 of type 17: which view, then the number of bytes; the bytes themselves stand behind the tree,
//                     each at a multiple of 8, where a copy is several times faster
//   others            extensions.ts: Map, Set, Error, Date, bigint, undefined in a list
//
// A body with binary fields ends with one more Int32 in the machine's order: where the first of them begins.
import { type Body, bodyBytes, checkLength } from './body.js'
import { type Extensions, Forbidden, NotPlain, typedArrays, UNDEFINED } from './extensions.js'
import { pad8 } from './ring.js'
import type { ShapeBook, ShapeNode } from './shapes.js'

export const SHAPED = 16
export const BINARY = 17
export const MAX_DEPTH = 100

/** Views that travel as binary, by the number they have on the wire. ArrayBuffer itself is the last. */
export const views = [Uint8Array, ...typedArrays] as const
export const ARRAY_BUFFER = views.length
const viewNumbers = new Map<unknown, number>(views.map((type, index) => [type, index]))
viewNumbers.set(Buffer, 0)

const START = 64 * 1024
/** The buffer may stay so large. */
const MOST = 1024 * 1024
const SHORT = 24

/** Writes one value at a time into memory of its own. */
export class BodyWriter {
  readonly book: ShapeBook
  readonly #extensions: Extensions
  /** The memory: the tree that was written last begins at 0. */
  #bytes = Buffer.alloc(0)
  #words = new Int32Array(0)
  #view = new DataView(new ArrayBuffer(0))
  #at = 0
  #depth = 0
  #shaped = false
  /** The binary fields of the value written last, in their order: not copies, but views of the value's own memory. */
  readonly #binaries: Uint8Array<ArrayBuffer>[] = []

  constructor(book: ShapeBook, extensions: Extensions) {
    this.book = book
    this.#extensions = extensions
    this.#allocate(START)
  }

  /**
   * Fills `body` with the value. Its tree stands in the writer's memory and is good until the next write; its binary
   * fields are the value's own memory. When it throws, no field of `body` was set.
   * @throws NotPlain when the value, or a part of it, is not plain data
   */
  write(value: unknown, body: Body): void {
    if (this.#bytes.length > MOST) this.#allocate(START) // one large body must not be held for ever
    this.#at = 0
    this.#depth = 0
    this.#shaped = false
    if (this.#binaries.length > 0) this.#binaries.length = 0
    this.#value(value)
    const tree = this.#at
    const binaries = this.#binaries
    body.bytes = this.#bytes
    body.words = this.#words
    body.tree = tree
    body.binaries = binaries
    body.length = binaries.length === 0 ? tree : bodyBytes(tree, binaries)
    body.shapes = this.#shaped ? this.book.count : 0
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case 'string':
        return this.#string(value)
      case 'number':
        return this.#number(value)
      case 'boolean':
        this.#room(1)
        this.#bytes[this.#at++] = value ? 0xc3 : 0xc2
        return
      case 'object':
        return value === null ? this.#nil() : this.#object(value)
      case 'undefined':
        return this.#undefined()
      default:
        return this.#extension(value)
    }
  }

  #nil(): void {
    this.#room(1)
    this.#bytes[this.#at++] = 0xc0
  }

  /** A field that is undefined is left out; an element of a list cannot be. */
  #undefined(): void {
    this.#room(3)
    this.#bytes[this.#at++] = 0xc7
    this.#bytes[this.#at++] = 0
    this.#bytes[this.#at++] = UNDEFINED
  }

  #number(value: number): void {
    this.#room(9)
    const bytes = this.#bytes
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= -32 && value < 128) {
        bytes[this.#at++] = value
        return
      }
      bytes[this.#at] = 0xd2
      this.#view.setInt32(this.#at + 1, value)
      this.#at += 5
      return
    }
    bytes[this.#at] = 0xcb
    this.#view.setFloat64(this.#at + 1, value)
    this.#at += 9
  }

  #string(text: string): void {
    const { length } = text
    this.#room(5 + 3 * length)
    const bytes = this.#bytes
    const at = this.#at
    if (length < SHORT) {
      let i = 0
      for (; i < length; i++) {
        const code = text.charCodeAt(i)
        if (code > 0x7f) break
        bytes[at + 1 + i] = code
      }
      if (i === length) {
        bytes[at] = 0xa0 | length
        this.#at = at + 1 + length
        return
      }
    }
    // half a surrogate pair has no UTF-8; a structured clone carries it
    if (!text.isWellFormed()) throw new NotPlain('a string with half a surrogate pair is not plain data')
    if (length < 0x5555) {
      const written = bytes.write(text, at + 3)
      bytes[at] = 0xda
      this.#view.setUint16(at + 1, written)
      this.#at = at + 3 + written
    } else {
      const written = bytes.write(text, at + 5)
      bytes[at] = 0xdb
      this.#view.setUint32(at + 1, written)
      this.#at = at + 5 + written
    }
  }

  #object(value: object): void {
    if (++this.#depth > MAX_DEPTH) throw new NotPlain(`nested more than ${MAX_DEPTH} levels, or a cycle`)
    if (Array.isArray(value)) this.#array(value)
    else {
      const prototype: unknown = Object.getPrototypeOf(value)
      if (prototype === Object.prototype || prototype === null) this.#record(value as Record<string, unknown>)
      else if (ArrayBuffer.isView(value)) this.#binary(value, viewNumbers.get(value.constructor))
      else if (value instanceof ArrayBuffer) this.#binary(new Uint8Array(value), ARRAY_BUFFER)
      else this.#extension(value)
    }
    this.#depth--
  }

  #array(list: readonly unknown[]): void {
    const { length } = list
    this.#length(length, 0x90, 0xdc)
    for (let i = 0; i < length; i++) this.#value(list[i])
  }

  /** An object by its shape: the head is written last, when all keys have been seen. */
  #record(object: Record<string, unknown>): void {
    const start = this.#at
    const binaries = this.#binaries.length
    this.#room(7)
    this.#at = start + 7
    let node: ShapeNode | undefined = this.book.root
    for (const key in object) {
      const field = object[key]
      if (field === undefined) continue
      node = node.lastKey === key ? (node.lastNode as ShapeNode) : this.book.step(node, key)
      // what begins like an object that had no shape is looked at first: written twice at each level of its nesting, a
      // tree of such objects would take twice as long for each level more
      if (node?.doubtful === true && !this.book.takes(object)) node = undefined
      if (node === undefined) break
      this.#value(field)
    }
    const id = node === undefined ? -1 : this.book.number(node)
    if (id < 0) {
      this.book.doubt(object)
      this.#at = start
      this.#binaries.length = binaries
      return this.#map(object)
    }
    const bytes = this.#bytes
    const values = (node as ShapeNode).depth + 1
    bytes[start] = 0xdc
    bytes[start + 1] = values >> 8
    bytes[start + 2] = values
    bytes[start + 3] = 0xd5
    bytes[start + 4] = SHAPED
    bytes[start + 5] = id >> 8
    bytes[start + 6] = id
    this.#shaped = true
  }

  #map(object: Record<string, unknown>): void {
    const keys = Object.keys(object).filter(key => object[key] !== undefined)
    if (keys.includes('__proto__')) throw new Forbidden('an object has a key __proto__')
    this.#length(keys.length, 0x80, 0xde)
    for (const key of keys) {
      this.#string(key)
      this.#value(object[key])
    }
  }

  #binary(view: ArrayBufferView, number: number | undefined): void {
    if (number === undefined) throw new NotPlain(`${view.constructor.name} is not plain data`)
    if (view.buffer instanceof SharedArrayBuffer) throw new NotPlain('memory that is shared stays shared')
    this.#room(8)
    const bytes = this.#bytes
    bytes[this.#at] = 0xc7
    bytes[this.#at + 1] = 5
    bytes[this.#at + 2] = BINARY
    bytes[this.#at + 3] = number
    this.#view.setUint32(this.#at + 4, view.byteLength)
    this.#at += 8
    this.#binaries.push(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
  }

  #extension(value: unknown): void {
    const [type, data] = this.#extensions.write(value)
    this.#room(6 + data.length)
    this.#bytes[this.#at] = 0xc9
    this.#view.setUint32(this.#at + 1, data.length)
    this.#bytes[this.#at + 5] = type
    this.#bytes.set(data, this.#at + 6)
    this.#at += 6 + data.length
  }

  #length(length: number, fix: number, sixteen: number): void {
    this.#room(5)
    const bytes = this.#bytes
    if (length < 16) bytes[this.#at++] = fix | length
    else if (length < 0x10000) {
      bytes[this.#at] = sixteen
      this.#view.setUint16(this.#at + 1, length)
      this.#at += 3
    } else {
      bytes[this.#at] = sixteen + 1
      this.#view.setUint32(this.#at + 1, length)
      this.#at += 5
    }
  }

  #room(bytes: number): void {
    if (this.#at + bytes > this.#bytes.length) this.#grow(this.#at + bytes)
  }

  #grow(least: number): void {
    checkLength(least)
    const old = this.#bytes
    this.#allocate(Math.max(least, old.length * 2))
    old.copy(this.#bytes, 0, 0, this.#at)
  }

  #allocate(length: number): void {
    const memory = new ArrayBuffer(pad8(length))
    this.#bytes = Buffer.from(memory)
    this.#words = new Int32Array(memory)
    this.#view = new DataView(memory)
  }
}
