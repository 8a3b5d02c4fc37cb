// What the tests of a loop's parts make: messages that say no more than which they are.
import { agentId } from '#ringreeve/agent/ids.js'
import { Message, type Parcel } from '#ringreeve/loop/base/message.js'

const nothing = { serializer: undefined, transfer: undefined, id: undefined, trace: undefined, chain: undefined }

/** The message of that number. */
export function message(sequence: number): Message {
  return new Message({
    ...nothing,
    name: 'told',
    isRequest: false,
    payload: undefined,
    sender: undefined,
    recipient: agentId('a', '1'),
    topic: undefined,
    origin: '0.1',
    sequence,
    cancellation: undefined,
    reply: undefined,
    slot: 0,
    generation: 0,
  })
}

/** A message on its way. @param chain an agent whose turn waits for it */
export function parcel(sender: string | undefined, chain?: string): Parcel {
  const node = chain === undefined ? undefined : { agent: chain, turn: 1, parent: undefined, depth: 1 }
  return { ...nothing, name: 'told', payload: undefined, sender, sequence: 1, chain: node }
}
