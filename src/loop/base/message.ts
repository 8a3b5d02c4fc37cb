// A message as a loop holds it, whether it came from the same loop (payload by reference) or out of a ring (decoded).
import type { AgentId, TopicId } from '../../agent/ids.js'
import type { Cancellation } from './cancellation.js'

/** One turn that waits, and the turn that waits for it. */
export interface ChainNode {
  readonly agent: string
  readonly turn: number
  readonly parent: ChainNode | undefined
  /** How many turns wait, this one included. */
  readonly depth: number
}

/** Calls may nest so deep; beyond it the request is refused, since it is a recursion without an end. */
export const MAX_CHAIN = 64

/** Where the outcome of a message goes. Exactly one of the two is called, once. */
export interface Reply {
  answer(message: Message, value: unknown): void
  fail(message: Message, error: unknown): void
}

/** What a message is made of. */
export interface MessageParts {
  readonly name: string
  readonly isRequest: boolean
  readonly payload: unknown
  readonly sender: AgentId | undefined
  readonly recipient: AgentId
  readonly topic: TopicId | undefined
  /** Where it was sent: the loop and its life, e.g. `2.1`. */
  readonly origin: string
  /** Number of the message at its origin. */
  readonly sequence: number
  /** The sender's own message id. */
  readonly id: string | undefined
  readonly trace: string | undefined
  readonly chain: ChainNode | undefined
  readonly cancellation: Cancellation | undefined
  readonly reply: Reply | undefined
  /** The call at the asking loop, for replies to other loops. */
  readonly slot: number
  readonly generation: number
}

/** A message in a mailbox or in its turn. */
export class Message implements MessageParts {
  readonly name: string
  readonly isRequest: boolean
  readonly payload: unknown
  readonly sender: AgentId | undefined
  readonly recipient: AgentId
  readonly topic: TopicId | undefined
  readonly origin: string
  readonly sequence: number
  readonly trace: string | undefined
  readonly chain: ChainNode | undefined
  readonly cancellation: Cancellation | undefined
  readonly reply: Reply | undefined
  readonly slot: number
  readonly generation: number
  readonly #id: string | undefined
  /** The message behind it in its line. */
  behind: Message | undefined

  constructor(parts: MessageParts) {
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

/** Messages first come, first served, each in one line at a time. An empty line holds nothing, since most mailboxes are empty. */
export class MessageLine {
  #first: Message | undefined
  #last: Message | undefined
  length = 0

  push(message: Message): void {
    if (this.#last === undefined) this.#first = message
    else this.#last.behind = message
    this.#last = message
    this.length++
  }

  shift(): Message | undefined {
    const message = this.#first
    if (message === undefined) return undefined
    this.#first = message.behind
    message.behind = undefined
    if (this.#first === undefined) this.#last = undefined
    this.length--
    return message
  }

  /** Takes out the first that is `wanted`. */
  take(wanted: (message: Message) => boolean): Message | undefined {
    let before: Message | undefined
    for (let message = this.#first; message !== undefined; message = message.behind) {
      if (wanted(message)) {
        if (before === undefined) return this.shift()
        before.behind = message.behind
        if (this.#last === message) this.#last = before
        message.behind = undefined
        this.length--
        return message
      }
      before = message
    }
    return undefined
  }

  /** Takes everything out, in order. */
  drain(): Message[] {
    const all: Message[] = []
    for (let message = this.shift(); message !== undefined; message = this.shift()) all.push(message)
    return all
  }
}

/** Whether to wait for a value. Handlers may return any thenable. */
export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
