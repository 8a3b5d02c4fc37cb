// The layout of one frame: an envelope as bytes in a ring. Everything is aligned to 8; integers are Int32 in the
// machine's own order (both ends are threads of one process). The first two words belong to the ring.
//
//   word  0  length        bytes of the whole frame, a multiple of 8
//   word  1  kind : 8 | flags : 16 | sequence, bits 32 to 39 : 8
//   word  2  slot          the call at the asking loop (REQUEST, EVENT that waits, ANSWER, FAILURE, CANCEL, HANDLED)
//   word  3  generation    of that slot
//   word  4  sender        interned name of an agent, 0 = the application
//   word  5  recipient     interned name of an agent (REQUEST, EVENT_TO)
//   word  6  topic         interned name of a topic (EVENT, EVENT_TO)
//   word  7  message       interned name of a message type
//   word  8  body          bytes of the body, without padding
//   word  9  sequence      bits 0 to 31: number of the message at its loop
//
//   then, each only if its flag is set, in this order:
//     TRACE    56 bytes    W3C traceparent, Latin-1, zero-padded
//     CANCEL   16 bytes    loop, slot, generation of the cancel flag to watch; which life of the loop
//     CHAIN    8 + 8n      n, unused; n times: interned agent, number of its turn (innermost first)
//     ID       8 + …       length, unused; a message id of the sender's own choice, UTF-8 (text.ts)
//   then the body, padded to 8.
//
// Interned names: a DEFINE frame earlier in the same lane gives the number its text (slot = number, body = UTF-8, see text.ts).
// Shapes of objects (shapes.ts): a SHAPE frame earlier in the same lane gives the number its keys, in the same way.
import { pad8 } from './ring.js'
import { textFrom } from './text.js'

/** Kinds of frames. 0 is the ring's padding. */
export const Kind = {
  /** Both lanes: a name for a number. */
  DEFINE: 1,
  /** Work lane: one recipient, wants an answer. */
  REQUEST: 2,
  /** Work lane: to every agent on the receiving loop that hears the topic. */
  EVENT: 3,
  /** Work lane: an event for one recipient: the queue of one of them is full, or others hear the topic by now. */
  EVENT_TO: 4,
  /** Answer lane: the value that a call resolves with. */
  ANSWER: 5,
  /** Answer lane: the error that a call rejects with. */
  FAILURE: 6,
  /** Answer lane: how one loop fared with an event that somebody waits for; body: errors by agent. */
  HANDLED: 7,
  /** Answer lane: the asker gave up on that slot. */
  CANCEL: 8,
  /** Answer lane: the queue of the agent named in the body is full; hold what is for it. */
  MUTE: 9,
  /** Answer lane: it has room for as many as the slot says. */
  UNMUTE: 10,
  /** Answer lane, to the host: whatever loops report, see `Report` (loop/base/reports.ts). */
  REPORT: 11,
  /** Both lanes: a shape for a number. */
  SHAPE: 12,
  /** Work lane, behind what there was room for: so many more (the slot) are held back for the agent named in the body. */
  HELD: 13,
} as const
export type Kind = (typeof Kind)[keyof typeof Kind]

/** Flags of a frame. */
export const Flag = {
  TRACE: 1,
  CANCEL: 2,
  CHAIN: 4,
  ID: 8,
  /** There is no body: the value is undefined. */
  EMPTY: 16,
  /** The body came over the port; the frame's body is its number there. */
  BULK: 32,
  /** Values of the body refer to one another. */
  LINKED: 64,
  /** The body was written by the message type's own serializer. */
  CUSTOM: 128,
  /** The body has binary fields, behind the tree. */
  BINARY: 256,
  /** The event may go back to its own sender. */
  TO_SELF: 512,
  /** The publisher waits until the event is handled. */
  WAITED: 1024,
  /** The text that the frame carries, a name or the sender's own id, is UTF-16: it is not well formed. */
  WIDE: 2048,
} as const

export const HEADER_BYTES = 40
export const TRACE_BYTES = 56
const CANCEL_BYTES = 16

/** Number of the frame's bytes, for a body and sections of these sizes. */
export function frameBytes(flags: number, chain: number, id: number, body: number): number {
  let bytes = HEADER_BYTES + pad8(body)
  if (flags & Flag.TRACE) bytes += TRACE_BYTES
  if (flags & Flag.CANCEL) bytes += CANCEL_BYTES
  if (flags & Flag.CHAIN) bytes += 8 + 8 * chain
  if (flags & Flag.ID) bytes += 8 + pad8(id)
  return bytes
}

/** One agent turn that waits for this message, innermost first. */
export interface ChainEntry {
  readonly agent: string
  readonly turn: number
}

/** The flag that says whether the work is still wanted: which call, of which life of which loop. */
export interface CancelRef {
  readonly loop: number
  readonly life: number
  readonly slot: number
  readonly generation: number
}

/** An envelope without its body, as one side hands it to the wire and the other gets it back. */
export interface Envelope {
  kind: Kind
  flags: number
  slot: number
  generation: number
  sender: string | undefined
  recipient: string | undefined
  topic: string | undefined
  message: string | undefined
  /** Number of the message at its loop; below 2^40. */
  sequence: number
  trace: string | undefined
  cancel: CancelRef | undefined
  chain: readonly ChainEntry[] | undefined
  /** The sender's own message id. */
  id: string | undefined
}

const HIGH = 2 ** 32
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Writes header and sections at `offset`. @returns byte offset of the body */
export function writeEnvelope(
  words: Int32Array,
  bytes: Uint8Array,
  offset: number,
  length: number,
  envelope: Envelope,
  bodyBytes: number,
  numbers: readonly number[],
  chainNumbers: readonly number[],
  id: Uint8Array,
): number {
  const at = offset >> 2
  const { flags, sequence } = envelope
  words[at] = length
  words[at + 1] = envelope.kind | (flags << 8) | (Math.floor(sequence / HIGH) << 24)
  words[at + 2] = envelope.slot
  words[at + 3] = envelope.generation
  words[at + 4] = numbers[0] as number
  words[at + 5] = numbers[1] as number
  words[at + 6] = numbers[2] as number
  words[at + 7] = numbers[3] as number
  words[at + 8] = bodyBytes
  words[at + 9] = sequence | 0
  let next = offset + HEADER_BYTES
  if (flags & (Flag.TRACE | Flag.CANCEL | Flag.CHAIN | Flag.ID)) {
    if (flags & Flag.TRACE) {
      bytes.fill(0, next, next + TRACE_BYTES)
      encoder.encodeInto(envelope.trace as string, bytes.subarray(next, next + TRACE_BYTES))
      next += TRACE_BYTES
    }
    if (flags & Flag.CANCEL) {
      const cancel = envelope.cancel as CancelRef
      words[next >> 2] = cancel.loop
      words[(next >> 2) + 1] = cancel.slot
      words[(next >> 2) + 2] = cancel.generation
      words[(next >> 2) + 3] = cancel.life
      next += CANCEL_BYTES
    }
    if (flags & Flag.CHAIN) {
      const chain = envelope.chain as readonly ChainEntry[]
      words[next >> 2] = chain.length
      next += 8
      for (let i = 0; i < chain.length; i++, next += 8) {
        words[next >> 2] = chainNumbers[i] as number
        words[(next >> 2) + 1] = (chain[i] as ChainEntry).turn
      }
    }
    if (flags & Flag.ID) {
      words[next >> 2] = id.length
      bytes.set(id, next + 8)
      next += 8 + pad8(id.length)
    }
  }
  return next
}

/** Where a frame's body is. */
export interface BodyRange {
  offset: number
  length: number
}

/** Reads header and sections at `offset` into `envelope`. @param names texts of the interned numbers; 0 has none */
export function readEnvelope(
  words: Int32Array,
  bytes: Uint8Array,
  offset: number,
  envelope: Envelope,
  body: BodyRange,
  names: readonly (string | undefined)[],
): void {
  const at = offset >> 2
  const second = words[at + 1] as number
  const flags = (second >>> 8) & 0xffff
  envelope.kind = (second & 0xff) as Kind
  envelope.flags = flags
  envelope.slot = words[at + 2] as number
  envelope.generation = words[at + 3] as number
  envelope.sender = names[words[at + 4] as number]
  envelope.recipient = names[words[at + 5] as number]
  envelope.topic = names[words[at + 6] as number]
  envelope.message = names[words[at + 7] as number]
  envelope.sequence = (second >>> 24) * HIGH + ((words[at + 9] as number) >>> 0)
  envelope.trace = undefined
  envelope.cancel = undefined
  envelope.chain = undefined
  envelope.id = undefined
  const end = offset + (words[at] as number)
  let next = offset + HEADER_BYTES
  if (flags & (Flag.TRACE | Flag.CANCEL | Flag.CHAIN | Flag.ID)) {
    if (flags & Flag.TRACE) {
      envelope.trace = decoder.decode(bytes.slice(next, next + 55))
      next += TRACE_BYTES
    }
    if (flags & Flag.CANCEL) {
      const word = next >> 2
      envelope.cancel = {
        loop: words[word] as number,
        slot: words[word + 1] as number,
        generation: words[word + 2] as number,
        life: words[word + 3] as number,
      }
      next += CANCEL_BYTES
    }
    if (flags & Flag.CHAIN) {
      const entries: ChainEntry[] = []
      const count = words[next >> 2] as number
      next += 8
      if (count < 0 || count > (end - next) >> 3) throw new RangeError(`a chain of ${count} does not fit its frame`)
      for (let i = 0; i < count; i++, next += 8) {
        entries.push({ agent: names[words[next >> 2] as number] as string, turn: words[(next >> 2) + 1] as number })
      }
      envelope.chain = entries
    }
    if (flags & Flag.ID) {
      const length = words[next >> 2] as number
      if (length < 0 || length > end - next - 8) throw new RangeError(`an id of ${length} bytes does not fit its frame`)
      envelope.id = textFrom(bytes.slice(next + 8, next + 8 + length), (flags & Flag.WIDE) !== 0)
      next += 8 + pad8(length)
    }
  }
  const length = words[at + 8] as number
  if (length < 0 || length > end - next) throw new RangeError(`a body of ${length} bytes does not fit its frame`)
  body.offset = next
  body.length = length
}

/** An envelope with nothing in it. */
export function emptyEnvelope(kind: Kind): Envelope {
  return {
    kind,
    flags: 0,
    slot: 0,
    generation: 0,
    sender: undefined,
    recipient: undefined,
    topic: undefined,
    message: undefined,
    sequence: 0,
    trace: undefined,
    cancel: undefined,
    chain: undefined,
    id: undefined,
  }
}
