// A codec and a ring's memory for tests: values go through as they do between two loops, shapes and all.
import { Codec } from '#ringreeve/transport/codec.js'
import { Source } from '#ringreeve/transport/reader.js'
import { Shape } from '#ringreeve/transport/shapes.js'

const NEVER = 0xc1 // no value begins with this byte

export class Wire {
  readonly codec = new Codec()
  readonly #shapes: Shape[] = []
  readonly #ring = new Source(new Uint8Array(new SharedArrayBuffer(4 * 1024 * 1024)), this.#shapes)

  /** The bytes of a value, after its shapes were told. */
  bytes(value: unknown): Uint8Array {
    const length = this.codec.encode(value)
    this.tell()
    return new Uint8Array(this.codec.bytes.subarray(0, length))
  }

  tell(): void {
    const { book, shapes } = this.codec
    while (this.#shapes.length < shapes) this.#shapes.push(new Shape(book.text(this.#shapes.length)))
  }

  /** Through a ring: encoded, copied into shared memory somewhere, decoded there, and the place overwritten. */
  through(value: unknown): unknown {
    const bytes = this.bytes(value)
    return this.read(bytes, this.codec.binary, 8 * (bytes.length % 50))
  }

  /** By port: decoded from memory of its own. */
  byPort(value: unknown): unknown {
    const bytes = this.bytes(value)
    return this.codec.decode(new Source(bytes, this.#shapes), 0, bytes.length, this.codec.binary)
  }

  /** Decodes any bytes, in a ring. */
  read(bytes: Uint8Array, binary: boolean, offset = 64): unknown {
    this.#ring.bytes.set(bytes, offset)
    try {
      return this.codec.decode(this.#ring, offset, bytes.length, binary)
    } finally {
      this.#ring.bytes.fill(NEVER, 0, offset + bytes.length)
    }
  }
}
