// What becomes of a request that ends threads. What it keeps: a request that may be repeated is sent again when its
// thread is lost, and never a third time once its handler may have run in two lives that ended.

import type { SendOptions } from '../../agent/context.js'
import { DeadlineError, InvalidArgumentError, PoisonedError, ThreadLostError } from '../../agent/errors.js'
import type { AgentId } from '../../agent/ids.js'
import type { RequestType } from '../../agent/message.js'
import { wallNow } from '../../base/real-time.js'
import type { Origin } from '../base/message.js'
import type { Reports } from '../base/reports.js'
import type { Peers } from '../peer/peers.js'

const CRASHES = 2

/** What it needs of the loop that sends. */
export interface InsistHost {
  readonly origin: Origin
  readonly peers: Pick<Peers, 'isGone'>
  readonly reports: Pick<Reports, 'dead'>
}

/**
 * Sends a request until it is settled by something else than the end of its thread.
 * @param send sends it once
 * @throws PoisonedError
 */
export async function insist(
  { origin, peers, reports }: InsistHost,
  message: RequestType,
  payload: unknown,
  to: AgentId | string,
  sender: string | undefined,
  options: SendOptions,
  send: (options: SendOptions) => Promise<unknown>,
): Promise<unknown> {
  const recipient = `${to}`
  if (options.transfer !== undefined && options.transfer.length > 0) {
    throw new InvalidArgumentError(
      `send '${message.name}': what is transferred cannot be sent again; leave out idempotent`,
    )
  }
  const { idempotent: _, ...once } = options
  const messageId = options.messageId ?? `${origin.text}.${origin.next()}`
  for (let crashes = 0; ; ) {
    try {
      return await send({ ...once, messageId })
    } catch (error) {
      if (!isCrash(error, recipient, message.name) || peers.isGone(error.thread as number)) throw error
      if (!(error instanceof ThreadLostError) || error.maybeExecuted) crashes++
      if (crashes < CRASHES) continue
      const details = { agent: recipient, message: message.name, cause: error }
      const text = `'${message.name}' for ${recipient} (message ${messageId}) was in flight when its thread ended, ${CRASHES} times; it is in the dead letters. Last: ${error.message}`
      reports.dead({
        reason: 'poison',
        detail: error.message,
        time: wallNow(),
        message: message.name,
        messageId,
        sender,
        recipient,
        topic: undefined,
        payload,
      })
      throw new PoisonedError(text, details)
    }
  }
}

/** Whether the thread ended while it had this very request, not one that its handler made. */
function isCrash(error: unknown, agent: string, name: string): error is ThreadLostError | DeadlineError {
  if (!(error instanceof ThreadLostError || error instanceof DeadlineError)) return false
  return error.thread !== undefined && error.agent === agent && error.messageType === name
}
