// Everything that leaves for other loops as frames: envelope and body. What it keeps: a frame is written at a desk, whose envelope
// and body are filled again and again, and which is nobody else's until the lane has taken them. To encode a value runs code of
// the application (a getter, a serializer, what a structured clone reads), which may send: that frame has the next desk. And a
// frame that cannot be written says why, and changes nothing.
import { types } from 'node:util'
import type { TransferListItem } from 'node:worker_threads'
import { shown } from '../../agent/check.js'
import { atOnce } from '../../agent/edge.js'
import { InvalidArgumentError, NotSerializableError, OverloadedError, textOf } from '../../agent/errors.js'
import type { AnySerializer } from '../../agent/message.js'
import { type Body, bodyOf, TooLargeError } from '../../transport/body.js'
import { Codec } from '../../transport/codec.js'
import { type CancelRef, type ChainEntry, type Envelope, emptyEnvelope, Flag, Kind } from '../../transport/frame.js'
import type { Link } from '../../transport/link.js'
import type { OutLane, Written } from '../../transport/out-lane.js'
import type { ChainNode } from '../base/chain.js'
import type { Parcel } from '../base/message.js'
import { culprit } from './culprit.js'
import type { Waiter } from './waiter.js'

/** A body without binary fields. */
const NONE: never[] = []
/** So deep may sends nest in what encodes them: what sends itself would never end. */
const MOST_DESKS = 16

/** Whom a frame is for that nobody waits for. */
export const NOBODY = { slot: 0, generation: 0 }

/** Where the waiter of a frame waits: a slot of the loop that asks. */
type Slot = Pick<Waiter, 'slot' | 'generation'>

/** Where one frame at a time is written. */
interface Desk {
  readonly codec: Codec
  readonly envelope: Envelope
  readonly body: Body
}

/** Writes the frames of one loop. */
export class Frames {
  /** All but the first are made when sends nest, which few ever do. */
  readonly #desks: Desk[]
  /** Desks at which a frame is being written: the first so many. */
  #taken = 0

  constructor(codec: Codec) {
    this.#desks = [deskOf(codec)]
  }

  /**
   * Sends a request.
   * @param written told the ring position behind its frame, if it has to wait for room
   * @returns that position; -1 if it waits
   * @throws NotSerializableError, OverloadedError
   */
  request(
    link: Link,
    recipient: string,
    parcel: Parcel,
    slot: Slot,
    cancel: CancelRef | undefined,
    written: Written,
  ): number {
    const desk = this.#takeFor(parcel)
    try {
      const envelope = fill(desk, Kind.REQUEST, parcel, slot, cancel)
      envelope.recipient = recipient
      encode(desk, parcel.payload, parcel.serializer, parcel.transfer)
      return link.work.out.send(envelope, desk.body, written)
    } catch (error) {
      throw notSerializable(error, `payload of '${parcel.name}' for ${recipient}`, parcel.payload)
    } finally {
      this.#taken--
    }
  }

  /** Sends an event: to all over there that hear the topic, or to one of them. Otherwise like {@link request}. */
  event(
    link: Link,
    topic: string,
    recipient: string | undefined,
    flags: number,
    parcel: Parcel,
    slot: Slot | undefined,
    cancel: CancelRef | undefined,
    written: Written,
  ): number {
    const desk = this.#takeFor(parcel)
    try {
      const envelope = fill(desk, recipient === undefined ? Kind.EVENT : Kind.EVENT_TO, parcel, slot, cancel)
      envelope.topic = topic
      envelope.recipient = recipient
      envelope.flags |= flags
      encode(desk, parcel.payload, parcel.serializer, parcel.transfer)
      return link.work.out.send(envelope, desk.body, written)
    } catch (error) {
      throw notSerializable(error, `payload of '${parcel.name}' for ${topic}`, parcel.payload)
    } finally {
      this.#taken--
    }
  }

  /** Sends an answer; one that cannot cross threads becomes a failure. @param what whose answer to what */
  answer(link: Link, slot: Slot, value: unknown, serializer: AnySerializer | undefined, what: () => string): void {
    try {
      this.#write(link.answers.out, Kind.ANSWER, slot, value, serializer, undefined)
    } catch (error) {
      this.failure(link, slot, notSerializable(error, `answer of ${what()}`, value))
    }
  }

  failure(link: Link, slot: Slot, error: unknown): void {
    try {
      this.#write(link.answers.out, Kind.FAILURE, slot, error, undefined, undefined)
    } catch {
      this.failure(link, slot, new Error(`what was thrown cannot cross threads: ${textOf(error)}`))
    }
  }

  /** Sends a frame of the answer lane that has only a slot and a small body. @param written see {@link OutLane.send} @throws DataCloneError */
  control(link: Link, kind: Kind, slot: Slot, body: unknown, written?: Written): void {
    this.#write(link.answers.out, kind, slot, body, undefined, written)
  }

  /** Says, behind all that was sent there, how many are held back for the queue of an agent over there. */
  held(link: Link, agent: string, count: number): void {
    this.#write(link.work.out, Kind.HELD, { slot: count, generation: 0 }, agent, undefined, undefined)
  }

  #write(
    lane: OutLane,
    kind: Kind,
    slot: Slot,
    value: unknown,
    serializer: AnySerializer | undefined,
    written: Written | undefined,
  ): void {
    const desk = this.#take()
    try {
      fillAnswer(desk, kind, slot)
      encode(desk, value, serializer, undefined)
      lane.send(desk.envelope, desk.body, written)
    } finally {
      this.#taken--
    }
  }

  /** @throws InvalidArgumentError when it is sent by what sends it */
  #takeFor({ name }: Parcel): Desk {
    if (this.#taken < MOST_DESKS) return this.#take()
    const text = `'${name}' was sent while what is sent was being encoded, ${MOST_DESKS} times one within another: a getter or serializer sends without end`
    throw new InvalidArgumentError(text, { message: name })
  }

  /** A desk for one frame; it is given back by counting `taken` down. */
  #take(): Desk {
    const desk = this.#desks[this.#taken]
    this.#taken++
    if (desk !== undefined) return desk
    const next = deskOf(new Codec((this.#desks[0] as Desk).codec.books))
    this.#desks.push(next)
    return next
  }
}

function deskOf(codec: Codec): Desk {
  return { codec, envelope: emptyEnvelope(Kind.REQUEST), body: bodyOf(undefined) }
}

function fill(
  { envelope }: Desk,
  kind: Kind,
  parcel: Parcel,
  slot: Slot | undefined,
  cancel: CancelRef | undefined,
): Envelope {
  const { trace, id, chain } = parcel
  let flags = 0
  envelope.kind = kind
  envelope.slot = slot?.slot ?? 0
  envelope.generation = slot?.generation ?? 0
  envelope.sender = parcel.sender
  envelope.message = parcel.name
  envelope.sequence = parcel.sequence
  envelope.trace = trace
  envelope.id = id
  envelope.cancel = cancel
  envelope.topic = undefined
  envelope.chain = chain === undefined ? undefined : entries(chain)
  if (trace !== undefined) flags |= Flag.TRACE
  if (id !== undefined) flags |= Flag.ID
  if (cancel !== undefined) flags |= Flag.CANCEL
  if (chain !== undefined) flags |= Flag.CHAIN
  envelope.flags = flags
  return envelope
}

/** An answer says nothing but whom it is for: all other fields are as an empty envelope has them. */
function fillAnswer({ envelope }: Desk, kind: Kind, { slot, generation }: Slot): void {
  envelope.kind = kind
  envelope.flags = 0
  envelope.slot = slot
  envelope.generation = generation
  if (envelope.message === undefined) return // so was the frame before
  envelope.sender = undefined
  envelope.recipient = undefined
  envelope.topic = undefined
  envelope.message = undefined
  envelope.sequence = 0
  envelope.trace = undefined
  envelope.id = undefined
  envelope.cancel = undefined
  envelope.chain = undefined
}

function encode(
  { codec, envelope, body }: Desk,
  value: unknown,
  serializer: AnySerializer | undefined,
  transfer: readonly TransferListItem[] | undefined,
): void {
  body.bytes = undefined
  body.words = undefined
  body.binaries = NONE
  body.shapes = 0
  body.beside = undefined
  body.transfer = undefined
  if (serializer !== undefined) {
    const bytes: unknown = atOnce(serializer.encode(value as never))
    if (!types.isUint8Array(bytes)) throw new TypeError(`its serializer made ${shown(bytes)}, not a Uint8Array`)
    body.bytes = bytes
    body.length = body.tree = bytes.length
    envelope.flags |= Flag.CUSTOM
  } else if (value === undefined && transfer === undefined) {
    envelope.flags |= Flag.EMPTY
  } else {
    const moved = transfer === undefined || transfer.length === 0 ? undefined : transfer
    codec.encode(value, body, moved)
    body.transfer = moved
    if (body.binaries.length > 0) envelope.flags |= Flag.BINARY
    if (body.linked) envelope.flags |= Flag.LINKED
  }
}

function entries(chain: ChainNode): ChainEntry[] {
  const list: ChainEntry[] = []
  for (let node: ChainNode | undefined = chain; node !== undefined; node = node.parent) {
    list.push({ agent: node.agent, turn: node.turn })
  }
  return list
}

function notSerializable(error: unknown, what: string, value: unknown): unknown {
  if (error instanceof OverloadedError) return error
  const why = (error instanceof TooLargeError ? undefined : culprit(value)) ?? textOf(error)
  return new NotSerializableError(`${what} cannot cross threads: ${why}`, { cause: error })
}
