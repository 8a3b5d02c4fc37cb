// Everything that leaves for other loops as frames: envelope and body. What it keeps: one envelope and one body are filled again
// and again, so nothing else runs between the moment they are filled and the moment the lane has taken them; and a frame that
// cannot be written says why, and changes nothing.
import type { TransferListItem } from 'node:worker_threads'
import { NotSerializableError, OverloadedError, textOf } from '../../agent/errors.js'
import type { AnySerializer } from '../../agent/message.js'
import { bodyOf } from '../../transport/body.js'
import type { Codec } from '../../transport/codec.js'
import { Forbidden } from '../../transport/extensions.js'
import { type CancelRef, type ChainEntry, type Envelope, emptyEnvelope, Flag, Kind } from '../../transport/frame.js'
import type { Link } from '../../transport/link.js'
import type { Written } from '../../transport/out-lane.js'
import type { ChainNode } from '../base/chain.js'
import type { Parcel } from '../base/message.js'
import { culprit } from './culprit.js'
import type { Waiter } from './waiter.js'

/** A body without binary fields. */
const NONE: never[] = []

/** Where the waiter of a frame waits: a slot of the loop that asks. */
type Slot = Pick<Waiter, 'slot' | 'generation'>

/** Writes the frames of one loop. */
export class Frames {
  readonly #codec: Codec
  readonly #envelope = emptyEnvelope(Kind.REQUEST)
  readonly #body = bodyOf(undefined)

  constructor(codec: Codec) {
    this.#codec = codec
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
    try {
      const envelope = this.#fill(Kind.REQUEST, parcel, slot, cancel)
      envelope.recipient = recipient
      this.#encode(parcel.payload, parcel.serializer, parcel.transfer)
      return link.work.out.send(envelope, this.#body, written)
    } catch (error) {
      throw notSerializable(error, `payload of '${parcel.name}' for ${recipient}`, parcel.payload)
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
    try {
      const envelope = this.#fill(recipient === undefined ? Kind.EVENT : Kind.EVENT_TO, parcel, slot, cancel)
      envelope.topic = topic
      envelope.recipient = recipient
      envelope.flags |= flags
      this.#encode(parcel.payload, parcel.serializer, parcel.transfer)
      return link.work.out.send(envelope, this.#body, written)
    } catch (error) {
      throw notSerializable(error, `payload of '${parcel.name}' for ${topic}`, parcel.payload)
    }
  }

  /** Sends an answer; one that cannot cross threads becomes a failure. @param what whose answer to what */
  answer(link: Link, slot: Slot, value: unknown, serializer: AnySerializer | undefined, what: () => string): void {
    try {
      this.#fillAnswer(Kind.ANSWER, slot)
      this.#encode(value, serializer, undefined)
      link.answers.out.send(this.#envelope, this.#body)
    } catch (error) {
      this.failure(link, slot, notSerializable(error, `answer of ${what()}`, value))
    }
  }

  failure(link: Link, slot: Slot, error: unknown): void {
    try {
      this.#fillAnswer(Kind.FAILURE, slot)
      this.#encode(error, undefined, undefined)
      link.answers.out.send(this.#envelope, this.#body)
    } catch {
      this.failure(link, slot, new Error(`what was thrown cannot cross threads: ${textOf(error)}`))
    }
  }

  /** Sends a frame of the answer lane that has only a slot and a small body. @param written see {@link OutLane.send} @throws DataCloneError */
  control(link: Link, kind: Kind, slot: Slot, body: unknown, written?: Written): void {
    this.#fillAnswer(kind, slot)
    this.#encode(body, undefined, undefined)
    link.answers.out.send(this.#envelope, this.#body, written)
  }

  #fill(kind: Kind, parcel: Parcel, slot: Slot | undefined, cancel: CancelRef | undefined): Envelope {
    const envelope = this.#envelope
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
  #fillAnswer(kind: Kind, { slot, generation }: Slot): void {
    const envelope = this.#envelope
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

  #encode(
    value: unknown,
    serializer: AnySerializer | undefined,
    transfer: readonly TransferListItem[] | undefined,
  ): void {
    const body = this.#body
    body.bytes = undefined
    body.words = undefined
    body.binaries = NONE
    body.shapes = 0
    body.clone = undefined
    if (serializer !== undefined) {
      body.bytes = serializer.encode(value as never)
      body.length = body.tree = body.bytes.length
      this.#envelope.flags |= Flag.CUSTOM
    } else if (transfer !== undefined && transfer.length > 0) {
      body.clone = { value, transfer }
    } else if (value === undefined) {
      this.#envelope.flags |= Flag.EMPTY
    } else {
      try {
        this.#codec.encode(value, body)
      } catch (error) {
        if (error instanceof Forbidden) throw error
        // not plain data, or a cycle: a structured clone takes more, and says what it cannot take
        body.clone = { value, transfer: [] }
        return
      }
      if (body.binaries.length > 0) this.#envelope.flags |= Flag.BINARY
    }
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
  const why = culprit(value) ?? textOf(error)
  return new NotSerializableError(`${what} cannot cross threads: ${why}`, { cause: error })
}
