// Writes a value as MessagePack. Always the same bytes for the same value and book; what it cannot write is refused
// whole, before anything is sent. What it keeps: an object is written once, wherever it is referred to, and is one object for
// its reader too. Beyond plain MessagePack (the other extensions are in extensions.ts):
//
//   object by shape   array16 of n + 1: fixext2 of type 16 with the number of its shape, then its n values
//   binary            ext8 of type 17: which view, then the number of bytes; the bytes themselves stand behind the tree,
//                     each at a multiple of 8, where a copy is several times faster
//   error             its built-in class, its class if it is one of the runtime's, name, message, stack; then each field: key,
//                     whether it is hidden, value
//   sparse list       its length, the number n of values that stand without gaps, these; then index and value of each other
//
// Extensions with values inside are ext32. A body with binary fields ends with one more Int32 in the machine's order: where the
// first of them begins. Objects that come later stand behind the value in their order, each as if it were alone.
import { types } from 'node:util'
import { DERIVED, INSIDE, kindOf, RECORD, refusal } from '../agent/kinds.js'
import { Begun } from './begun.js'
import { type Body, bodyBytes, checkLength } from './body.js'
import * as ext from './extensions.js'
import { NotPlain } from './extensions.js'
import { laterKind, textExtension, textsOf } from './kinds.js'
import { keysOf, type ShapeBook, type ShapeBooks, type ShapeNode } from './shapes.js'
import { TreeBytes } from './tree.js'
import { cannotCross, errorParts, isError, listOf } from './wire-error.js'

const NOTHING: ReadonlySet<unknown> = new Set()

/** Writes one value at a time into memory of its own. */
export class BodyWriter extends TreeBytes {
  readonly #books: ShapeBooks
  /** What is written now uses shapes of this one, also if another writer closes it meanwhile. */
  book: ShapeBook
  #depth = 0
  /** The number of the body. */
  #body = 0
  #shaped = false
  #linked = false
  /** Whether any object of this body had no shape although it began like one that has. */
  #doubts = false
  /** Errors that the part which is being written is in. */
  #errors = 0
  /** Objects around it that are being written a second time. */
  #rewritten = 0
  #transfer = NOTHING
  /** The binary fields of the value written last, in their order: not copies, but views of the value's own memory. */
  readonly #binaries: Uint8Array<ArrayBuffer>[] = []
  readonly #begun = new Begun()
  readonly #beside: unknown[] = []
  readonly #later: object[] = []

  constructor(books: ShapeBooks) {
    super()
    this.#books = books
    this.book = books.open()
  }

  /**
   * Fills `body` with the value. Its tree stands in the writer's memory and is good until the next write; its binary
   * fields are the value's own memory. When it throws, no field of `body` was set.
   * @param transfer what of the value is transferred
   * @throws NotPlain when the value, or a part of it, cannot be sent
   */
  write(value: unknown, body: Body, transfer: readonly unknown[] | undefined): void {
    this.book = this.#books.open()
    this.begin()
    this.#depth = 0
    this.#body = ++this.#books.bodies
    this.#shaped = false
    this.#linked = false
    this.#doubts = false
    this.#errors = 0
    this.#rewritten = 0
    this.#transfer = transfer === undefined ? NOTHING : new Set(transfer)
    if (this.#binaries.length > 0) this.#binaries.length = 0
    try {
      this.#value(value)
      if (this.#later.length > 0) this.#writeLater()
      this.#fill(body)
    } finally {
      this.#begun.clear() // nothing of the value is held
      if (this.#later.length > 0) this.#later.length = 0
      if (this.#beside.length > 0) this.#beside.length = 0
    }
  }

  #fill(body: Body): void {
    const tree = this.at
    const binaries = this.#binaries
    body.bytes = this.bytes
    body.words = this.words
    body.tree = tree
    body.binaries = binaries
    body.length = binaries.length === 0 ? tree : bodyBytes(tree, binaries)
    body.shapes = this.#shaped ? this.book.count : 0
    body.book = this.book
    body.linked = this.#linked
    body.beside = this.#beside.length === 0 ? undefined : this.#beside.slice()
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case 'string':
        return this.string(value)
      case 'number':
        return this.number(value)
      case 'boolean':
        return this.byte(value ? 0xc3 : 0xc2)
      case 'object':
        return value === null ? this.byte(0xc0) : this.#object(value)
      case 'undefined':
        return this.undefined()
      case 'bigint':
        return this.bigint(value)
      default:
        throw new NotPlain(`a ${typeof value} is not plain data`)
    }
  }

  // ---- objects ----------------------------------------------------------------------------------------------------

  #object(value: object): void {
    const number = this.#begun.begin(value)
    if (number >= 0) return this.#again(number)
    if (this.#depth >= ext.MAX_DEPTH && this.#postpone(value)) return
    this.#depth++
    this.#contents(value)
    this.#depth--
  }

  #contents(value: object): void {
    if (Array.isArray(value)) return this.#array(value)
    const prototype: object | null = Object.getPrototypeOf(value)
    if (prototype === Object.prototype) this.#record(value as Record<string, unknown>, false)
    else if (prototype !== null) this.#other(value, prototype)
    else if (types.isNativeError(value)) this.#error(value)
    else this.#record(value as Record<string, unknown>, false)
  }

  #other(value: object, prototype: object): void {
    if (ArrayBuffer.isView(value)) return this.#binary(value)
    if (isError(value)) return this.#error(value)
    if (types.isMap(value)) return this.#members(value, ext.MAP)
    if (types.isSet(value)) return this.#members(value, ext.SET)
    if (types.isDate(value)) return this.#date(value)
    if (types.isRegExp(value)) return this.#texts(ext.REGEXP, [value.source, value.flags])
    if (types.isArrayBuffer(value)) return this.#buffer(value)
    const kind = kindOf(prototype)
    if (kind === RECORD) return this.#record(value as Record<string, unknown>, true)
    if (kind === INSIDE) return this.#besides(value)
    const extension = textExtension(kind)
    if (extension === undefined) this.#provided(value, kind)
    else this.#texts(extension, textsOf(kind, value))
  }

  /** What was begun before: only its number. */
  #again(number: number): void {
    this.word(ext.AGAIN, number)
    this.#linked = true
  }

  /** What is nested too deep comes later; so does nothing but what others are nested in. @returns whether it does */
  #postpone(value: object): boolean {
    const kind = laterKind(value)
    if (kind < 0) return false
    // what comes later stands outside of the error, where nothing could be said of a part that cannot be sent
    if (this.#errors > 0) throw new NotPlain(`it is nested more than ${ext.MAX_DEPTH} levels`)
    this.#later.push(value)
    this.word(ext.LATER, kind)
    this.#linked = true
    return true
  }

  #writeLater(): void {
    for (let i = 0; i < this.#later.length; i++) {
      this.#begun.beginAgain()
      this.#depth = 1
      this.#contents(this.#later[i] as object)
    }
  }

  #array(list: readonly unknown[]): void {
    const { length } = list
    const start = this.at
    this.length(length, 0x90, 0xdc)
    const first = this.at
    for (let i = 0; i < length; i++) {
      const value = list[i]
      if (value === undefined && !(i in list)) return this.#sparse(list, start, first, i)
      this.#value(value)
    }
  }

  /** A list that has a gap at `dense`; what is before it was written as a list. */
  #sparse(list: readonly unknown[], start: number, first: number, dense: number): void {
    const shift = start + 14 - first
    this.room(shift)
    this.bytes.copyWithin(first + shift, first, this.at)
    const end = this.at + shift
    this.at = start
    const begin = this.open(ext.SPARSE)
    this.view.setUint32(this.at, list.length)
    this.view.setUint32(this.at + 4, dense)
    this.at = end
    for (const key of Object.keys(list)) {
      const index = Number(key)
      if (String(index) !== key || index >= list.length) break // names come behind indices, also '' and '-1'
      if (index < dense) continue
      this.number(index)
      this.#value(list[index])
    }
    this.close(begin)
  }

  /** An object by its shape: the head is written last, when all keys have been seen. @param own whether it may inherit fields */
  #record(object: Record<string, unknown>, own: boolean): void {
    const start = this.at
    const binaries = this.#binaries.length
    const begun = this.#begun.count
    const beside = this.#beside.length
    const later = this.#later.length
    this.room(7)
    this.at = start + 7
    const { book } = this
    const doubts = this.#doubts // that come meanwhile are no matter: only a first key is doubted
    let node: ShapeNode | undefined = book.root
    for (const key in object) {
      if (own && !Object.hasOwn(object, key)) continue
      const field = object[key]
      if (field === undefined) continue
      node = node.lastKey === key ? (node.lastNode as ShapeNode) : book.step(node, key)
      // what begins like an object of this body that had no shape is looked at first: written twice at each level of its
      // nesting, a tree of such objects would take twice as long for each level more
      if (doubts && node?.doubtedIn === this.#body && book.find(keysOf(object)) === undefined) node = undefined
      if (node === undefined) break
      this.#value(field)
    }
    const id = node === undefined ? -1 : node.id
    if (id < 0) {
      const wrote = this.at > start + 7
      this.#cut(start, binaries, begun, beside, later)
      return this.#shapeless(object, own, wrote)
    }
    const bytes = this.bytes
    const values = (node as ShapeNode).depth + 1
    bytes[start] = 0xdc
    bytes[start + 1] = values >> 8
    bytes[start + 2] = values
    bytes[start + 3] = 0xd5
    bytes[start + 4] = ext.SHAPED
    bytes[start + 5] = id >> 8
    bytes[start + 6] = id
    this.#shaped = true
  }

  /** Takes back what was written since. */
  #cut(at: number, binaries: number, begun: number, beside: number, later: number): void {
    this.at = at
    this.#binaries.length = binaries
    this.#begun.cut(begun)
    this.#beside.length = beside
    this.#later.length = later
  }

  /** @param wrote whether a part of it was written in vain */
  #shapeless(object: Record<string, unknown>, own: boolean, wrote: boolean): void {
    const { book } = this
    const keys = keysOf(object)
    if (keys.includes('__proto__')) throw new NotPlain('an object has a key __proto__')
    if (this.#rewritten === 0 && book.see(keys)) return this.#record(object, own)
    if (wrote) {
      const first = book.root.children.get(keys[0] as string)
      if (first !== undefined) {
        first.doubtedIn = this.#body
        this.#doubts = true
      }
      this.#rewritten++ // what is in it has been seen
    }
    this.length(keys.length, 0x80, 0xde)
    for (const key of keys) {
      this.string(key)
      this.#value(object[key])
    }
    if (wrote) this.#rewritten--
  }

  #members(all: Map<unknown, unknown> | Set<unknown>, type: number): void {
    const start = this.open(type)
    if (types.isMap(all)) {
      Map.prototype.forEach.call(all, (value, key) => {
        this.#value(key)
        this.#value(value)
      })
    } else Set.prototype.forEach.call(all, member => this.#value(member))
    this.close(start)
  }

  #date(date: Date): void {
    this.room(11)
    this.bytes[this.at] = 0xc7
    this.bytes[this.at + 1] = 8
    this.bytes[this.at + 2] = ext.DATE
    this.view.setFloat64(this.at + 3, Date.prototype.getTime.call(date))
    this.at += 11
  }

  #texts(type: number, texts: readonly string[]): void {
    const start = this.open(type)
    for (const text of texts) this.string(text)
    this.close(start)
  }

  /** An error, with those of its parts that can be sent, and a word on each of the others. */
  #error(error: Error): void {
    const { base, own, name, message, stack, fields } = errorParts(error)
    const start = this.open(ext.ERROR)
    this.string(base)
    if (own === undefined) this.byte(0xc0)
    else this.string(own)
    this.string(name)
    this.string(message)
    this.string(stack)
    this.#errors++
    for (const [key, value, hidden] of fields) {
      this.string(key)
      this.#value(hidden)
      this.#part(value)
    }
    this.#errors--
    this.close(start)
  }

  #part(value: unknown): void {
    const [errors, rewritten, linked] = [this.#errors, this.#rewritten, this.#linked]
    const at = this.at
    const [binaries, begun, beside, later] = [
      this.#binaries.length,
      this.#begun.count,
      this.#beside.length,
      this.#later.length,
    ]
    const depth = this.#depth
    try {
      if (depth >= ext.MAX_DEPTH && isError(value)) this.string(`${errorParts(value).message} (and what caused it)`)
      else this.#value(value)
    } catch {
      this.#errors = errors
      this.#rewritten = rewritten
      this.#linked = linked
      this.#depth = depth
      this.#cut(at, binaries, begun, beside, later)
      const list = depth < ext.MAX_DEPTH ? listOf(value) : undefined
      if (list === undefined) this.string(cannotCross(value))
      else this.#partly(value as object, list)
    }
  }

  /** A list of which not all can be sent: what can, and a word on each of the others. */
  #partly(value: object, list: readonly unknown[]): void {
    this.#begun.begin(value)
    this.#depth++
    this.length(list.length, 0x90, 0xdc)
    for (const one of list) this.#part(one)
    this.#depth--
  }

  #buffer(buffer: ArrayBuffer): void {
    if (this.#transfer.has(buffer)) this.#besides(buffer)
    else this.#bytesOf(new Uint8Array(buffer), ext.ARRAY_BUFFER)
  }

  #binary(view: ArrayBufferView): void {
    const { buffer } = view
    const number = ext.viewNumber(view)
    if (number === undefined || !types.isArrayBuffer(buffer) || this.#transfer.has(buffer)) this.#besides(view)
    else this.#bytesOf(new Uint8Array(buffer, view.byteOffset, view.byteLength), number)
  }

  #bytesOf(bytes: Uint8Array<ArrayBuffer>, number: number): void {
    checkLength(bytes.length)
    this.room(8)
    const at = this.at
    this.bytes[at] = 0xc7
    this.bytes[at + 1] = 5
    this.bytes[at + 2] = ext.BINARY
    this.bytes[at + 3] = number
    this.view.setUint32(at + 4, bytes.length)
    this.at = at + 8
    this.#binaries.push(bytes)
  }

  #provided(value: object, kind: number): void {
    if (this.#transfer.has(value)) return this.#besides(value)
    const why = refusal(value)
    if (why !== undefined) throw new NotPlain(`it has ${why}`)
    if (kind === DERIVED) this.#record(value as Record<string, unknown>, true)
  }

  /** What only a structured clone can copy. Within an error it could keep all of it from being sent, but for shared memory. */
  #besides(value: object): void {
    const shared = types.isSharedArrayBuffer(ArrayBuffer.isView(value) ? value.buffer : value)
    if (this.#errors > 0 && !shared) throw new NotPlain(`${value.constructor?.name ?? 'object'} is not plain data`)
    this.word(ext.BESIDE, this.#beside.length)
    this.#beside.push(value)
  }
}
