// One direction of one lane, at its reader. What it keeps: each frame is whole when it is handed over, its names as texts
// and its body fetched if it went by port; one that cannot be read or taken is refused, and those behind it go on.
import type { Parts } from './body.js'
import { type Envelope, emptyEnvelope, Flag, Kind, readEnvelope } from './frame.js'
import { FIRST_NAME } from './names.js'
import type { RingReader } from './ring.js'
import { Shape } from './shapes.js'
import { Source } from './source.js'

/** A body on its way in: `length` bytes at `offset` of a source, good only until the next frame is taken. */
export interface TakenBody {
  source: Source
  offset: number
  length: number
}

/** What takes frames. The envelope and the body are used again for the next. */
export type Take = (envelope: Envelope, body: TakenBody) => void

/** What gets a frame that could not be read or taken, as far as it was read, and why. */
export type Refuse = (envelope: Envelope, error: unknown) => void

/** One direction of one lane, at its reader. */
export class InLane {
  readonly #ring: RingReader
  readonly #names: (string | undefined)[] = []
  readonly #shapes: Shape[] = []
  readonly #envelope = emptyEnvelope(Kind.REQUEST)
  readonly #source: Source
  readonly #body: TakenBody
  readonly #fetch: (number: number) => unknown
  #take: Take = () => {}
  #refuse: Refuse = () => {}
  /** Frames taken since the lane was made. */
  frames = 0

  constructor(ring: RingReader, fetch: (number: number) => unknown) {
    this.#ring = ring
    this.#fetch = fetch
    this.#source = new Source(ring.bytes, this.#shapes)
    this.#body = { source: this.#source, offset: 0, length: 0 }
  }

  get empty(): boolean {
    return this.#ring.empty
  }

  spaceWanted(): boolean {
    return this.#ring.spaceWanted()
  }

  /**
   * Hands over up to `limit` frames.
   * @param beforeRelease runs after the frames were taken and before their room is given back
   * @param refuse gets a frame that could not be read or taken, as far as it was read, and why; the others go on
   */
  drain(limit: number, take: Take, beforeRelease: () => void, refuse: Refuse): number {
    this.#take = take
    this.#refuse = refuse
    return this.#ring.drain(limit, this.#onFrame, beforeRelease)
  }

  readonly #onFrame = (offset: number): void => {
    this.frames++
    const envelope = this.#envelope
    const body = this.#body
    const { words, bytes } = this.#ring
    try {
      readEnvelope(words, bytes, offset, envelope, body, this.#names)
      body.source = this.#source
      if ((envelope.flags & Flag.BULK) !== 0) this.#fetchBody()
      if (envelope.kind === Kind.DEFINE) this.#define(envelope)
      else if (envelope.kind === Kind.SHAPE) this.#shapes[envelope.slot] = new Shape(this.#text(envelope.flags))
      else this.#take(envelope, body)
    } catch (error) {
      this.#refuse(envelope, error)
    }
  }

  /** A number says this from now on; and the first one, that all others say nothing any more (names.ts). */
  #define({ slot, flags }: Envelope): void {
    if (slot === FIRST_NAME) this.#names.length = 0
    this.#names[slot] = this.#text(flags)
  }

  #fetchBody(): void {
    const body = this.#body
    const fetched = this.#fetch(this.#ring.words[body.offset >> 2] as number)
    const { tree, binaries, beside } = fetched as Parts
    body.source = new Source(tree, this.#shapes, binaries, beside)
    body.offset = 0
    body.length = body.source.bytes.length
  }

  #text(flags: number): string {
    const { source, offset, length } = this.#body
    return source.bytes.toString((flags & Flag.WIDE) === 0 ? 'utf8' : 'utf16le', offset, offset + length)
  }
}
