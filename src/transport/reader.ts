// Reads what writer.ts wrote, also straight out of a ring. Whatever the bytes say, it ends, with a value or a typed
// error: lengths are held against the bytes that are there before memory is taken for them, and nesting has a bound.
// Nothing that it returns is a view of the bytes.
import { URL, URLSearchParams } from 'node:url'
import { agentId, topicId } from '../agent/ids.js'
import * as ext from './extensions.js'
import { pad8 } from './ring.js'
import { Source, shortText } from './source.js'
import { emptyError, setField } from './wire-error.js'

const nothing = new Source(new Uint8Array(0), [])

/** Reads bodies, one at a time. */
export class BodyReader {
  #source = nothing
  #at = 0
  #end = 0
  #binaries = 0
  #binariesEnd = 0
  /** How many of {@link Source.binaries} were handed out. */
  #taken = 0
  #depth = 0
  /** How many of {@link Source.beside} were handed out. */
  #besides = 0
  /** Whether values refer to one another: then all objects are kept by number. */
  #linked = false
  #begun: object[] = []
  readonly #later: object[] = []

  /**
   * The value of the `length` bytes at `offset` (a multiple of 8).
   * @param binary whether it has binary fields
   * @param linked whether its values refer to one another
   * @throws RangeError when the bytes are not one value
   */
  read(source: Source, offset: number, length: number, binary: boolean, linked: boolean): unknown {
    this.#source = source
    this.#at = offset
    this.#end = offset + length
    this.#depth = 0
    this.#binaries = 0
    this.#binariesEnd = 0
    this.#taken = 0
    this.#besides = 0
    this.#linked = linked
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
      if (linked) this.#readLater()
      const left = behind ? this.#end - offset - pad8(this.#at - offset) : this.#end - this.#at
      if (left !== 0 || this.#binaries !== this.#binariesEnd) throw wrong('bytes are left over')
      if (binary && !behind && this.#taken !== source.binaries.length) throw wrong('binary fields are left over')
      return value
    } finally {
      this.#source = nothing
      if (linked) {
        this.#begun = []
        this.#later.length = 0
      }
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

  /** An object is there, before its values are. */
  begun(object: object): void {
    this.#begun.push(object)
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
      case 0xd6:
        return this.#word()
      default:
        throw wrong(`no value begins with byte 0x${head.toString(16)}`)
    }
  }

  #shapedOrArray(length: number): unknown {
    const { bytes, shapes } = this.#source
    const at = this.#at
    if (bytes[at] !== 0xd5 || bytes[at + 1] !== ext.SHAPED) return this.#array(length)
    this.#skip(4)
    const shape = shapes[((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)]
    if (shape === undefined || shape.keys.length !== length - 1)
      throw wrong('an object has a shape that was never told')
    this.#deeper()
    const object = shape.read(this, this.#linked)
    this.#depth--
    return object
  }

  #array(length: number): unknown[] {
    this.#deeper()
    this.#fits(length)
    const list: unknown[] = []
    if (this.#linked) this.begun(list)
    for (let i = 0; i < length; i++) list.push(this.value())
    this.#depth--
    return list
  }

  #map(length: number): Record<string, unknown> {
    this.#deeper()
    this.#fits(length)
    const object: Record<string, unknown> = {}
    if (this.#linked) this.begun(object)
    for (let i = 0; i < length; i++) {
      const key = this.value()
      if (typeof key !== 'string' || key === '__proto__') throw wrong(`${String(key).slice(0, 100)} is no key`)
      object[key] = this.value()
    }
    this.#depth--
    return object
  }

  #text(length: number): string {
    const at = this.#skip(length)
    return shortText(this.#source.bytes, at, length)
  }

  #extension(length: number): unknown {
    const at = this.#skip(1)
    const type = this.#source.view.getInt8(at)
    if (type === ext.UNDEFINED && length === 0) return undefined
    if (type === ext.BINARY && length === 5) return this.#binary()
    if (length > this.#end - this.#at) throw wrong(`an extension claims ${length} bytes`)
    const end = this.#at + length
    const value = this.#inside(type, end)
    if (this.#at !== end) throw wrong(`an extension of type ${type} is not as long as it says`)
    return value
  }

  /** What an extension says whose contents end at `end`. */
  #inside(type: number, end: number): unknown {
    const length = end - this.#at
    switch (type) {
      case ext.BIGINT:
        return BigInt(this.#source.bytes.toString('latin1', this.#skip(length), end))
      case ext.WIDE_TEXT:
        return this.#source.bytes.toString('utf16le', this.#skip(length), end)
      case ext.DATE:
        if (length !== 8) break
        return this.#known(new Date(this.#source.view.getFloat64(this.#skip(8))))
      case ext.REGEXP: {
        const [source, flags] = [this.#textual(), this.#textual()]
        return this.#known(new RegExp(source, flags))
      }
      case ext.AGENT_ID:
        return this.#known(agentId(this.#textual(), this.#textual()))
      case ext.TOPIC_ID:
        return this.#known(topicId(this.#textual(), this.#textual()))
      case ext.URL:
        return this.#known(new URL(this.#textual()))
      case ext.URL_PARAMS:
        return this.#known(new URLSearchParams(this.#textual()))
      case ext.MAP:
      case ext.SET:
      case ext.ERROR:
      case ext.SPARSE: {
        this.#deeper()
        const value = this.#container(type, end)
        this.#depth--
        return value
      }
    }
    throw wrong(`no extension of ${length} bytes has the type ${type}`)
  }

  #container(type: number, end: number): unknown {
    if (type === ext.ERROR) return this.#error(end)
    if (type === ext.SPARSE) return this.#sparse(end)
    if (type === ext.SET) {
      const set = this.#known(new Set())
      while (this.#at < end) set.add(this.value())
      return set
    }
    const map = this.#known(new Map())
    while (this.#at < end) map.set(this.value(), this.value())
    return map
  }

  #error(end: number): Error {
    const base = this.#textual()
    const own = this.value()
    if (own !== null && typeof own !== 'string') throw wrong('the class of an error is no text')
    const [name, message, stack] = [this.#textual(), this.#textual(), this.#textual()]
    const error = this.#known(emptyError({ base, own: own ?? undefined, name, message, stack }))
    while (this.#at < end) {
      const key = this.#textual()
      const hidden = this.value() === true
      setField(error, key, this.value(), hidden)
    }
    return error
  }

  /** A list with gaps: of whatever length it is, it takes no more memory than its values. */
  #sparse(end: number): unknown[] {
    const length = this.#four()
    const dense = this.#four()
    if (dense > length) throw wrong(`${dense} values stand in a list of ${length}`)
    this.#fits(dense)
    const list: unknown[] = this.#known([])
    for (let i = 0; i < dense; i++) list.push(this.value())
    while (this.#at < end) {
      const index = this.value()
      if (!Number.isInteger(index) || (index as number) < dense || (index as number) >= length)
        throw wrong(`a list of ${length} has a place ${String(index)}`)
      list[index as number] = this.value()
    }
    if (list.length < length) {
      list[length - 1] = null // by the length alone, memory would be taken for all that is missing
      delete list[length - 1]
    }
    return list
  }

  /** An extension that is a number. */
  #word(): unknown {
    const type = this.#source.view.getInt8(this.#skip(1))
    const word = this.#four()
    switch (type) {
      case ext.AGAIN:
        if (word >= this.#begun.length) break
        return this.#begun[word]
      case ext.BESIDE:
        if (word !== this.#besides || word >= this.#source.beside.length) break
        this.#besides++
        return this.#known(this.#source.beside[word] as object)
      case ext.LATER: {
        if (!this.#linked || word > ext.LATER_SET) break
        const value = [[], {}, new Map(), new Set()][word] as object
        this.begun(value)
        this.#later.push(value)
        return value
      }
    }
    throw wrong(`a number of type ${type} says ${word}`)
  }

  /** What comes later: contents of what was handed out empty. */
  #readLater(): void {
    for (const empty of this.#later) {
      this.#depth = 0
      const full = this.value()
      if (Array.isArray(empty) && Array.isArray(full)) moveList(full, empty)
      else if (empty instanceof Map && full instanceof Map) for (const [key, value] of full) empty.set(key, value)
      else if (empty instanceof Set && full instanceof Set) for (const member of full) empty.add(member)
      else if (Object.getPrototypeOf(empty) === Object.getPrototypeOf(full)) Object.assign(empty, full)
      else throw wrong('what comes later is something else')
    }
  }

  #known<T extends object>(object: T): T {
    if (this.#linked) this.begun(object)
    return object
  }

  #textual(): string {
    const text = this.value()
    if (typeof text !== 'string') throw wrong(`${String(text).slice(0, 100)} stands for a text`)
    return text
  }

  #binary(): unknown {
    const at = this.#skip(5)
    const { bytes, view } = this.#source
    return this.#known(this.#viewOf(bytes[at] as number, view.getUint32(at + 1)))
  }

  #viewOf(number: number, length: number): object {
    const bytes = this.#source.binaries.length > 0 ? this.#apart(length) : this.#behind(length)
    if (number === 0) return bytes
    if (number === ext.ARRAY_BUFFER) return bytes.buffer
    const type = ext.views[number] as (new (memory: ArrayBuffer) => ArrayBufferView) | undefined
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
    if (++this.#depth > ext.MAX_DEPTH + 1) throw wrong(`it is nested more than ${ext.MAX_DEPTH} levels`) // an error comes never later
  }

  /** Each of `length` values takes at least a byte. */
  #fits(length: number): void {
    if (length > this.#end - this.#at)
      throw wrong(`${length} values are claimed where ${this.#end - this.#at} bytes are left`)
  }
}

function moveList(from: readonly unknown[], to: unknown[]): void {
  if (from.length === 0) return
  to[from.length - 1] = null // also if it is sparse
  delete to[from.length - 1]
  for (const key of Object.keys(from)) to[Number(key)] = from[Number(key)]
}

function wrong(what: string): RangeError {
  return new RangeError(`not a body: ${what}`)
}
