// A body on its way out: a tree of bytes, and the binary fields that stand behind it, which are still the sender's own
// memory. What it keeps: a field is copied once, straight to where its reader finds it: into the ring, or into memory
// that goes to the reader by port. A body that must wait is copied when it was sent, so it is what it was then. No body is
// longer than {@link MAX_BODY}, which is looked at before anything is claimed or copied: all lengths and places are Int32.
import type { TransferListItem } from 'node:worker_threads'
import { pad8 } from './ring.js'
import type { ShapeBook } from './shapes.js'

/** A body; without bytes, none. */
export interface Body {
  /** Memory that begins with the tree. */
  bytes: Uint8Array | undefined
  /** The same memory as words, where it may be copied by words. */
  words: Int32Array | undefined
  /** Bytes of the tree. */
  tree: number
  /** What stands behind the tree. Emptied when it was sent. */
  binaries: Uint8Array<ArrayBuffer>[]
  /** Bytes of all of it, as it stands in a ring. */
  length: number
  /** How many shapes its reader must know. */
  shapes: number
  /** The book that these are of. */
  book: ShapeBook | undefined
  /** Whether its values refer to one another. */
  linked: boolean
  /** What stands beside the tree, as structured clones. With it, or with `transfer`, a body goes by port. */
  beside: readonly unknown[] | undefined
  transfer: readonly TransferListItem[] | undefined
}

/** A body that came by port: a tree and the fields behind it, each in memory of its own, and what stands beside it. */
export interface Parts {
  readonly tree: Uint8Array<ArrayBuffer>
  readonly binaries: readonly Uint8Array<ArrayBuffer>[]
  readonly beside: readonly unknown[]
}

/** The longest body, in bytes: 2 GiB less what stands around it. */
export const MAX_BODY = 2 ** 31 - 2 ** 16

/** A message is longer than what can be sent. */
export class TooLargeError extends Error {}

/** @throws TooLargeError for a body that is longer than {@link MAX_BODY} */
export function checkLength(bytes: number): void {
  if (bytes <= MAX_BODY) return
  const text = `it has ${bytes} bytes or more, and at most ${MAX_BODY} can be sent at once`
  throw new TooLargeError(`${text}; send it in parts, or pass its buffers on with the option transfer`)
}

/** Bodies up to so many bytes are copied word by word: less than what a call of `set` costs. */
const BY_WORD = 256
/** Fields that go by port each in memory of their own; more go in one piece. */
const MOST_PARTS = 8

/** A body of these bytes. */
export function bodyOf(bytes: Uint8Array | undefined): Body {
  const length = bytes?.length ?? 0
  return {
    bytes,
    words: undefined,
    tree: length,
    binaries: [],
    length,
    shapes: 0,
    book: undefined,
    linked: false,
    beside: undefined,
    transfer: undefined,
  }
}

/** Bytes of a body with these fields, one or more, behind its tree. */
export function bodyBytes(tree: number, binaries: readonly Uint8Array[]): number {
  let bytes = pad8(tree) + 4
  for (const binary of binaries) bytes += pad8(binary.length)
  return bytes
}

/** Writes a body at `at`, a multiple of 8: the tree, each field at a multiple of 8, then where the first one begins. */
export function putBody(body: Body, words: Int32Array, bytes: Uint8Array, at: number): void {
  const { tree } = body
  if (body.words !== undefined && tree <= BY_WORD) {
    const to = at >> 2
    for (let i = 0; i << 2 < tree; i++) words[to + i] = body.words[i] as number
  } else if (tree > 0) bytes.set((body.bytes as Uint8Array).subarray(0, tree), at)
  if (body.binaries.length === 0) return
  let next = at + pad8(tree)
  for (const binary of body.binaries) {
    bytes.set(binary, next)
    next += pad8(binary.length)
  }
  words[next >> 2] = pad8(tree)
}

/** The same body in memory of its own. */
export function ownBody(body: Body): Body {
  const { bytes, tree } = body
  return {
    ...body,
    bytes: bytes && copyOf(bytes, tree),
    words: undefined,
    binaries: body.binaries.map(all => copyOf(all)),
  }
}

/**
 * A body as it goes by port; all of its memory can be transferred.
 * @param owned whether the body's memory is nobody else's
 */
export function partsOf(body: Body, owned: boolean): Parts {
  const { beside = [] } = body
  if (body.binaries.length > MOST_PARTS) {
    const flat = new ArrayBuffer(pad8(body.length))
    putBody(body, new Int32Array(flat), new Uint8Array(flat), 0)
    return { tree: new Uint8Array(flat, 0, body.length), binaries: [], beside }
  }
  const { bytes, binaries } = owned ? body : ownBody(body)
  return { tree: bytes as Uint8Array<ArrayBuffer>, binaries, beside }
}

/** A copy; not by `slice`, which for a Buffer is a view, and not zeroed first, since all of it is written. */
function copyOf(bytes: Uint8Array, length = bytes.length): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer as ArrayBuffer)
  copy.set(length === bytes.length ? bytes : bytes.subarray(0, length))
  return copy
}
