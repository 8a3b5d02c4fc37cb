// Bodies: values to bytes and back, one codec per loop, and one set of rules for all that is in a value, whatever stands beside
// it: what only a structured clone can copy (shared memory, a port) stands beside the tree, and changes nothing else.
import { type Body, bodyOf } from './body.js'
import { BodyReader } from './reader.js'
import { type ShapeBook, ShapeBooks } from './shapes.js'
import type { Source } from './source.js'
import { BodyWriter } from './writer.js'

/** Encodes and decodes bodies. */
export class Codec {
  /** The shapes of what is encoded, which all codecs of a loop share. */
  readonly books: ShapeBooks
  readonly #writer: BodyWriter
  readonly #reader = new BodyReader()

  /** The shapes of what was encoded last. */
  get book(): ShapeBook {
    return this.#writer.book
  }

  /** @param books those of another codec of the loop */
  constructor(books = new ShapeBooks()) {
    this.books = books
    this.#writer = new BodyWriter(books)
  }

  /**
   * Fills `body` with the value. Getters of the value run meanwhile, and must not come back to this codec. Its tree is good until the next call; its binary fields are views of
   * the value: neither is to be kept. When it throws, no field of `body` was set.
   * @param transfer what of the value is transferred
   * @returns the number of bytes of tree and binary fields. @throws NotPlain for what cannot be sent, TooLargeError
   */
  encode(value: unknown, body: Body = bodyOf(undefined), transfer?: readonly unknown[]): number {
    this.#writer.write(value, body, transfer)
    return body.length
  }

  /**
   * Decodes the `length` bytes at `offset`, a multiple of 8, of a source.
   * @param binary whether it has binary fields
   * @param linked whether its values refer to one another
   * @throws Error for bytes that are not one value
   */
  decode(source: Source, offset: number, length: number, binary: boolean, linked = false): unknown {
    return this.#reader.read(source, offset, length, binary, linked)
  }
}
