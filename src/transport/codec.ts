// Bodies: values to bytes and back, one codec per loop. Plain data goes this way; whatever is not plain data (a class
// instance, a SharedArrayBuffer, a cycle) is refused with NotPlain and travels as a structured clone instead.
import { type Body, bodyOf } from './body.js'
import { Extensions } from './extensions.js'
import { BodyReader, type Source } from './reader.js'
import { ShapeBook } from './shapes.js'
import { BodyWriter } from './writer.js'

/** Encodes and decodes bodies. */
export class Codec {
  readonly book: ShapeBook
  readonly #extensions = new Extensions()
  readonly #writer: BodyWriter
  readonly #reader = new BodyReader(this.#extensions)

  /** @param book the shapes of the loop, if another codec of it has begun them */
  constructor(book = new ShapeBook()) {
    this.book = book
    this.#writer = new BodyWriter(book, this.#extensions)
  }

  /**
   * Fills `body` with the value, but for `clone`. Getters of the value run meanwhile, and must not come back to this codec. Its tree is good until the next call; its binary fields are views of
   * the value: neither is to be kept. When it throws, no field of `body` was set.
   * @returns the number of bytes of tree and binary fields. @throws NotPlain, and Error for cycles and functions
   */
  encode(value: unknown, body: Body = bodyOf(undefined)): number {
    this.#writer.write(value, body)
    return body.length
  }

  /**
   * Decodes the `length` bytes at `offset`, a multiple of 8, of a source.
   * @param binary whether it has binary fields
   * @throws RangeError or DecodeError for bytes that are not one value
   */
  decode(source: Source, offset: number, length: number, binary: boolean): unknown {
    return this.#reader.read(source, offset, length, binary)
  }
}
