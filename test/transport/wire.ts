// A codec and a ring's memory for tests: values go through as they do between two loops, shapes and all.
import { bodyOf, partsOf, putBody } from '#ringreeve/transport/body.js'
import { Codec } from '#ringreeve/transport/codec.js'
import { pad8 } from '#ringreeve/transport/ring.js'
import { Shape, type ShapeBook } from '#ringreeve/transport/shapes.js'
import { Source } from '#ringreeve/transport/source.js'

const NEVER = 0xc1 // no value begins with this byte

export class Wire {
  readonly codec = new Codec()
  readonly #body = bodyOf(undefined)
  readonly #shapes: Shape[] = []
  /** The shapes of what was encoded last. */
  book: ShapeBook | undefined
  readonly #ring = new Source(new Uint8Array(new SharedArrayBuffer(4 * 1024 * 1024)), this.#shapes)

  /** The bytes of a value, after its shapes were told. */
  bytes(value: unknown): Uint8Array {
    const body = this.#body
    this.codec.encode(value, body)
    this.tell()
    const memory = new ArrayBuffer(pad8(body.length))
    putBody(body, new Int32Array(memory), new Uint8Array(memory), 0)
    return new Uint8Array(memory, 0, body.length)
  }

  tell(): void {
    const { book, shapes } = this.#body
    if (book !== this.book) this.#shapes.length = 0
    this.book = book
    while (this.#shapes.length < shapes) this.#shapes.push(new Shape((book as ShapeBook).text(this.#shapes.length)))
  }

  /** Through a ring: encoded, copied into shared memory somewhere, decoded there, and the place overwritten. */
  through(value: unknown): unknown {
    const bytes = this.bytes(value)
    return this.read(bytes, this.#body.binaries.length > 0, 8 * (bytes.length % 50), this.#body.linked)
  }

  /** By port: decoded from memory of its own. */
  byPort(value: unknown): unknown {
    const body = this.#body
    this.codec.encode(value, body)
    this.tell()
    const parts = partsOf(body, false)
    const source = new Source(parts.tree, this.#shapes, parts.binaries, parts.beside)
    return this.codec.decode(source, 0, parts.tree.length, body.binaries.length > 0, body.linked)
  }

  /** Decodes any bytes, in a ring. */
  read(bytes: Uint8Array, binary: boolean, offset = 64, linked = false): unknown {
    this.#ring.bytes.set(bytes, offset)
    try {
      return this.codec.decode(this.#ring, offset, bytes.length, binary, linked)
    } finally {
      this.#ring.bytes.fill(NEVER, 0, offset + bytes.length)
    }
  }
}
