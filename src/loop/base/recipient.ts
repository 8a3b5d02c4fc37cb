// What a message can be given to, as whoever delivers it sees it: agents of this loop, from this loop or out of a ring.
import type { AgentId } from '../../agent/ids.js'
import type { AnySerializer, MessageType } from '../../agent/message.js'
import type { Message } from './message.js'

/** An agent of this loop. */
export interface Recipient {
  readonly text: string
  /** Whether its loop knows it no more: its address has another one by now, or none. */
  readonly gone: boolean
  /** Whether more messages wait for it than its mailbox holds, and their senders are to wait. */
  readonly overfull: boolean
  /** Takes a message. Its outcome, also when it is refused, goes to its reply. */
  put(message: Message): void
  /** Tells `listener` once half of the mailbox is free, which may be now, for how many more there is room. */
  whenRoom(listener: (room: number) => void): void
  /** More may be held back for it than there was room for (1), or that is known by now (-1). */
  expect(change: 1 | -1): void
}

/** Where an agent is. */
export interface Address {
  readonly id: AgentId
  readonly text: string
  /** Index of its loop; -1: nowhere. */
  readonly loop: number
  /** Once it was used here. Kept by {@link Recipients} alone. */
  recipient: Recipient | undefined
}

/** What a codec needs to know of a message type. */
export type Coded = MessageType & {
  readonly serializer?: AnySerializer | undefined
  readonly answerSerializer?: AnySerializer | undefined
}

/** The agents of one loop. */
export interface Recipients {
  /** The agent that lives at an address of this loop. */
  at(address: Address): Recipient
  /** How an agent type codes a message. */
  coded(type: string, message: string, isRequest: boolean): Coded | undefined
}
