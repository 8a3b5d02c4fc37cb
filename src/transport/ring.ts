// A ring: a byte queue with one producer and one consumer in shared memory. What a reader may rely on: everything
// below `tail` is whole, because the tail is shown last; a producer that dies at any point leaves nothing torn.
//
//   byte    0  tail       bytes ever shown, by the producer      (mod 2^32)
//   byte  128  head       bytes ever consumed, by the consumer       (mod 2^32)
//   byte  256  wantSpace  1: the producer waits for room
//   byte  260  wantHead   and where the head must be until there is enough
//   byte  384  data       `capacity` bytes, a power of two
//
// A frame starts at a multiple of 8 and begins with two Int32 words: its length in bytes (header and padding to 8
// included) and a word whose low 8 bits are its kind. Kind 0 is padding: a frame never wraps, so the rest of the ring
// is skipped when the next one does not fit. No frame is longer than capacity / 8, so one always fits in time.
//
// Tail, head and wantSpace stand on cache lines of their own; each side keeps the other's index as it last saw it and
// reads it again only when it must.

import { sharedMemory } from '../sync/pool.js'

const TAIL = 0
const HEAD = 32
const WANT_SPACE = 64
const WANT_HEAD = 65
const DATA_BYTES = 384

const PADDING = 0

/** A ring whose frame lengths make no sense: nothing more can be read from it. */
export class BrokenRingError extends Error {}

/** Rounds up to the next multiple of 8; also what is more than an Int32. */
export const pad8 = (bytes: number): number => bytes + (-bytes & 7)

/** An empty ring, in memory that may have been one before. @param capacity bytes of data; a power of two */
export function createRing(capacity: number): SharedArrayBuffer {
  const memory = sharedMemory.take(DATA_BYTES + capacity)
  new Int32Array(memory, 0, DATA_BYTES / 4).fill(0) // nobody else has it yet; both ends get it by a message, after this
  return memory
}

/** Frames shown and not yet consumed, and whether there are any: what idle detection reads. */
export class RingGauge {
  readonly #words: Int32Array
  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, DATA_BYTES / 4)
  }
  get head(): number {
    return Atomics.load(this.#words, HEAD) // taken before any tail: consumed can never exceed shown
  }
  get tail(): number {
    return Atomics.load(this.#words, TAIL) // taken after the heads, see above
  }
}

/** The producer's end. */
export class RingWriter {
  /** The data as bytes and as words; a claimed frame is written here. */
  readonly bytes: Uint8Array
  readonly words: Int32Array
  /** The longest frame, in bytes. Fewer and longer ones would make writer and reader wait for each other. */
  readonly maxFrame: number
  readonly #index: Int32Array
  readonly #capacity: number
  #tail = 0
  #shown = 0
  #head = 0
  /**
   * Position of the next frame: bytes ever written, as a number that does not wrap. Compare with {@link consumed} to
   * know whether the reader has passed it.
   */
  position = 0

  constructor(memory: SharedArrayBuffer) {
    this.#capacity = memory.byteLength - DATA_BYTES
    this.maxFrame = this.#capacity / 8
    this.#index = new Int32Array(memory, 0, DATA_BYTES / 4)
    this.bytes = new Uint8Array(memory, DATA_BYTES)
    this.words = new Int32Array(memory, DATA_BYTES)
  }

  /** Whether the reader has consumed everything before `position`. */
  consumed(position: number): boolean {
    const behind = (this.#tail - Atomics.load(this.#index, HEAD)) | 0 // the reader stores the head after it took the frames
    return this.position - behind >= position
  }

  /**
   * Room for a frame of `bytes` (a multiple of 8, at most {@link maxFrame}).
   * @returns byte offset into {@link bytes}, or -1 when the ring is full
   */
  claim(bytes: number): number {
    const offset = this.#tail & (this.#capacity - 1)
    const rest = this.#capacity - offset
    const padding = bytes <= rest ? 0 : rest
    if (!this.#hasRoom(bytes + padding)) return -1
    if (padding === 0) return offset
    this.words[offset >> 2] = padding
    this.words[(offset >> 2) + 1] = PADDING
    this.commit(padding)
    return 0
  }

  /** Ends the frame that was claimed last; `bytes` (a multiple of 8) may be less than what was claimed. */
  commit(bytes: number): void {
    this.#tail = (this.#tail + bytes) | 0
    this.position += bytes
  }

  /** Shows all committed frames to the reader. @returns whether there was anything new */
  show(): boolean {
    if (this.#tail === this.#shown) return false
    this.#shown = this.#tail
    Atomics.store(this.#index, TAIL, this.#tail) // release: the frames' bytes are visible to who reads this tail
    return true
  }

  /**
   * Asks the reader to ring when it has made room for twice that much (a frame of that size then fits for sure).
   * @returns false when there is room now after all; then nobody will ring
   */
  wantSpace(bytes: number): boolean {
    Atomics.store(this.#index, WANT_HEAD, (this.#tail + bytes * 2 - this.#capacity) | 0) // before the request it is part of
    Atomics.store(this.#index, WANT_SPACE, 1) // before the head is read again: writer or reader sees the other
    this.#head = Atomics.load(this.#index, HEAD) // acquire: the reader is done with everything below
    return !this.#hasRoom(bytes * 2)
  }

  #hasRoom(bytes: number): boolean {
    if (this.#capacity - ((this.#tail - this.#head) | 0) >= bytes) return true
    this.#head = Atomics.load(this.#index, HEAD) // acquire: the reader is done with everything below
    return this.#capacity - ((this.#tail - this.#head) | 0) >= bytes
  }
}

/** The consumer's end. */
export class RingReader {
  readonly bytes: Uint8Array
  readonly words: Int32Array
  readonly #index: Int32Array
  readonly #mask: number
  /** So much is given back at once, so that the writer can go on meanwhile. */
  readonly #batch: number
  #head = 0
  #tail = 0

  constructor(memory: SharedArrayBuffer) {
    this.#mask = memory.byteLength - DATA_BYTES - 1
    this.#batch = (memory.byteLength - DATA_BYTES) / 4
    this.#index = new Int32Array(memory, 0, DATA_BYTES / 4)
    this.bytes = new Uint8Array(memory, DATA_BYTES)
    this.words = new Int32Array(memory, DATA_BYTES)
  }

  /** Whether nothing is shown beyond what was drained. */
  get empty(): boolean {
    if (this.#tail !== this.#head) return false
    this.#tail = Atomics.load(this.#index, TAIL) // acquire: frames below the tail are whole
    return this.#tail === this.#head
  }

  /**
   * Hands up to `limit` frames to `take`, by byte offset, but no more than it takes to pass a quarter of the ring; then
   * gives their room back, also when `take` throws.
   * A frame must be copied or decoded before `take` returns.
   * @param beforeRelease runs after the frames were taken and before their room is given back
   * @returns how many frames were taken
   * @throws BrokenRingError
   */
  drain(limit: number, take: (offset: number) => void, beforeRelease?: () => void): number {
    if (this.empty) return 0
    let head = this.#head
    let taken = 0
    try {
      while (taken < limit && head !== this.#tail && (taken === 0 || ((head - this.#head) | 0) < this.#batch)) {
        const offset = head & this.#mask
        const kind = (this.words[(offset >> 2) + 1] as number) & 0xff
        const bytes = this.words[offset >> 2] as number
        if (bytes < 8 || (bytes & 7) !== 0 || bytes > ((this.#tail - head) | 0)) {
          head = this.#tail
          throw new BrokenRingError(`a frame says that it has ${bytes} bytes; its ring cannot be read any further`)
        }
        head = (head + bytes) | 0
        if (kind === PADDING) continue
        taken++
        take(offset)
      }
    } finally {
      beforeRelease?.()
      this.#head = head
      Atomics.store(this.#index, HEAD, head) // release: the writer may use the room only after the frames were read
    }
    return taken
  }

  /** Whether the writer waits for the room that there is now; asking takes the request away. Ask after {@link drain}. */
  spaceWanted(): boolean {
    if (Atomics.load(this.#index, WANT_SPACE) === 0) return false // after the head was stored: one side sees the other
    if (((this.#head - Atomics.load(this.#index, WANT_HEAD)) | 0) < 0) return false // likewise: who raises it reads the head
    return Atomics.exchange(this.#index, WANT_SPACE, 0) === 1 // taken once
  }
}
