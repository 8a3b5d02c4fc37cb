// What `send` and `publish` are given, and whether it makes sense. What it keeps: whatever is wrong is told before anything
// was counted or has left, with the verb, the message and what was expected; and options and addresses are read once, here,
// into what is our own: they may have getters, be inherited, or be a Proxy, and an address may have no text of its own.
import { types } from 'node:util'
import { checkKnown, shown } from '../../agent/check.js'
import type { PublishOptions, SendOptions } from '../../agent/context.js'
import { InvalidArgumentError } from '../../agent/errors.js'
import { type AgentId, type TopicId, toAgentId, toTopicId } from '../../agent/ids.js'
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

/** What a send was given, as our own. */
export interface Sending {
  readonly to: AgentId | string
  readonly options: SendOptions | undefined
}

/** What a publish was given, as our own. */
export interface Publishing extends PublishOptions {
  readonly topic: TopicId | string
}

/** Reads what a send is given. @throws InvalidArgumentError, InvalidNameError, and what throws when it is read */
export function takeSend(
  turn: Turn | undefined,
  message: RequestType,
  recipient: AgentId | string,
  given: SendOptions | undefined,
): Sending {
  if (message?.kind !== 'request') throw wrongKind('send', message, 'request')
  const options = given === undefined ? undefined : readSend(`send '${message.name}'`, given)
  if (turn?.open && turn.depth >= MAX_CHAIN) throw tooDeep('send', message, turn)
  if (recipient === undefined || recipient === null) {
    throw new InvalidArgumentError(`send '${message.name}': there is no recipient; give 'type/key' or an agent id`)
  }
  return { to: typeof recipient === 'string' ? recipient : toAgentId(recipient), options }
}

function readSend(what: string, given: SendOptions): SendOptions {
  checkObject(what, given, '{ timeout: 1_000 }')
  checkKnown(what, given, sendOptions)
  const options = {
    signal: given.signal,
    timeout: given.timeout,
    messageId: given.messageId,
    idempotent: given.idempotent,
    traceparent: given.traceparent,
    transfer: given.transfer,
    cause: given.cause,
    correlation: given.correlation,
  } satisfies Record<keyof SendOptions, unknown> as SendOptions
  checkShared(what, options)
  if (options.transfer !== undefined) checkTransfer(what, options.transfer)
  return options
}

/** The same on every engine, though on one loop nothing is moved. @throws InvalidArgumentError */
function checkTransfer(what: string, transfer: unknown): void {
  const problem = transferProblem(transfer)
  if (problem !== undefined) throw new InvalidArgumentError(`${what}: transfer ${problem}`)
}

function transferProblem(transfer: unknown): string | undefined {
  if (!Array.isArray(transfer)) return `must be an array of what is to be moved, got ${shown(transfer)}`
  for (const one of transfer) {
    if (typeof one !== 'object' || one === null) return `must hold ArrayBuffers, ports or streams, got ${shown(one)}`
    if (types.isSharedArrayBuffer(one)) return 'must not hold a SharedArrayBuffer: it is shared, not moved'
    if (ArrayBuffer.isView(one)) return 'must hold the buffer of a typed array, not the array'
  }
  return new Set(transfer).size === transfer.length ? undefined : 'must hold nothing twice'
}

/** Reads what a publish is given; it has a topic. @throws InvalidArgumentError, InvalidNameError, and what throws when it is read */
export function takePublish(turn: Turn | undefined, message: EventType, given: PublishOptions | undefined): Publishing {
  if (message?.kind !== 'event') throw wrongKind('publish', message, 'event')
  const options = given === undefined ? { topic: topicOf(turn, undefined) } : readPublish(turn, message.name, given)
  if (turn?.open && turn.depth >= MAX_CHAIN) throw tooDeep('publish', message, turn)
  return options
}

function readPublish(turn: Turn | undefined, name: string, given: PublishOptions): Publishing {
  const what = `publish '${name}'`
  checkObject(what, given, "{ topic: 'type/source' }")
  // Object.keys() of every event, or a look-up by name, would show in how many there can be
  for (const option in given) {
    switch (option) {
      case 'topic':
      case 'toSelf':
      case 'until':
      case 'signal':
      case 'messageId':
      case 'traceparent':
        continue
      default:
        checkKnown(what, given, publishOptions)
    }
  }
  const options = {
    topic: topicOf(turn, given.topic),
    toSelf: given.toSelf,
    until: given.until,
    signal: given.signal,
    messageId: given.messageId,
    traceparent: given.traceparent,
  } satisfies Record<keyof PublishOptions, unknown> as Publishing
  checkShared(what, options)
  const { until } = options
  if (until !== undefined && until !== 'accepted' && until !== 'handled') {
    throw new InvalidArgumentError(`publish: until must be 'accepted' or 'handled', got ${shown(until)}`)
  }
  return options
}

/** @returns what was given as a topic, or the one of who gives none */
function topicOf(turn: Turn | undefined, given: TopicId | string | undefined): TopicId | string {
  if (typeof given === 'string') return given
  if (given !== undefined && given !== null) return toTopicId(given)
  return turn === undefined ? 'default/default' : `default/${turn.id.key}`
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
