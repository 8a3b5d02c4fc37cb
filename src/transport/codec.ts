// The general codec: values to MessagePack and back. Plain data goes this way; whatever is not plain data (a class
// instance, a SharedArrayBuffer, a cycle) is refused with NotPlain and travels as a structured clone instead.
// Extension types carry what MessagePack has no word for; numbers are part of the wire and never used again.
//
//   -1 timestamp (Date)   1 Map   2 Set   3 Error   4 typed array   5 ArrayBuffer   6 bigint
import { Decoder, decode, Encoder, ExtData, ExtensionCodec, encodeTimestampExtension } from '@msgpack/msgpack'
import { errorFromWire, errorToWire, type WireError } from './wire-error.js'

const MAP = 1
const SET = 2
const ERROR = 3
const TYPED = 4
const BUFFER = 5
const BIGINT = 6

/** The value is not plain data; send it as a structured clone. */
export class NotPlain extends Error {}

const typedArrays = [
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

class Extensions extends ExtensionCodec {
  /** Set when the value that was encoded holds binary data. */
  sawBinary = false
  /** Parts of errors that were tried, and whether they can be encoded: each is tried once, however errors nest. */
  tried = new Map<unknown, boolean>()
  /** Errors that are being encoded, outermost first; one that comes again inside of itself goes without its parts. */
  readonly #path: Error[] = []

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
      this.sawBinary = true
      if (value instanceof Uint8Array) {
        bytesOf(value)
        return null
      }
      const index = typedIndex.get(value.constructor)
      if (index === undefined) throw new NotPlain(`${value.constructor.name} is not plain data`)
      const bytes = new Uint8Array(1 + value.byteLength)
      bytes[0] = index
      bytes.set(bytesOf(value), 1)
      return new ExtData(TYPED, bytes)
    }
    if (value instanceof ArrayBuffer) {
      this.sawBinary = true
      return new ExtData(BUFFER, new Uint8Array(value))
    }
    if (value instanceof Date && !Number.isNaN(value.getTime()))
      return new ExtData(-1, encodeTimestampExtension(value) as Uint8Array)
    if (value instanceof Map && Object.getPrototypeOf(value) === Map.prototype) return this.#nested(MAP, [...value])
    if (value instanceof Set && Object.getPrototypeOf(value) === Set.prototype) return this.#nested(SET, [...value])
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
    return new ExtData(type, new Encoder({ extensionCodec: this, ignoreUndefined: true }).encode(value))
  }

  #carries(part: unknown): boolean {
    if (typeof part !== 'object' || part === null) return typeof part !== 'function' && typeof part !== 'symbol'
    const known = this.tried.get(part)
    if (known !== undefined) return known
    this.tried.set(part, false)
    try {
      new Encoder({ extensionCodec: this, ignoreUndefined: true }).encode(part)
      this.tried.set(part, true)
      return true
    } catch {
      return false
    }
  }

  override decode(data: Uint8Array, type: number, context: undefined): unknown {
    switch (type) {
      case MAP:
        return new Map(decode(data, { extensionCodec: this }) as [unknown, unknown][])
      case SET:
        return new Set(decode(data, { extensionCodec: this }) as unknown[])
      case ERROR:
        return errorFromWire(decode(data, { extensionCodec: this }) as WireError)
      case TYPED: {
        const kind = typedArrays[data[0] as number] as (new (memory: ArrayBufferLike) => ArrayBufferView) | undefined
        if (kind === undefined) throw new RangeError(`no typed array has the number ${data[0]}`)
        const copy = data.slice(1)
        return new kind(copy.buffer)
      }
      case BUFFER:
        return data.slice().buffer
      case BIGINT:
        return BigInt(new TextDecoder().decode(data))
      default:
        return super.decode(data, type, context)
    }
  }
}

const KEEP = 64 * 1024
/** The encoder's own buffer may stay so large. */
const MOST = 1024 * 1024

/** Encodes and decodes bodies. Holds buffers of its own: one per loop. */
export class Codec {
  readonly #extensions = new Extensions()
  #encoder = this.#newEncoder()
  readonly #decoder = new Decoder({ extensionCodec: this.#extensions })
  readonly #scratch = new Uint8Array(KEEP)

  /** Whether the value encoded last holds binary data, which its reader must not decode from a shared buffer. */
  get binary(): boolean {
    return this.#extensions.sawBinary
  }

  /** @returns bytes that are good until the next call. @throws NotPlain, and Error for cycles and functions */
  encode(value: unknown): Uint8Array {
    this.#extensions.sawBinary = false
    if (this.#extensions.tried.size > 0) this.#extensions.tried = new Map()
    const bytes = this.#encoder.encodeSharedRef(value)
    if (bytes.buffer.byteLength > MOST) this.#encoder = this.#newEncoder() // one large body must not be held for ever
    return bytes
  }

  #newEncoder(): Encoder {
    return new Encoder({ extensionCodec: this.#extensions, ignoreUndefined: true })
  }

  /**
   * Decodes a body that lies in a ring. The bytes are copied first: no view of the ring leaves here, and the codec
   * never reads memory that another thread can write.
   * @param keep the value holds binary data, so the copy becomes its memory
   * @throws RangeError or DecodeError for bytes that are not one MessagePack value
   */
  decode(bytes: Uint8Array, offset: number, length: number, keep: boolean): unknown {
    if (keep || length > KEEP) return this.decodeOwn(bytes.slice(offset, offset + length))
    this.#scratch.set(bytes.subarray(offset, offset + length))
    return this.#decoder.decode(this.#scratch.subarray(0, length))
  }

  /** Decodes bytes that nobody else has; binary fields of the value become views of them. */
  decodeOwn(bytes: Uint8Array): unknown {
    return this.#decoder.decode(bytes)
  }
}
