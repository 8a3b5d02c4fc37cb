// What MessagePack has no word for, as its extension types; their contents are written and read by the general codec.
// Numbers are part of the wire and never used again.
//
//   -1 timestamp (Date)   1 Map   2 Set   3 Error   4 typed array   5 ArrayBuffer   6 bigint   7 Uint8Array
//   8 undefined, where it cannot be left out
//
// Views and buffers come here only inside of another extension; elsewhere writer.ts puts them where they copy faster.
import { Decoder, type DecoderOptions, Encoder, ExtData, ExtensionCodec, encodeTimestampExtension } from './msgpack.js'
import { errorFromWire, errorToWire, type WireError } from './wire-error.js'

const MAP = 1
const SET = 2
const ERROR = 3
const TYPED = 4
const BUFFER = 5
const BIGINT = 6
const BYTES = 7
export const UNDEFINED = 8

/** The value is not plain data; send it as a structured clone. */
export class NotPlain extends Error {}

/** The value must not be sent in any way. */
export class Forbidden extends Error {}

/** Views of an ArrayBuffer other than Uint8Array, by the number they have on the wire. */
export const typedArrays = [
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
] as const
const typedIndex = new Map<unknown, number>(typedArrays.map((type, index) => [type, index]))

function bytesOf(view: ArrayBufferView): Uint8Array {
  if (view.buffer instanceof SharedArrayBuffer) throw new NotPlain('memory that is shared stays shared')
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

const nothing = new ExtData(UNDEFINED, new Uint8Array(0))

/** A member of a Map or Set as it is told. The encoder takes undefined for null. */
function said(part: unknown): unknown {
  return part === undefined ? nothing : part
}

/** Turns values into extensions and back. */
export class Extensions extends ExtensionCodec {
  /** Parts of errors that were tried, and whether they can be encoded: each is tried once, however errors nest. */
  #tried = new Map<unknown, boolean>()
  /** Errors that are being encoded, outermost first; one that comes again inside of itself goes without its parts. */
  readonly #path: Error[] = []

  /** A value as type and contents of an extension. @throws NotPlain, and Error for cycles and functions inside of it */
  write(value: unknown): readonly [type: number, data: Uint8Array] {
    if (this.#path.length === 0 && this.#tried.size > 0) this.#tried = new Map()
    const data = this.tryToEncode(value)
    if (data === null) throw new NotPlain(`${typeof value} is not plain data`)
    return [data.type, data.data as Uint8Array]
  }

  override tryToEncode(value: unknown): ExtData | null {
    if (typeof value === 'bigint') return new ExtData(BIGINT, new TextEncoder().encode(value.toString()))
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype || prototype === null) return null
    if (value instanceof ExtData) return value
    return this.#rest(value)
  }

  #rest(value: object): ExtData | null {
    if (ArrayBuffer.isView(value)) {
      if (value instanceof Uint8Array) return new ExtData(BYTES, bytesOf(value))
      const index = typedIndex.get(value.constructor)
      if (index === undefined) throw new NotPlain(`${value.constructor.name} is not plain data`)
      const bytes = new Uint8Array(1 + value.byteLength)
      bytes[0] = index
      bytes.set(bytesOf(value), 1)
      return new ExtData(TYPED, bytes)
    }
    if (value instanceof ArrayBuffer) return new ExtData(BUFFER, new Uint8Array(value))
    if (value instanceof Date && !Number.isNaN(value.getTime()))
      return new ExtData(-1, encodeTimestampExtension(value) as Uint8Array)
    if (value instanceof Map && Object.getPrototypeOf(value) === Map.prototype) {
      const entries = Array.from(value, ([key, field]) => [said(key), said(field)])
      return this.#nested(MAP, entries)
    }
    if (value instanceof Set && Object.getPrototypeOf(value) === Set.prototype)
      return this.#nested(SET, Array.from(value, said))
    if (value instanceof Error) return this.#error(value)
    throw new NotPlain(`${value.constructor?.name ?? 'object'} is not plain data`)
  }

  #error(error: Error): ExtData {
    if (this.#path.includes(error)) {
      return this.#nested(ERROR, {
        name: String(error.name),
        message: String(error.message),
        stack: '',
        fields: {},
      } satisfies WireError)
    }
    this.#path.push(error)
    try {
      return this.#nested(
        ERROR,
        errorToWire(error, part => this.#carries(part)),
      )
    } finally {
      this.#path.pop()
    }
  }

  #nested(type: number, value: unknown): ExtData {
    return new ExtData(type, this.#encode(value))
  }

  #encode(value: unknown): Uint8Array {
    // numbers as floats: as an integer -0 would lose its sign
    return new Encoder({ extensionCodec: this, ignoreUndefined: true, forceIntegerToFloat: true }).encode(value)
  }

  #carries(part: unknown): boolean {
    if (typeof part !== 'object' || part === null) return typeof part !== 'function' && typeof part !== 'symbol'
    const known = this.#tried.get(part)
    if (known !== undefined) return known
    this.#tried.set(part, false)
    try {
      this.#encode(part)
      this.#tried.set(part, true)
      return true
    } catch {
      return false
    }
  }

  /** @param data memory that nobody else has: binary parts of the value become views of it */
  override decode(data: Uint8Array, type: number, context: undefined): unknown {
    switch (type) {
      case MAP:
        return new Map(this.#decode(data) as [unknown, unknown][])
      case SET:
        return new Set(this.#decode(data) as unknown[])
      case ERROR:
        return errorFromWire(this.#decode(data) as WireError)
      case TYPED: {
        const kind = typedArrays[data[0] as number] as (new (memory: ArrayBufferLike) => ArrayBufferView) | undefined
        if (kind === undefined) throw new RangeError(`no typed array has the number ${data[0]}`)
        const copy = data.slice(1)
        return new kind(copy.buffer)
      }
      case UNDEFINED:
        return undefined
      case BUFFER:
        return data.slice().buffer
      case BYTES:
        return data.slice() // in memory of its own, like everywhere: who transfers it takes nothing else along
      case BIGINT:
        return BigInt(new TextDecoder().decode(data))
      default:
        return super.decode(data, type, context)
    }
  }

  #decode(data: Uint8Array): unknown {
    // nothing in there has more parts than bytes, so a length that lies takes no memory
    const most = data.length
    const limits: DecoderOptions<undefined> = {
      extensionCodec: this,
      maxStrLength: most,
      maxBinLength: most,
      maxArrayLength: most,
      maxMapLength: most,
      maxExtLength: most,
    }
    return new Decoder(limits).decode(data)
  }
}
