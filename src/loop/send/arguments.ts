// What `send` and `publish` are given, and whether it makes sense. What it keeps: whatever is wrong is told before anything
// was counted or has left, with the verb, the message and what was expected.
import { checkKnown, shown } from '../../agent/check.js'
import type { PublishOptions, SendOptions } from '../../agent/context.js'
import { InvalidArgumentError } from '../../agent/errors.js'
import type { AgentId } from '../../agent/ids.js'
import type { EventType, MessageType, RequestType } from '../../agent/message.js'
import { checkSignal } from '../base/cancellation.js'
import { MAX_CHAIN } from '../base/chain.js'
import type { Turn } from '../cell/turn.js'

const MAX_ID = 512
const traceparentForm = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/

const sendOptions: Readonly<Record<keyof SendOptions, true>> = {
  signal: true,
  timeout: true,
  messageId: true,
  idempotent: true,
  traceparent: true,
  transfer: true,
  cause: true,
  correlation: true,
}

const publishOptions: Readonly<Record<keyof PublishOptions, true>> = {
  topic: true,
  toSelf: true,
  until: true,
  signal: true,
  messageId: true,
  traceparent: true,
}

/** @throws InvalidArgumentError */
export function checkSend(
  turn: Turn | undefined,
  message: RequestType,
  recipient: AgentId | string,
  options: SendOptions | undefined,
): void {
  if (message?.kind !== 'request') throw wrongKind('send', message, 'request')
  if (options !== undefined) {
    const what = `send '${message.name}'`
    checkObject(what, options, '{ timeout: 1_000 }')
    checkKnown(what, options, sendOptions)
    checkShared(what, options)
  }
  if (turn?.open && turn.depth >= MAX_CHAIN) throw tooDeep('send', message, turn)
  if (recipient === undefined || recipient === null) {
    throw new InvalidArgumentError(`send '${message.name}': there is no recipient; give 'type/key' or an agent id`)
  }
}

/** @throws InvalidArgumentError */
export function checkPublish(turn: Turn | undefined, message: EventType, options: PublishOptions | undefined): void {
  if (message?.kind !== 'event') throw wrongKind('publish', message, 'event')
  if (options !== undefined) {
    const what = `publish '${message.name}'`
    checkObject(what, options, "{ topic: 'type/source' }")
    // not of every event, it would show in how many there can be: of those that may have a topic by another name
    if (!('topic' in options)) checkKnown(what, options, publishOptions)
    checkShared(what, options)
    const { until } = options
    if (until !== undefined && until !== 'accepted' && until !== 'handled') {
      throw new InvalidArgumentError(`publish: until must be 'accepted' or 'handled', got ${JSON.stringify(until)}`)
    }
  }
  if (turn?.open && turn.depth >= MAX_CHAIN) throw tooDeep('publish', message, turn)
}

function checkObject(what: string, options: unknown, example: string): void {
  if (typeof options === 'object' && options !== null) return
  throw new InvalidArgumentError(`${what}: options are an object, as ${example}, got ${shown(options)}`)
}

function checkShared(what: string, { signal, messageId: id, traceparent }: SendOptions | PublishOptions): void {
  checkSignal(what, signal)
  if (id !== undefined && (typeof id !== 'string' || id === '' || id.length > MAX_ID)) {
    throw new InvalidArgumentError(`${what}: messageId must be a string of 1 to ${MAX_ID} characters`)
  }
  if (traceparent !== undefined && !traceparentForm.test(traceparent)) {
    throw new InvalidArgumentError(`${what}: traceparent is not in W3C form 00-<32 hex>-<16 hex>-<2 hex>`)
  }
}

function wrongKind(verb: string, message: MessageType | undefined, kind: MessageType['kind']): InvalidArgumentError {
  const got =
    message?.kind === undefined ? (JSON.stringify(message) ?? typeof message) : `${message.kind} '${message.name}'`
  const other = kind === 'request' ? 'events are published' : 'requests are sent'
  return new InvalidArgumentError(`${verb}() takes what ${kind}() returned, got ${got} (${other})`)
}

function tooDeep(verb: string, message: MessageType, turn: Turn): InvalidArgumentError {
  const text = `${verb} '${message.name}': calls nest ${MAX_CHAIN} deep; this recursion has no end`
  return new InvalidArgumentError(text, { agent: turn.agent })
}
