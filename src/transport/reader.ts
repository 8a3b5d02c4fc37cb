// Reads what writer.ts wrote, also straight out of a ring. Whatever the bytes say, it ends, with a value or a typed
// error: lengths are held against the bytes that are there before memory is taken for them, and nesting has a bound.
// Nothing that it returns is a view of the bytes.
import type { Extensions } from './extensions.js'
import { pad8 } from './ring.js'
import type { Shape } from './shapes.js'
import { ARRAY_BUFFER, BINARY, MAX_DEPTH, SHAPED, views } from './writer.js'

/** Memory with bodies in it: a ring, or one body that came by port. */
export class Source {
  readonly bytes: Buffer
  readonly words: Int32Array
  readonly view: DataView
  /** What the numbers of shapes mean in bodies from here. */
  readonly shapes: readonly Shape[]
  /** For one body that came by port: its binary fields, which are then the value's own. Else they stand in the memory. */
  readonly binaries: readonly Uint8Array<ArrayBuffer>[]

  /** @param memory begins at a multiple of 4 of its buffer */
  constructor(memory: Uint8Array, shapes: readonly Shape[], binaries: readonly Uint8Array<ArrayBuffer>[] = []) {
    const { buffer, byteOffset, byteLength } = memory
    this.bytes = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
    this.words = new Int32Array(buffer, byteOffset, byteLength >> 2)
    this.view = new DataView(buffer, byteOffset, byteLength)
    this.shapes = shapes
    this.binaries = binaries
  }
}

const { fromCharCode } = String
const nothing = new Source(new Uint8Array(0), [])

/** Reads bodies, one at a time. */
export class BodyReader {
  readonly #extensions: Extensions
  #source = nothing
  #at = 0
  #end = 0
  #binaries = 0
  #binariesEnd = 0
  /** How many of {@link Source.binaries} were handed out. */
  #taken = 0
  #depth = 0

  constructor(extensions: Extensions) {
    this.#extensions = extensions
  }

  /**
   * The value of the `length` bytes at `offset` (a multiple of 8).
   * @param binary whether it has binary fields
   * @throws RangeError when the bytes are not one value
   */
  read(source: Source, offset: number, length: number, binary: boolean): unknown {
    this.#source = source
    this.#at = offset
    this.#end = offset + length
    this.#depth = 0
    this.#binaries = 0
    this.#binariesEnd = 0
    this.#taken = 0
    const behind = binary && source.binaries.length === 0
    if (behind) {
      const start = length < 12 ? 0 : (source.words[(offset + length - 4) >> 2] as number)
      if (start <= 0 || start > length - 4 || start % 8 !== 0) throw wrong('binary fields begin outside of the body')
      this.#binaries = offset + start
      this.#binariesEnd = this.#end - 4
      this.#end = offset + start
    }
    try {
      const value = this.value()
      const left = behind ? this.#end - offset - pad8(this.#at - offset) : this.#end - this.#at
      if (left !== 0 || this.#binaries !== this.#binariesEnd) throw wrong('bytes are left over')
      if (binary && !behind && this.#taken !== source.binaries.length) throw wrong('binary fields are left over')
      return value
    } finally {
      this.#source = nothing
    }
  }

  /** The next value. */
  value(): unknown {
    const at = this.#at
    if (at >= this.#end) throw wrong('it ends too soon')
    const head = this.#source.bytes[at] as number
    this.#at = at + 1
    if (head < 0x80) return head
    if (head < 0x90) return this.#map(head & 15)
    if (head < 0xa0) return this.#array(head & 15)
    if (head < 0xc0) return this.#text(head & 31)
    if (head >= 0xe0) return head - 0x100
    return this.#headed(head)
  }

  #headed(head: number): unknown {
    switch (head) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xcb:
        return this.#source.view.getFloat64(this.#skip(8))
      case 0xd2:
        return this.#source.view.getInt32(this.#skip(4))
      case 0xda:
        return this.#text(this.#two())
      case 0xdb:
        return this.#text(this.#four())
      case 0xdc:
        return this.#shapedOrArray(this.#two())
      case 0xdd:
        return this.#array(this.#four())
      case 0xde:
        return this.#map(this.#two())
      case 0xdf:
        return this.#map(this.#four())
      case 0xc7:
        return this.#extension(this.#source.bytes[this.#skip(1)] as number)
      case 0xc9:
        return this.#extension(this.#four())
      default:
        throw wrong(`no value begins with byte 0x${head.toString(16)}`)
    }
  }

  #shapedOrArray(length: number): unknown {
    const { bytes, shapes } = this.#source
    const at = this.#at
    if (bytes[at] !== 0xd5 || bytes[at + 1] !== SHAPED) return this.#array(length)
    this.#skip(4)
    const shape = shapes[((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)]
    if (shape === undefined || shape.keys.length !== length - 1)
      throw wrong('an object has a shape that was never told')
    this.#deeper()
    const object = shape.read(this)
    this.#depth--
    return object
  }

  #array(length: number): unknown[] {
    this.#deeper()
    this.#fits(length)
    const list: unknown[] = []
    for (let i = 0; i < length; i++) list.push(this.value())
    this.#depth--
    return list
  }

  #map(length: number): Record<string, unknown> {
    this.#deeper()
    this.#fits(length)
    const object: Record<string, unknown> = {}
    for (let i = 0; i < length; i++) {
      const key = this.value()
      if (typeof key !== 'string' || key === '__proto__') throw wrong(`${String(key).slice(0, 100)} is no key`)
      object[key] = this.value()
    }
    this.#depth--
    return object
  }

  #text(length: number): string {
    const { bytes } = this.#source
    const at = this.#skip(length)
    if (length > 12) {
      if (length >= 64) return bytes.toString('utf8', at, at + length)
      for (let i = at; i < at + length; i++) {
        if ((bytes[i] as number) > 0x7f) return bytes.toString('utf8', at, at + length)
      }
      return bytes.toString('latin1', at, at + length)
    }
    for (let i = at; i < at + length; i++) {
      if ((bytes[i] as number) > 0x7f) return bytes.toString('utf8', at, at + length)
    }
    if (length <= 4) return characters(bytes, at, length)
    const first = characters(bytes, at, 4)
    if (length <= 8) return first + characters(bytes, at + 4, length - 4)
    return first + characters(bytes, at + 4, 4) + characters(bytes, at + 8, length - 8)
  }

  #extension(length: number): unknown {
    const at = this.#skip(length + 1)
    const { bytes, view } = this.#source
    const type = view.getInt8(at)
    if (type === BINARY && length === 5) return this.#binary(bytes[at + 1] as number, view.getUint32(at + 2))
    return this.#extensions.decode(new Uint8Array(bytes.subarray(at + 1, at + 1 + length)), type, undefined)
  }

  #binary(number: number, length: number): unknown {
    const bytes = this.#source.binaries.length > 0 ? this.#apart(length) : this.#behind(length)
    if (number === 0) return bytes
    if (number === ARRAY_BUFFER) return bytes.buffer
    const type = views[number] as (new (memory: ArrayBuffer) => ArrayBufferView) | undefined
    if (type === undefined) throw wrong(`no view has the number ${number}`)
    return new type(bytes.buffer)
  }

  /** The next binary field, which came in memory of its own. */
  #apart(length: number): Uint8Array<ArrayBuffer> {
    const bytes = this.#source.binaries[this.#taken++]
    if (bytes?.length !== length) throw wrong(`a binary field claims ${length} bytes`)
    return bytes
  }

  /** A copy of the next binary field behind the tree. */
  #behind(length: number): Uint8Array<ArrayBuffer> {
    const at = this.#binaries
    if (length > this.#binariesEnd - at) throw wrong(`a binary field claims ${length} bytes`)
    this.#binaries = at + pad8(length)
    const copy = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer) // not zeroed: all of it is written now
    copy.set(this.#source.bytes.subarray(at, at + length))
    return copy
  }

  /** Passes over `length` bytes. @returns where they begin */
  #skip(length: number): number {
    const at = this.#at
    if (length > this.#end - at) throw wrong(`${length} bytes are claimed where ${this.#end - at} are left`)
    this.#at = at + length
    return at
  }

  #two(): number {
    return this.#source.view.getUint16(this.#skip(2))
  }

  #four(): number {
    return this.#source.view.getUint32(this.#skip(4))
  }

  #deeper(): void {
    if (++this.#depth > MAX_DEPTH) throw wrong(`it is nested more than ${MAX_DEPTH} levels`)
  }

  /** Each of `length` values takes at least a byte. */
  #fits(length: number): void {
    if (length > this.#end - this.#at)
      throw wrong(`${length} values are claimed where ${this.#end - this.#at} bytes are left`)
  }
}

function characters(bytes: Buffer, at: number, length: number): string {
  const b = bytes as unknown as readonly number[] & { [index: number]: number }
  switch (length) {
    case 0:
      return ''
    case 1:
      return fromCharCode(b[at] as number)
    case 2:
      return fromCharCode(b[at] as number, b[at + 1] as number)
    case 3:
      return fromCharCode(b[at] as number, b[at + 1] as number, b[at + 2] as number)
    default:
      return fromCharCode(b[at] as number, b[at + 1] as number, b[at + 2] as number, b[at + 3] as number)
  }
}

function wrong(what: string): RangeError {
  return new RangeError(`not a body: ${what}`)
}
