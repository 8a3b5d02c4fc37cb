// Memory with bodies in it, as a reader sees it.
import type { Shape } from './shapes.js'

/** Memory with bodies in it: a ring, or one body that came by port. */
export class Source {
  readonly bytes: Buffer
  readonly words: Int32Array
  readonly view: DataView
  /** What the numbers of shapes mean in bodies from here. */
  readonly shapes: readonly Shape[]
  /** For one body that came by port: its binary fields, which are then the value's own. Else they stand in the memory. */
  readonly binaries: readonly Uint8Array<ArrayBuffer>[]
  /** For one body that came by port: what stands beside its tree. */
  readonly beside: readonly unknown[]

  /** @param memory begins at a multiple of 4 of its buffer */
  constructor(
    memory: Uint8Array,
    shapes: readonly Shape[],
    binaries: readonly Uint8Array<ArrayBuffer>[] = [],
    beside: readonly unknown[] = [],
  ) {
    const { buffer, byteOffset, byteLength } = memory
    this.bytes = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
    this.words = new Int32Array(buffer, byteOffset, byteLength >> 2)
    this.view = new DataView(buffer, byteOffset, byteLength)
    this.shapes = shapes
    this.binaries = binaries
    this.beside = beside
  }
}

const { fromCharCode } = String

/** The UTF-8 text of `length` bytes: most are short, and of ASCII, which takes less than a call of `toString`. */
export function shortText(bytes: Buffer, at: number, length: number): string {
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
