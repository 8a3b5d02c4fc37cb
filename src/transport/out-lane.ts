// One direction of one lane, at its sender. What it keeps: frames stand in the ring in the order in which they were sent,
// whichever way their bodies go, because every frame has its place in the ring, and one that finds no room waits here,
// before all that come after it. What a frame names is told before it: names, shapes, a body that goes by port.
import type { MessagePort, TransferListItem } from 'node:worker_threads'
import { Queue } from '../base/queue.js'
import { type Body, bodyOf, checkLength, ownBody, type Parts, partsOf, putBody } from './body.js'
import { type Envelope, emptyEnvelope, Flag, frameBytes, Kind, writeEnvelope } from './frame.js'
import { Names } from './names.js'
import type { RingWriter } from './ring.js'
import type { ShapeBook } from './shapes.js'
import { textBytes } from './text.js'

/** A body that goes by port, and the number by which its frame fetches it. */
export type Bulk = { readonly number: number; readonly value: unknown }

/** Bodies that may be on their way by port, and bytes of them: one more than fit may be, since any body must go. */
const BULK_IN_FLIGHT = 64
const BULK_BYTES = 64 * 2 ** 20
const SHOW_EVERY = 32
const NOTHING = new Uint8Array(0)

/** Told when a frame that had to wait is in the ring (its position there), or (undefined) never will be. */
export type Written = (position: number | undefined) => void

/** A frame that waits for room in its ring. */
interface Waiting {
  readonly envelope: Envelope
  /** Its own. */
  readonly body: Body
  /** Of its body, wherever that is by now. */
  readonly bytes: number
  readonly written: Written | undefined
}

/** One direction of one lane, at its sender. */
export class OutLane {
  readonly #ring: RingWriter
  readonly #port: MessagePort
  readonly #nextBulk: () => number
  readonly #wake: () => void
  readonly #names = new Names((number, text) => this.#define(Kind.DEFINE, number, text))
  /** The book that the other end knows shapes of, and how many. */
  #book: ShapeBook | undefined
  #told = 0
  readonly #waiting = new Queue<Waiting>()
  /** By frame whose body is on its way by port: the ring position behind it, and the bytes. */
  readonly #bulk = new Queue<readonly [position: number, bytes: number]>()
  #bulkBytes = 0
  #unshown = 0
  /** Frames that wait for room, and bytes of their bodies; only the lane changes them. */
  backlog = 0
  backlogBytes = 0
  /** Frames written since the lane was made. */
  frames = 0
  /** Frames that it was given to send, names and shapes left out. */
  given = 0

  constructor(ring: RingWriter, port: MessagePort, nextBulk: () => number, wake: () => void) {
    this.#ring = ring
    this.#port = port
    this.#nextBulk = nextBulk
    this.#wake = wake
  }

  /** Whether the other end has taken everything before `position`. */
  consumed(position: number): boolean {
    return this.#ring.consumed(position)
  }

  /**
   * Writes a frame, or queues it behind those that wait already. `envelope` and `body` may be used again afterwards.
   * @param written called once the frame is in the ring, if it has to wait
   * @returns the ring position behind the frame, or -1 when it is not in the ring yet
   * @throws TooLargeError, and DataCloneError when what stands beside the body cannot be cloned; then nothing was sent
   */
  send(envelope: Envelope, body: Body, written?: Written): number {
    checkLength(body.length)
    let bytes = body.length
    if (body.beside !== undefined || body.transfer !== undefined) {
      bytes += transferredBytes(body.transfer)
      this.#post(envelope, body)
    }
    this.given++
    if (this.backlog === 0 && this.#write(envelope, body, false, bytes)) {
      if (body.binaries.length > 0) body.binaries.length = 0
      if (++this.#unshown >= SHOW_EVERY) this.show()
      return this.#ring.position
    }
    this.#waiting.push({ envelope: { ...envelope }, body: ownBody(body), bytes, written })
    this.backlog++
    this.backlogBytes += bytes
    body.binaries.length = 0
    this.show()
    if (!this.#askForRoom()) this.retry()
    return -1
  }

  /**
   * Whether something waits and there is room for it. If there is none, the reader was asked (again) to ring; so a
   * loop that looks here after arming its bell cannot sleep through room that was made a moment before.
   */
  get canRetry(): boolean {
    return this.backlog > 0 && !this.#askForRoom()
  }

  /** Writes what waits, as far as there is room. @returns whether anything was written */
  retry(): boolean {
    let wrote = false
    while (true) {
      const next = this.#waiting.peek()
      if (next === undefined) return wrote
      if (!this.#write(next.envelope, next.body, true, next.bytes)) {
        this.show()
        if (this.#askForRoom()) return wrote
        continue
      }
      wrote = true
      this.#waiting.shift()
      this.backlog--
      this.backlogBytes -= next.bytes
      next.written?.(this.#ring.position)
      if (++this.#unshown >= SHOW_EVERY) this.show()
    }
  }

  /** Shows what was written to the other end, and wakes it if it sleeps. */
  show(): void {
    this.#unshown = 0
    if (this.#ring.show()) this.#wake()
  }

  /** Gives up the frames that were never written. */
  abandon(): void {
    const frames = this.#waiting.drain()
    this.backlog = 0 // before they are told: what they send now waits anew
    this.backlogBytes = 0
    for (const frame of frames) frame.written?.(undefined)
  }

  #idOf(envelope: Envelope): Uint8Array {
    const id = envelope.id as string
    if (!id.isWellFormed()) envelope.flags |= Flag.WIDE
    return textBytes(id)
  }

  /** @returns whether there is still no room, so that the reader will ring */
  #askForRoom(): boolean {
    return this.#ring.wantSpace(this.#ring.maxFrame) || !this.#bulkHasRoom()
  }

  #bulkHasRoom(): boolean {
    for (
      let first = this.#bulk.peek();
      first !== undefined && this.#ring.consumed(first[0]);
      first = this.#bulk.peek()
    ) {
      this.#bulkBytes -= first[1]
      this.#bulk.shift()
    }
    return this.#bulk.length < BULK_IN_FLIGHT && this.#bulkBytes < BULK_BYTES
  }

  /** Sends a value by port now, so that it is what it was when it was sent; its frame then carries only its number. */
  #post(envelope: Envelope, body: Body): void {
    const number = this.#postParts(partsOf(body, false), body.transfer)
    envelope.flags |= Flag.BULK
    body.beside = undefined
    body.transfer = undefined
    body.binaries = []
    body.bytes = asBytes(number)
    body.words = undefined
    body.tree = 4
    body.length = 4
  }

  /**
   * @param owned whether the body's memory may be given away
   * @param size bytes of the body, also if it was sent by port already
   * @returns false when there is no room
   */
  #write(envelope: Envelope, body: Body, owned: boolean, size: number): boolean {
    const id = envelope.flags & Flag.ID ? this.#idOf(envelope) : NOTHING
    const chain = envelope.chain?.length ?? 0
    let bodyBytes = body.bytes === undefined ? 0 : body.length
    let length = frameBytes(envelope.flags, chain, id.length, bodyBytes)
    const byPort = length > this.#ring.maxFrame
    const bulk = byPort || (envelope.flags & Flag.BULK) !== 0
    if (bulk && !this.#bulkHasRoom()) return false
    if (byPort) {
      bodyBytes = 4
      length = frameBytes(envelope.flags, chain, id.length, bodyBytes)
    }
    if (body.shapes > 0 && !this.#tellShapes(body)) return false
    if (!this.#names.intern(envelope)) return false // last: it leaves its numbers where the next frame puts its own
    const { words, bytes } = this.#ring
    const offset = this.#ring.claim(length)
    if (offset < 0) return false
    if (byPort) envelope.flags |= Flag.BULK
    const at = writeEnvelope(
      words,
      bytes,
      offset,
      length,
      envelope,
      bodyBytes,
      this.#names.fixed,
      this.#names.chain,
      id,
    )
    if (byPort) words[at >> 2] = this.#postParts(partsOf(body, owned))
    else if (bodyBytes > 0) putBody(body, words, bytes, at)
    this.#ring.commit(length)
    if (bulk) {
      this.#bulk.push([this.#ring.position, size])
      this.#bulkBytes += size
    }
    this.frames++
    if (this.#names.full && envelope.kind !== Kind.DEFINE) this.#names.forget() // what is told within a frame is not the end of it
    return true
  }

  /** Sends a body that does not fit the ring, its memory and all. @returns the number by which its frame fetches it */
  #postParts(value: Parts, transferred: readonly TransferListItem[] = []): number {
    const number = this.#nextBulk()
    const transfer = [...transferred, value.tree.buffer, ...value.binaries.map(({ buffer }) => buffer)]
    this.#port.postMessage({ number, value } satisfies Bulk, transfer)
    return number
  }

  /** @returns false when there is no room to tell the other end all shapes that a body may use */
  #tellShapes({ shapes, book }: Body): boolean {
    if (book !== this.#book) {
      this.#book = book
      this.#told = 0
    }
    while (this.#told < shapes) {
      if (!this.#define(Kind.SHAPE, this.#told, (book as ShapeBook).text(this.#told))) return false
      this.#told++
    }
    return true
  }

  #define(kind: Kind, number: number, text: string): boolean {
    const define = emptyEnvelope(kind)
    define.slot = number
    if (!text.isWellFormed()) define.flags = Flag.WIDE
    const body = bodyOf(textBytes(text))
    return this.#write(define, body, false, body.length)
  }
}

function asBytes(number: number): Uint8Array {
  return new Uint8Array(new Int32Array([number]).buffer)
}

/** Bytes that are handed over with a body; of what is no memory nothing is known. */
function transferredBytes(transferred: readonly TransferListItem[] = []): number {
  let bytes = 0
  for (const one of transferred) if (one instanceof ArrayBuffer) bytes += one.byteLength
  return bytes
}
