// The way out: what `send` and `publish` do before a message is in a mailbox or in a ring. Checks, interceptors and
// schemas come first, synchronously where they can; when one of them takes time, later messages of the same sender
// queue behind it, so that the order in which a sender sent is the order in which its messages leave.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkKnown, shown } from '../../agent/check.js'
import type { PublishOptions, SendOptions } from '../../agent/context.js'
import { InvalidArgumentError, MessageDroppedError, type StoppedError } from '../../agent/errors.js'
import { type AgentId, type TopicId, topicId } from '../../agent/ids.js'
import { DROP, type Intercept, type Interceptor, type Passing } from '../../agent/interceptor.js'
import { type EventType, type MessageType, type RequestType, STOP } from '../../agent/message.js'
import { validate } from '../../agent/schema.js'
import type { Lineage, Seen } from '../../observe/observer.js'
import { at } from '../../sync/status.js'
import type { Audience } from '../base/audience.js'
import { Cancellation, checkSignal } from '../base/cancellation.js'
import { isPromise, MAX_CHAIN, Message, type Reply } from '../base/message.js'
import type { Turn } from '../cell/turn.js'
import type { Address, Loop } from '../loop.js'
import { Call, cancelled, Gather, GatherPart } from '../peer/calls.js'
import type { Parcel } from '../peer/peer.js'
import { insist } from './insist.js'
import { limited } from './time-limit.js'

type Hook = keyof Interceptor
const stopRequest: RequestType = { kind: 'request', name: STOP }
const MAX_ID = 512
const traceparentForm = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/

/** Everything that leaves one loop, or is sent within it. */
export class Outgoing {
  readonly #loop: Loop
  readonly #hooks: Record<Hook, Intercept[]> = { onSend: [], onPublish: [], onResponse: [] }
  /** By sender: the message of it that is still being checked. */
  readonly #checking = new Map<string, Promise<unknown>>()
  /** What is being checked is in no queue and no table, and a check may never end: how to tell it that the loop stops. */
  readonly #unchecked = new Set<(error: StoppedError) => void>()

  constructor(loop: Loop) {
    this.#loop = loop
  }

  /** Adds to the end of the chain. */
  intercept(interceptor: Interceptor): void {
    for (const hook of ['onSend', 'onPublish', 'onResponse'] as const) {
      const intercept = interceptor[hook]
      if (intercept !== undefined) this.#hooks[hook].push(intercept)
    }
  }

  /** The loop stops: whatever is being checked is not waited for. */
  abandon(error: StoppedError): void {
    for (const fail of this.#unchecked) fail(error)
  }

  /** Waits for a check, unless the loop stops first. */
  #checked(check: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#unchecked.add(reject)
      const over = () => this.#unchecked.delete(reject)
      Promise.resolve(check).then(resolve, reject).then(over)
    })
  }

  /** `send` of a turn, or (undefined) of the application. Never throws; everything is in the promise. */
  send(
    turn: Turn | undefined,
    message: RequestType,
    payload: unknown,
    recipient: AgentId | string,
    options: SendOptions | undefined,
  ): Promise<unknown> {
    if (options?.timeout !== undefined) {
      return limited(this.#loop.clock, message?.name, recipient, options, own =>
        this.send(turn, message, payload, recipient, own),
      )
    }
    const { gate } = this.#loop
    if (turn === undefined && gate.closed) return gate.hold(() => this.send(turn, message, payload, recipient, options))
    if (options?.idempotent === true) {
      const once = (again: SendOptions) => this.send(turn, message, payload, recipient, again)
      return insist(this.#loop, message, payload, String(recipient), turn?.agent, options, once)
    }
    let address: Address
    try {
      address = this.#check(turn, message, 'request', options, recipient) as Address
    } catch (error) {
      return Promise.reject(error)
    }
    const call = new Call(this.#loop, message, address.text, this.#loop.sites.here(this.#loop.scheduler.now, this.send))
    try {
      const sequence = this.#loop.nextSequence()
      const ready = this.#prepare(
        turn,
        'onSend',
        message.input,
        payload,
        message.name,
        sequence,
        options?.messageId,
        address.id,
        undefined,
      )
      const cancellation = cancellationOf(turn, options?.signal)
      call.cancelWith(cancellation)
      if (isPromise(ready)) {
        ready
          .then(value => {
            if (call.settled) return // it was cancelled meanwhile
            const to = this.#loop.address(recipient) // where it is may have changed meanwhile, or whether it is anywhere
            if (to.loop < 0) throw this.#loop.nowhere(to, message.name)
            this.#dispatch(turn, call, message, value, to, sequence, options, cancellation)
          })
          .catch(error => call.reject(error))
      } else this.#dispatch(turn, call, message, ready, address, sequence, options, cancellation)
    } catch (error) {
      call.reject(error)
    }
    return call.promise
  }

  /** Asks an agent to stop, behind everything that was sent to it from here. Resolves when it has stopped. @throws UnknownAgentError */
  stop(recipient: AgentId): Promise<unknown> {
    const loop = this.#loop
    const address = loop.address(recipient)
    if (address.loop < 0) throw loop.nowhere(address)
    if (loop.gate.closed) return loop.gate.hold(async () => this.stop(recipient)) // behind what was held before it
    const call = new Call(loop, stopRequest, address.text, undefined)
    this.#dispatch(undefined, call, stopRequest, undefined, address, loop.nextSequence(), undefined, undefined)
    return call.promise
  }

  #dispatch(
    turn: Turn | undefined,
    call: Call,
    message: RequestType,
    payload: unknown,
    address: Address,
    sequence: number,
    options: SendOptions | undefined,
    cancellation: Cancellation | undefined,
  ): void {
    const loop = this.#loop
    if (loop.closed) return call.reject(loop.stopReason()) // it stopped while the payload was checked
    if (call.settled) return
    loop.counters.add(at.sent, 1)
    const parts = this.#parts(turn, message, payload, sequence, options, turn?.open ? turn : undefined)
    if (address.loop !== loop.index) {
      const cancel = cancellation === undefined ? undefined : (cancellation.flag ?? true)
      if (loop.observer.active)
        loop.observer.send(seen(parts, loop.origin, address.id, undefined), lineage(turn, options))
      loop.peer(address.loop).request(call, address.text, parts, cancel)
      loop.sentOut()
      return
    }
    const letter = this.#letter(turn, parts, true, address, undefined, cancellation, call)
    if (loop.observer.active) loop.observer.send(letter, lineage(turn, options))
    loop.cell(address).put(letter)
  }

  /** `publish` of a turn, or (undefined) of the application. Never throws; everything is in the promise. */
  publish(turn: Turn | undefined, message: EventType, payload: unknown, given?: PublishOptions): Promise<void> {
    const { gate } = this.#loop
    if (turn === undefined && gate.closed) return gate.hold(() => this.publish(turn, message, payload, given))
    const options = given ?? nothing
    try {
      this.#check(turn, message, 'event', given, undefined)
      if (options.until !== undefined && options.until !== 'accepted' && options.until !== 'handled') {
        throw new InvalidArgumentError(
          `publish: until must be 'accepted' or 'handled', got ${JSON.stringify(options.until)}`,
        )
      }
      const audience = this.#loop.audiences.of(options.topic ?? topicId('default', turn?.id.key ?? 'default'))
      const sequence = this.#loop.nextSequence()
      const ready = this.#prepare(
        turn,
        'onPublish',
        message.payload,
        payload,
        message.name,
        sequence,
        options.messageId,
        undefined,
        audience.topic,
      )
      if (!isPromise(ready)) return this.#spread(turn, message, ready, audience, sequence, options)
      const late = () => this.#loop.audiences.of(audience.topic) // who hears it may have changed meanwhile
      return ready.then(value => this.#spread(turn, message, value, late(), sequence, options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #spread(
    turn: Turn | undefined,
    message: EventType,
    payload: unknown,
    { topic, text, here, elsewhere, nowhere }: Audience,
    sequence: number,
    options: PublishOptions,
  ): Promise<void> {
    const loop = this.#loop
    if (loop.closed) throw loop.stopReason()
    const waited = options.until === 'handled'
    const parcel = this.#parts(turn, message, payload, sequence, options, waited && turn?.open ? turn : undefined)
    // who is not waited for shares the turn's own wish to cancel: a new one would hang on to the turn until its end
    const followed = waited || options.signal !== undefined
    const cancellation = followed ? cancellationOf(turn, options.signal) : turn?.cancellation
    loop.counters.add(at.published, 1)
    if (loop.observer.active)
      loop.observer.publish(seen(parcel, loop.origin, undefined, topic), lineage(turn, undefined))
    // an event that can be cancelled is followed to its end, like one that is waited for
    const gather = followed ? new Gather(loop, message.name) : undefined
    for (const agent of nowhere) {
      gather?.expect()
      gather?.add(agent, loop.nowhere(loop.address(agent), message.name))
      gather?.answer()
    }
    const remote: GatherPart[] = []
    const waits: Promise<void>[] = []
    const left = options.toSelf === true ? undefined : turn?.agent
    let heard = elsewhere.size > 0
    for (const address of here) {
      if (address.text === left) continue
      heard = true
      gather?.expect()
      const cell = loop.cell(address)
      cell.put(this.#letter(turn, parcel, false, address, topic, cancellation, gather))
      if (cell.overfull && cell.type.overflow === 'wait') waits.push(new Promise(resolve => cell.whenRoom(resolve)))
    }
    for (const [index, agents] of elsewhere) {
      const part =
        gather &&
        ((names: readonly string[]) => {
          const one = new GatherPart(gather, names)
          remote.push(one)
          return one
        })
      const cancel = cancellation && (cancellation.flag ?? true)
      try {
        const wait = loop.peer(index).event(text, agents, parcel, options.toSelf === true, part, cancel)
        if (wait !== undefined) waits.push(wait)
      } catch (error) {
        waits.push(Promise.reject(error)) // the other loops get it all the same
      }
    }
    if (!heard && loop.keepsUnheard) loop.reports.unheard(message.name, parcel, topic)
    if (elsewhere.size > 0) loop.sentOut()
    if (gather !== undefined) {
      const detach = cancellation?.onCancel(reason => {
        for (const part of remote) {
          // what is still held back here has no flag that its handlers could see: it does not leave any more
          if (part.peer === undefined) part.reject(cancelled(part.agent, part.name, reason))
          else loop.giveUp(part)
        }
      })
      const handled = gather.complete().finally(() => {
        detach?.()
        cancellation?.release()
      })
      if (waited) {
        for (const wait of waits) wait.catch(() => {}) // its failure is in the gather already
        return handled
      }
      handled.catch((all: AggregateError) => {
        for (const error of all.errors) loop.reports.unhandled(turn?.cell, undefined, error)
      })
    }
    if (waits.length === 0) return (elsewhere.size > 0 && loop.scheduler.breathe()) || accepted
    // A sender that others wait for does not wait itself: so no ring of agents can wait for each other's queues.
    // And no turn waits for a loop that is to move: that loop may wait for the turn.
    if (turn !== undefined && (turn.cell.waitedFor || loop.holding)) {
      for (const wait of waits) wait.catch(error => loop.reports.unhandled(turn.cell, undefined, error))
      return accepted
    }
    return waits.length === 1 ? (waits[0] as Promise<void>) : Promise.all(waits).then(() => {})
  }

  /** Answers on their way out: interceptors, then the schema. */
  checkAnswer(message: Message, type: MessageType, value: unknown): unknown {
    const schema = (type as RequestType).output
    const hooks = this.#hooks.onResponse
    if (hooks.length === 0 && schema === undefined) return value
    const passing: Passing = {
      message: message.name,
      messageId: message.id,
      sender: message.recipient,
      recipient: message.sender,
      topic: undefined,
    }
    const checked = chain(hooks, value, passing, late =>
      validate(schema, late, 'answer', message.recipient.toString(), message.name),
    )
    return isPromise(checked) ? this.#checked(checked) : checked
  }

  /** A message for an agent on this loop. Written out field by field: spreading the parcel costs more than the rest. */
  #letter(
    turn: Turn | undefined,
    parcel: Parcel,
    isRequest: boolean,
    address: Address,
    topic: TopicId | undefined,
    cancellation: Cancellation | undefined,
    reply: Reply | undefined,
  ): Message {
    return new Message({
      name: parcel.name,
      isRequest,
      payload: parcel.payload,
      sender: turn?.id,
      recipient: address.id,
      topic,
      origin: this.#loop.origin,
      sequence: parcel.sequence,
      id: parcel.id,
      trace: parcel.trace,
      chain: parcel.chain,
      cancellation,
      reply,
      slot: 0,
      generation: 0,
    })
  }

  #parts(
    turn: Turn | undefined,
    message: MessageType & { readonly serializer?: Parcel['serializer'] },
    payload: unknown,
    sequence: number,
    options: (SendOptions & PublishOptions) | undefined,
    chainOf: Turn | undefined,
  ): Parcel & { readonly sequence: number } {
    return {
      name: message.name,
      payload,
      serializer: message.serializer,
      transfer: options?.transfer,
      sender: turn?.agent,
      sequence,
      id: options?.messageId,
      trace: options?.traceparent ?? turn?.traceparent,
      chain: chainOf,
    }
  }

  #check(
    turn: Turn | undefined,
    message: MessageType,
    kind: MessageType['kind'],
    options: SendOptions | PublishOptions | undefined,
    recipient: AgentId | string | undefined,
  ): Address | undefined {
    const loop = this.#loop
    loop.checkOpen(turn)
    const verb = kind === 'request' ? 'send' : 'publish'
    if (message?.kind !== kind) {
      const got =
        message?.kind === undefined ? (JSON.stringify(message) ?? typeof message) : `${message.kind} '${message.name}'`
      const other = kind === 'request' ? 'events are published' : 'requests are sent'
      throw new InvalidArgumentError(`${verb}() takes what ${kind}() returned, got ${got} (${other})`)
    }
    if (options !== undefined) checkSent(`${verb} '${message.name}'`, kind, options)
    const id = options?.messageId
    if (id !== undefined && (typeof id !== 'string' || id === '' || id.length > MAX_ID)) {
      throw new InvalidArgumentError(
        `${verb} '${message.name}': messageId must be a string of 1 to ${MAX_ID} characters`,
      )
    }
    if (options?.traceparent !== undefined && !traceparentForm.test(options.traceparent)) {
      throw new InvalidArgumentError(
        `${verb} '${message.name}': traceparent is not in W3C form 00-<32 hex>-<16 hex>-<2 hex>`,
      )
    }
    if (turn?.open && turn.depth >= MAX_CHAIN) {
      throw new InvalidArgumentError(
        `${verb} '${message.name}': calls nest ${MAX_CHAIN} deep; this recursion has no end`,
        { agent: turn.agent },
      )
    }
    if (kind === 'event') return undefined
    if (recipient === undefined || recipient === null) {
      throw new InvalidArgumentError(`send '${message.name}': there is no recipient; give 'type/key' or an agent id`)
    }
    const address = loop.address(recipient)
    if (address.loop < 0) throw loop.nowhere(address, message.name)
    return address
  }

  /** Interceptors and schema, in order, and behind earlier messages of the same sender that are not through yet. */
  #prepare(
    turn: Turn | undefined,
    hook: 'onSend' | 'onPublish',
    schema: StandardSchemaV1 | undefined,
    payload: unknown,
    name: string,
    sequence: number,
    id: string | undefined,
    recipient: AgentId | undefined,
    topic: TopicId | undefined,
  ): unknown {
    const hooks = this.#hooks[hook]
    if (hooks.length === 0 && schema === undefined && this.#checking.size === 0) return payload
    const sender = turn?.agent ?? ''
    const passing: Passing = {
      message: name,
      messageId: id ?? `${this.#loop.origin}.${sequence}`,
      sender: turn?.id,
      recipient,
      topic,
    }
    const check = () =>
      chain(hooks, payload, passing, value => validate(schema, value, 'payload', recipient?.toString(), name))
    const before = this.#checking.get(sender)
    const checking = before === undefined ? check() : before.then(() => (this.#loop.closed ? payload : check()))
    if (!isPromise(checking)) return checking
    const ready = this.#checked(checking)
    const through = ready.then(
      () => {},
      () => {},
    )
    this.#checking.set(sender, through)
    this.#loop.counters.add(at.accepted, 1)
    void through.then(() => {
      if (this.#checking.get(sender) === through) this.#checking.delete(sender)
      this.#loop.counters.add(at.done, 1)
      this.#loop.settled()
    })
    return ready
  }
}

const accepted: Promise<void> = Promise.resolve()
const nothing: PublishOptions = {}

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
function checkSent(what: string, kind: MessageType['kind'], options: SendOptions | PublishOptions): void {
  if (typeof options !== 'object' || options === null) {
    const example = kind === 'request' ? '{ timeout: 1_000 }' : "{ topic: 'type/source' }"
    throw new InvalidArgumentError(`${what}: options are an object, as ${example}, got ${shown(options)}`)
  }
  if (kind === 'request') checkKnown(what, options, sendOptions)
  // not of every event, it would show in how many there can be: of those that may have a topic by another name
  else if (!('topic' in options)) checkKnown(what, options, publishOptions)
  checkSignal(what, options.signal)
}

function seen(parts: Parcel, origin: string, recipient: AgentId | undefined, topic: TopicId | undefined): Seen {
  const { name, sender, sequence, trace } = parts
  return { name, id: parts.id ?? `${origin}.${sequence}`, sender, recipient, topic, trace }
}

function lineage(turn: Turn | undefined, options: SendOptions | undefined): Lineage {
  return { cause: options?.cause ?? turn?.message?.id, correlation: options?.correlation }
}

function cancellationOf(turn: Turn | undefined, signal: AbortSignal | undefined): Cancellation | undefined {
  const parent = turn?.cancellation
  if (signal !== undefined) return Cancellation.of(signal, parent)
  return parent === undefined ? undefined : new Cancellation(parent, parent.flag)
}

function chain(
  hooks: readonly Intercept[],
  value: unknown,
  passing: Passing,
  last: (value: unknown) => unknown,
): unknown {
  let current = value
  for (let i = 0; i < hooks.length; i++) {
    const next = (hooks[i] as Intercept)(current, passing)
    if (isPromise(next)) {
      const before = current
      return next.then(late => chain(hooks.slice(i + 1), pick(before, late, passing), passing, last))
    }
    current = pick(current, next, passing)
  }
  return last(current)
}

function pick(before: unknown, after: unknown, passing: Passing): unknown {
  if (after === DROP) {
    const to = passing.recipient ?? passing.topic
    throw new MessageDroppedError(`an interceptor dropped '${passing.message}'${to ? ` for ${to}` : ''}`, {
      message: passing.message,
    })
  }
  return after === undefined ? before : after
}
