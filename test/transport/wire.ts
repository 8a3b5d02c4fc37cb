// A codec and a ring's memory for tests: values go through as they do between two loops, shapes and all.
import { bodyOf, partsOf, putBody } from '#ringreeve/transport/body.js'
import { Codec } from '#ringreeve/transport/codec.js'
import { Source } from '#ringreeve/transport/reader.js'
import { pad8 } from '#ringreeve/transport/ring.js'
import { Shape } from '#ringreeve/transport/shapes.js'

const NEVER = 0xc1 // no value begins with this byte

export class Wire {
  readonly codec = new Codec()
  readonly #body = bodyOf(undefined)
  readonly #shapes: Shape[] = []
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
    const { book } = this.codec
    while (this.#shapes.length < this.#body.shapes) this.#shapes.push(new Shape(book.text(this.#shapes.length)))
  }

  /** Through a ring: encoded, copied into shared memory somewhere, decoded there, and the place overwritten. */
  through(value: unknown): unknown {
    const bytes = this.bytes(value)
    return this.read(bytes, this.#body.binaries.length > 0, 8 * (bytes.length % 50))
  }

  /** By port: decoded from memory of its own. */
  byPort(value: unknown): unknown {
    const body = this.#body
    this.codec.encode(value, body)
    this.tell()
    const parts = partsOf(body, false)
    const source = new Source(parts.tree, this.#shapes, parts.binaries)
    return this.codec.decode(source, 0, parts.tree.length, body.binaries.length > 0)
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
