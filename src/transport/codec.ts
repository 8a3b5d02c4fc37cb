// Bodies: values to bytes and back, one codec per loop. Plain data goes this way; whatever is not plain data (a class
// instance, a SharedArrayBuffer, a cycle) is refused with NotPlain and travels as a structured clone instead.
import { Extensions } from './extensions.js'
import { BodyReader, type Source } from './reader.js'
import { ShapeBook } from './shapes.js'
import { BodyWriter } from './writer.js'

/** Encodes and decodes bodies. */
export class Codec {
  readonly book = new ShapeBook()
  readonly #extensions = new Extensions()
  readonly #writer = new BodyWriter(this.book, this.#extensions)
  readonly #reader = new BodyReader(this.#extensions)

  /** Memory with the tree of the value encoded last, from its beginning; good until the next call. */
  get bytes(): Uint8Array {
    return this.#writer.bytes
  }

  /** The same memory as words. */
  get words(): Int32Array {
    return this.#writer.words
  }

  /** Bytes of that tree. */
  get tree(): number {
    return this.#writer.tree
  }

  /** The binary fields of the value encoded last, which stand behind the tree. Views of that value: not to be kept. */
  get binaries(): Uint8Array<ArrayBuffer>[] {
    return this.#writer.binaries
  }

  /** How many shapes of {@link book} its reader must know for the value encoded last. */
  get shapes(): number {
    return this.#writer.shaped ? this.book.count : 0
  }

  /** @returns the number of bytes of tree and binary fields. @throws NotPlain, and Error for cycles and functions */
  encode(value: unknown): number {
    return this.#writer.write(value)
  }

  /**
   * Decodes the `length` bytes at `offset`, a multiple of 8, of a source.
   * @param binary whether it has {@link binaries}
   * @throws RangeError or DecodeError for bytes that are not one value
   */
  decode(source: Source, offset: number, length: number, binary: boolean): unknown {
    return this.#reader.read(source, offset, length, binary)
  }
}
