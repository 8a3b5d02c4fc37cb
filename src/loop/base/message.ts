// A message as a loop holds it, whether it came from the same loop (payload by reference) or out of a ring (decoded).
import type { AsyncResource } from 'node:async_hooks'
import type { TransferListItem } from 'node:worker_threads'
import type { AgentId, TopicId } from '../../agent/ids.js'
import type { AnySerializer } from '../../agent/message.js'
import type { Cancellation } from './cancellation.js'
import type { ChainNode } from './chain.js'

/** Where the outcome of a message goes. Exactly one of the two is called, once. */
export interface Reply {
  answer(message: Message, value: unknown): void
  fail(message: Message, error: unknown): void
}

/** Where messages are sent from: one life of one loop. It numbers them. */
export class Origin {
  /** Loop and life, e.g. `2.1`. */
  readonly text: string
  #last = 0

  constructor(loop: number, life: number) {
    this.text = `${loop}.${life}`
  }

  next(): number {
    return ++this.#last
  }
}

/** A message on its way out, before it has a recipient or as each of its recipients gets it. */
export interface Parcel {
  readonly name: string
  readonly payload: unknown
  readonly serializer: AnySerializer | undefined
  readonly transfer: readonly TransferListItem[] | undefined
  readonly sender: string | undefined
  readonly sequence: number
  readonly id: string | undefined
  readonly trace: string | undefined
  readonly chain: ChainNode | undefined
}

/**
 * A message in a mailbox or in its turn. Its fields are declared and not defined: one is made for each send, and to define them first
 * and then set them takes twice as long.
 */
export class Message {
  declare readonly name: string
  declare readonly isRequest: boolean
  declare readonly payload: unknown
  declare readonly sender: AgentId | undefined
  declare readonly recipient: AgentId
  declare readonly topic: TopicId | undefined
  /** {@link Origin.text} of where it was sent. */
  declare readonly origin: string
  /** Number of the message at its origin. */
  declare readonly sequence: number
  declare readonly trace: string | undefined
  declare readonly chain: ChainNode | undefined
  declare readonly cancellation: Cancellation | undefined
  declare readonly reply: Reply | undefined
  /** The call at the asking loop, for replies to other loops. */
  declare readonly slot: number
  declare readonly generation: number
  /** That of its sender, if it is wanted; see {@link Contexts}. */
  declare context: AsyncResource | undefined
  readonly #id: string | undefined
  /** The message behind it in its line. */
  behind: Message | undefined

  /** @param parts its fields; `id` is the sender's own message id, if it gave one */
  constructor(parts: Omit<Message, 'id' | 'behind' | 'context'> & { readonly id: string | undefined }) {
    this.name = parts.name
    this.isRequest = parts.isRequest
    this.payload = parts.payload
    this.sender = parts.sender
    this.recipient = parts.recipient
    this.topic = parts.topic
    this.origin = parts.origin
    this.sequence = parts.sequence
    this.#id = parts.id
    this.trace = parts.trace
    this.chain = parts.chain
    this.cancellation = parts.cancellation
    this.reply = parts.reply
    this.slot = parts.slot
    this.generation = parts.generation
  }

  /** The sender's own id, or one made of origin and number: unique in this runtime. */
  get id(): string {
    return this.#id ?? `${this.origin}.${this.sequence}`
  }
}

/** A message of an agent to itself. */
export function noteTo(id: AgentId, origin: Origin, name: string, payload: unknown, reply: Reply): Message {
  return new Message({
    name,
    isRequest: false,
    payload,
    sender: id,
    recipient: id,
    topic: undefined,
    origin: origin.text,
    sequence: origin.next(),
    id: undefined,
    trace: undefined,
    chain: undefined,
    cancellation: undefined,
    reply,
    slot: 0,
    generation: 0,
  })
}
