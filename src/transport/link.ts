// A link joins two loops: per direction two rings (work; answers and control), and one MessagePort for doorbells and
// for bodies that do not fit a ring. What it keeps: frames of one lane arrive in the order in which they were sent,
// whichever way their bodies went, because every frame has its place in the ring and fetches its body when its turn
// comes. A full ring never blocks: frames wait here, in order, until the reader has made room.
import { type MessagePort, receiveMessageOnPort, type TransferListItem } from 'node:worker_threads'
import { Queue } from '../base/queue.js'
import { Bell } from '../sync/bell.js'
import { CancelFlags } from '../sync/cancel.js'
import { Status } from '../sync/status.js'
import { type Body, bodyOf, ownBody, type Parts, partsOf, putBody } from './body.js'
import { type Envelope, emptyEnvelope, Flag, frameBytes, Kind, readEnvelope, writeEnvelope } from './frame.js'
import { Source } from './reader.js'
import { RingReader, RingWriter } from './ring.js'
import { Shape, type ShapeBook } from './shapes.js'

/** What one end of a link is made of; can be sent to a thread (transfer `port`). */
export interface LinkParts {
  /** Index of the loop at the other end, and which of its lives. */
  readonly peer: number
  readonly life: number
  readonly work: { readonly out: SharedArrayBuffer; readonly in: SharedArrayBuffer }
  readonly answers: { readonly out: SharedArrayBuffer; readonly in: SharedArrayBuffer }
  readonly port: MessagePort
  /** Status block and cancel flags of the other end. */
  readonly status: SharedArrayBuffer
  readonly flags: SharedArrayBuffer
}

type Bulk = { readonly number: number; readonly value: unknown }
const DOORBELL = 0
const NAMES = 65_536
const BULK_IN_FLIGHT = 64
const PUBLISH_EVERY = 32
const NOTHING = new Uint8Array(0)
const encoder = new TextEncoder()

/** Told when a frame that had to wait is in the ring (its position there), or (undefined) never will be. */
export type Written = (position: number | undefined) => void

/** A frame that waits for room in its ring. */
interface Waiting {
  readonly envelope: Envelope
  /** Its own. */
  readonly body: Body
  readonly written: Written | undefined
}

/** One direction of one lane, at its sender. */
export class OutLane {
  readonly #ring: RingWriter
  readonly #port: MessagePort
  readonly #nextBulk: () => number
  readonly #wake: () => void
  readonly #numbers = new Map<string, number>()
  readonly #texts: string[] = []
  #nextName = 0
  readonly #shapes: ShapeBook
  /** Shapes that the other end knows. */
  #told = 0
  readonly #waiting = new Queue<Waiting>()
  readonly #bulk = new Queue<number>()
  #unshown = 0
  /** Frames written since the lane was made. */
  frames = 0
  /** Frames that it was given to send, names and shapes left out. */
  given = 0

  constructor(ring: RingWriter, shapes: ShapeBook, port: MessagePort, nextBulk: () => number, wake: () => void) {
    this.#ring = ring
    this.#shapes = shapes
    this.#port = port
    this.#nextBulk = nextBulk
    this.#wake = wake
  }

  /** Frames that wait for room. */
  get backlog(): number {
    return this.#waiting.length
  }

  /** Ring position behind the frame written last. */
  get position(): number {
    return this.#ring.position
  }

  /** Whether the other end has taken everything before `position`. */
  consumed(position: number): boolean {
    return this.#ring.consumed(position)
  }

  /**
   * Writes a frame, or queues it behind those that wait already. `envelope` and `body` may be used again afterwards.
   * @param written called once the frame is in the ring, if it has to wait
   * @returns whether the frame is in the ring
   * @throws DataCloneError when the value to clone cannot be cloned
   */
  send(envelope: Envelope, body: Body, written?: Written): boolean {
    if (body.clone !== undefined) this.#post(envelope, body)
    this.given++
    if (this.#waiting.length === 0 && this.#write(envelope, body, false)) {
      if (body.binaries.length > 0) body.binaries.length = 0
      if (++this.#unshown >= PUBLISH_EVERY) this.publish()
      return true
    }
    this.#waiting.push({ envelope: { ...envelope }, body: ownBody(body), written })
    body.binaries.length = 0
    this.publish()
    if (!this.#askForRoom()) this.retry()
    return false
  }

  /**
   * Whether something waits and there is room for it. If there is none, the reader was asked (again) to ring; so a
   * loop that looks here after arming its bell cannot sleep through room that was made a moment before.
   */
  get canRetry(): boolean {
    return this.#waiting.length > 0 && !this.#askForRoom()
  }

  /** Writes what waits, as far as there is room. @returns whether anything was written */
  retry(): boolean {
    let wrote = false
    while (true) {
      const next = this.#waiting.peek()
      if (next === undefined) return wrote
      if (!this.#write(next.envelope, next.body, true)) {
        this.publish()
        if (this.#askForRoom()) return wrote
        continue
      }
      wrote = true
      this.#waiting.shift()
      next.written?.(this.#ring.position)
      if (++this.#unshown >= PUBLISH_EVERY) this.publish()
    }
  }

  /** Shows what was written to the other end, and wakes it if it sleeps. */
  publish(): void {
    this.#unshown = 0
    if (this.#ring.publish()) this.#wake()
  }

  /** Gives up the frames that were never written. */
  abandon(): void {
    for (const frame of this.#waiting.drain()) frame.written?.(undefined)
  }

  /** @returns whether there is still no room, so that the reader will ring */
  #askForRoom(): boolean {
    return this.#ring.wantSpace(this.#ring.maxFrame) || !this.#bulkHasRoom()
  }

  #bulkHasRoom(): boolean {
    for (let first = this.#bulk.peek(); first !== undefined && this.#ring.consumed(first); first = this.#bulk.peek()) {
      this.#bulk.shift()
    }
    return this.#bulk.length < BULK_IN_FLIGHT
  }

  /** Sends a value by port now, so that it is what it was when it was sent; its frame then carries only its number. */
  #post(envelope: Envelope, body: Body): void {
    const { value, transfer } = body.clone as NonNullable<Body['clone']>
    const number = this.#nextBulk()
    this.#port.postMessage({ number, value } satisfies Bulk, transfer as TransferListItem[])
    envelope.flags |= Flag.CLONE
    body.clone = undefined
    body.bytes = asBytes(number)
    body.tree = 4
    body.length = 4
  }

  /** @param owned whether the body's memory may be given away. @returns false when there is no room */
  #write(envelope: Envelope, body: Body, owned: boolean): boolean {
    const id = envelope.flags & Flag.ID ? encoder.encode(envelope.id) : NOTHING
    const chain = envelope.chain?.length ?? 0
    let bodyBytes = body.bytes === undefined ? 0 : body.length
    let length = frameBytes(envelope.flags, chain, id.length, bodyBytes)
    const byPort = length > this.#ring.maxFrame
    const bulk = byPort || (envelope.flags & Flag.CLONE) !== 0
    if (bulk && !this.#bulkHasRoom()) return false
    if (byPort) {
      bodyBytes = 4
      length = frameBytes(envelope.flags, chain, id.length, bodyBytes)
    }
    if (body.shapes > this.#told && !this.#tellShapes(body.shapes)) return false
    if (!this.#internAll(envelope)) return false // last: it leaves its numbers where the next frame puts its own
    const { words, bytes } = this.#ring
    const offset = this.#ring.claim(length)
    if (offset < 0) return false
    if (byPort) envelope.flags |= Flag.BULK
    const at = writeEnvelope(words, bytes, offset, length, envelope, bodyBytes, this.#fixed, this.#chainNumbers, id)
    if (byPort) words[at >> 2] = this.#postParts(partsOf(body, owned))
    else if (bodyBytes > 0) putBody(body, words, bytes, at)
    this.#ring.commit(length)
    if (bulk) this.#bulk.push(this.#ring.position)
    this.frames++
    return true
  }

  /** Sends a body that does not fit the ring, its memory and all. @returns the number by which its frame fetches it */
  #postParts(value: Parts): number {
    const number = this.#nextBulk()
    const transfer = [value.tree.buffer, ...value.binaries.map(({ buffer }) => buffer)]
    this.#port.postMessage({ number, value } satisfies Bulk, transfer)
    return number
  }

  /** @returns false when there is no room to tell the other end all shapes below `count` */
  #tellShapes(count: number): boolean {
    while (this.#told < count) {
      if (!this.#define(Kind.SHAPE, this.#told, this.#shapes.text(this.#told))) return false
      this.#told++
    }
    return true
  }

  #define(kind: Kind, number: number, text: string): boolean {
    const define = emptyEnvelope(kind)
    define.slot = number
    return this.#write(define, bodyOf(encoder.encode(text)), false)
  }

  readonly #fixed = [0, 0, 0, 0]
  readonly #chainNumbers: number[] = []

  /** Fills #fixed and #chainNumbers. @returns false when there is no room to tell the other end a new name */
  #internAll(envelope: Envelope): boolean {
    const { chain } = envelope
    const known = this.#nextName
    const sender = this.#intern(envelope.sender)
    const recipient = this.#intern(envelope.recipient)
    const topic = this.#intern(envelope.topic)
    const message = this.#intern(envelope.message)
    if ((sender | recipient | topic | message) < 0) return false
    if (chain !== undefined) {
      for (let i = 0; i < chain.length; i++) {
        const number = this.#intern((chain[i] as { agent: string }).agent)
        if (number < 0) return false
        this.#chainNumbers[i] = number
      }
    }
    // a new name may have taken the number of one that this very frame uses: then once more, until all are there
    if (this.#nextName !== known && this.#nextName > NAMES) return this.#internAll(envelope)
    // only now: interning a new name writes a frame of its own, which passes through here too
    this.#fixed[0] = sender
    this.#fixed[1] = recipient
    this.#fixed[2] = topic
    this.#fixed[3] = message
    return true
  }

  /** @returns the number of a text (0 for none), or -1 when there is no room to tell the other end */
  #intern(text: string | undefined): number {
    if (text === undefined) return 0
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const number = (this.#nextName % NAMES) + 1
    if (!this.#define(Kind.DEFINE, number, text)) return -1
    this.#nextName++
    const old = this.#texts[number]
    if (old !== undefined) this.#numbers.delete(old)
    this.#texts[number] = text
    this.#numbers.set(text, number)
    return number
  }
}

/** A body on its way in: `length` bytes at `offset` of a source, good only until the next frame is taken. */
export interface TakenBody {
  source: Source
  offset: number
  length: number
  /** The value, when it came as a structured clone. */
  clone: unknown
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
  readonly #nameOf = (number: number): string | undefined => this.#names[number]
  readonly #fetch: (number: number) => unknown
  #take: Take = () => {}
  #refuse: Refuse = () => {}
  /** Frames taken since the lane was made. */
  frames = 0

  constructor(ring: RingReader, fetch: (number: number) => unknown) {
    this.#ring = ring
    this.#fetch = fetch
    this.#source = new Source(ring.bytes, this.#shapes)
    this.#body = { source: this.#source, offset: 0, length: 0, clone: undefined }
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
    if (this.#ring.empty) return 0
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
      readEnvelope(words, bytes, offset, envelope, body, this.#nameOf)
      body.source = this.#source
      if ((envelope.flags & (Flag.BULK | Flag.CLONE)) !== 0) this.#fetchBody(envelope.flags)
      if (envelope.kind === Kind.DEFINE) this.#names[envelope.slot] = this.#text()
      else if (envelope.kind === Kind.SHAPE) this.#shapes[envelope.slot] = new Shape(this.#text())
      else this.#take(envelope, body)
    } catch (error) {
      this.#refuse(envelope, error)
    }
    body.clone = undefined
  }

  #fetchBody(flags: number): void {
    const body = this.#body
    const fetched = this.#fetch(this.#ring.words[body.offset >> 2] as number)
    if (flags & Flag.CLONE) {
      body.clone = fetched
      return
    }
    const { tree, binaries } = fetched as Parts
    body.source = new Source(tree, this.#shapes, binaries)
    body.offset = 0
    body.length = body.source.bytes.length
  }

  #text(): string {
    const { source, offset, length } = this.#body
    return source.bytes.toString('utf8', offset, offset + length)
  }
}

function asBytes(number: number): Uint8Array {
  return new Uint8Array(new Int32Array([number]).buffer)
}

/** One end of a link. */
export class Link {
  readonly peer: number
  readonly life: number
  readonly work: { readonly out: OutLane; readonly in: InLane }
  readonly answers: { readonly out: OutLane; readonly in: InLane }
  readonly status: Status
  readonly flags: CancelFlags
  readonly #bell: Bell
  readonly #port: MessagePort
  readonly #receive: (port: MessagePort) => { readonly message: unknown } | undefined
  readonly #arrived = new Map<number, unknown>()
  #bulk = 0

  /**
   * @param shapes of the objects that this loop sends
   * @param rung called when the other end rings the doorbell
   * @param busy whether this loop has more to do before it comes to rest
   * @param receive takes a message that has come to a port, ahead of its event
   */
  constructor(
    parts: LinkParts,
    shapes: ShapeBook,
    rung: () => void,
    busy: () => boolean = () => false,
    receive: (port: MessagePort) => { readonly message: unknown } | undefined = receiveMessageOnPort,
  ) {
    this.peer = parts.peer
    this.life = parts.life
    this.status = new Status(parts.status)
    this.flags = new CancelFlags(parts.flags)
    this.#bell = new Bell(this.status)
    this.#port = parts.port
    this.#receive = receive
    const nextBulk = () => (this.#bulk = (this.#bulk + 1) | 0) // it goes through an Int32
    const wake = () => this.wake(busy())
    const fetch = (number: number) => this.#take(number)
    const out = (memory: SharedArrayBuffer) => new OutLane(new RingWriter(memory), shapes, parts.port, nextBulk, wake)
    const incoming = (memory: SharedArrayBuffer) => new InLane(new RingReader(memory), fetch)
    this.work = { out: out(parts.work.out), in: incoming(parts.work.in) }
    this.answers = { out: out(parts.answers.out), in: incoming(parts.answers.in) }
    this.#port.on('message', (message: Bulk | typeof DOORBELL) => {
      if (message === DOORBELL) rung()
      else this.#arrived.set(message.number, message.value)
    })
  }

  /** Wakes the loop at the other end if it sleeps. @param patient not if it dozes: it will look by itself */
  wake(patient = false): void {
    if (this.#bell.ring(patient)) this.#port.postMessage(DOORBELL)
  }

  /** Shows what was written on both lanes. */
  publish(): void {
    this.answers.out.publish()
    this.work.out.publish()
  }

  /** Whether there are frames to take, or frames that waited for room and have it now. */
  get hasWork(): boolean {
    return !this.answers.in.empty || !this.work.in.empty || this.answers.out.canRetry || this.work.out.canRetry
  }

  /** Frames taken from the other end, of both lanes. */
  get taken(): number {
    return this.work.in.frames + this.answers.in.frames
  }

  /** Frames written for the other end. */
  get written(): number {
    return this.work.out.frames + this.answers.out.frames
  }

  /** Whether the loop at the other end is awake. */
  get awake(): boolean {
    return this.#bell.awake
  }

  /** Lets go of everything: its rings and flags may serve another life as soon as both ends have done so. */
  close(): void {
    this.#port.close()
    this.flags.close()
  }

  /** A body that was sent by port. It was posted before its frame was published, so it is there. */
  #take(number: number): unknown {
    while (!this.#arrived.has(number)) {
      const next = this.#receive(this.#port) as { message: Bulk | typeof DOORBELL } | undefined
      if (next === undefined) throw new Error(`body ${number} from loop ${this.peer} did not come with its frame`)
      if (next.message !== DOORBELL) this.#arrived.set(next.message.number, next.message.value)
    }
    const value = this.#arrived.get(number)
    this.#arrived.delete(number)
    return value
  }
}
