// Handles: an agent's address with the verbs that go there, whoever sends.
import type { Context, Handle, Payload, SendResult } from '../../agent/context.js'
import { InvalidArgumentError } from '../../agent/errors.js'
import type { AgentId } from '../../agent/ids.js'
import type { AnswerOf, MessageType, PayloadOf, RequestType } from '../../agent/message.js'

/** The outcome of a send as a value. */
export function resultOf<T>(sent: Promise<T>): Promise<SendResult<T>> {
  return sent.then(
    value => ({ ok: true, value }),
    error => ({ ok: false, error }),
  )
}

/** A handle that sends through `out`. */
export function handleOf<H extends MessageType>(
  out: Pick<Context, 'send'>,
  type: string,
  key: string | undefined,
  toId: (type: string, key?: string) => AgentId,
): Handle<H> {
  if (typeof type !== 'string') {
    throw new InvalidArgumentError("handle() takes an agent definition, or { type: 'hasher' }, and then the key")
  }
  const id = toId(type, key)
  return {
    id,
    send<M extends H & RequestType>(message: M, ...[payload, options]: Payload<M>): Promise<AnswerOf<M>> {
      return out.send(message, payload as PayloadOf<M>, id, options)
    },
    trySend<M extends H & RequestType>(
      message: M,
      ...[payload, options]: Payload<M>
    ): Promise<SendResult<AnswerOf<M>>> {
      return resultOf(out.send(message, payload as PayloadOf<M>, id, options))
    },
  }
}
