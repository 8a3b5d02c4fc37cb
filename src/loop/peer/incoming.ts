// The way in: frames from other loops become messages in mailboxes, outcomes of calls, or control. A body is decoded
// here, once per loop, before its room in the ring is given back; handlers run later, so a frame that was given back
// is one whose handler may have run, and a frame that was not is one whose handler did not. A frame that cannot be read
// is answered as a failure where it says whom, and harms nobody else.
import { atOnce } from '../../agent/edge.js'
import { isError, lineOf, NotSerializableError, textOf } from '../../agent/errors.js'
import type { TopicId } from '../../agent/ids.js'
import type { AnySerializer } from '../../agent/message.js'
import type { CancelFlags } from '../../sync/cancel.js'
import type { Codec } from '../../transport/codec.js'
import { type CancelRef, type ChainEntry, type Envelope, Flag, Kind } from '../../transport/frame.js'
import type { InLane, TakenBody } from '../../transport/in-lane.js'
import type { Link } from '../../transport/link.js'
import { BrokenRingError } from '../../transport/ring.js'
import { Cancellation } from '../base/cancellation.js'
import type { ChainNode } from '../base/chain.js'
import type { Audience, Directory } from '../base/directory.js'
import type { Ledger } from '../base/ledger.js'
import type { Line } from '../base/line.js'
import { Message, type Reply } from '../base/message.js'
import type { Address, Coded, Recipient, Recipients } from '../base/recipient.js'
import type { Report, Reports } from '../base/reports.js'
import { Call } from './call.js'
import { GatherPart, type HandlerFailure } from './gather.js'
import type { Asker, Inbound } from './inbound.js'
import type { Peer } from './peer.js'
import { Room } from './room.js'
import type { CallTable, Waiter } from './waiter.js'

const WORK_FRAMES = 16
const ANSWER_FRAMES = 64
const LAST_TAKES = 131_072

/** What the way in needs of its loop. */
export interface IncomingHost {
  readonly directory: Directory
  readonly recipients: Recipients
  readonly waiters: CallTable<Waiter>
  readonly codec: Codec
  readonly ledger: Ledger
  readonly line: Line
  readonly reports: Reports
  /** The cancel flags of the calls that one life of a loop made; undefined when this loop knows another life of it, or none. */
  flagsOf(loop: number, life: number): CancelFlags | undefined
}

/** Takes what one other loop sends. Made anew for each life of that loop. */
export class Incoming {
  readonly #host: IncomingHost
  readonly #peer: Peer
  readonly #link: Link
  readonly #reply: Reply
  readonly #origin: string
  readonly #room: Room
  readonly #inbound: Inbound
  readonly peer: number
  #over = false

  /** @param inbound that of this life */
  constructor(host: IncomingHost, peer: Peer, link: Link, inbound: Inbound) {
    this.#host = host
    this.#peer = peer
    this.#link = link
    this.#inbound = inbound
    this.#room = new Room(host, peer, link)
    this.peer = link.peer
    this.#origin = `${link.peer}.${link.life}`
    const { recipients } = host
    this.#reply = {
      answer: (message, value) => {
        inbound.end(message)
        const { recipient, name } = message
        peer.answer(link, message, value, recipients.coded(recipient.type, name, true)?.answerSerializer)
      },
      fail: (message, error) => {
        inbound.end(message)
        peer.failure(link, message, error)
      },
    }
  }

  /** Takes some outcomes and control frames. @returns whether there were any */
  takeAnswers(): boolean {
    return this.#take(this.#link.answers.in, ANSWER_FRAMES)
  }

  /** Takes some requests and events. @returns whether there were any */
  takeWork(): boolean {
    return this.#take(this.#link.work.in, WORK_FRAMES)
  }

  #take(lane: InLane, most: number): boolean {
    try {
      const taken = lane.drain(most, this.#takeFrame, this.#host.ledger.showAccepted, this.#refuse)
      if (lane.spaceWanted()) this.#link.wake()
      return taken > 0
    } catch (error) {
      if (!(error instanceof BrokenRingError)) throw error
      if (!this.#over) this.#host.reports.broken(this.#link, error)
      return false
    }
  }

  /** Takes all that is left of a life that is over. What it said of its queues means nothing to the next one. */
  finish(): void {
    this.#over = true
    this.#room.finish()
    // bounded, since a thread that could not be ended in time may still write
    for (let i = 0; i < LAST_TAKES && (this.takeAnswers() || this.takeWork()); i++);
  }

  /** Takes all work that is there now; bounded, since more may come meanwhile. */
  takeIn(): void {
    for (let i = 0; i < LAST_TAKES && this.takeWork(); i++);
  }

  /** Tries again what waits for room. @returns whether some of it was written */
  retry(): boolean {
    const { answers, work } = this.#link
    const wrote = answers.out.backlog > 0 && answers.out.retry()
    return (work.out.backlog > 0 && work.out.retry()) || wrote
  }

  readonly #takeFrame = (envelope: Envelope, body: TakenBody): void => {
    switch (envelope.kind) {
      case Kind.REQUEST:
        return this.#request(envelope, body)
      case Kind.EVENT:
      case Kind.EVENT_TO:
        return this.#event(envelope, body)
      case Kind.ANSWER:
      case Kind.FAILURE:
      case Kind.HANDLED:
        return this.#outcome(envelope, body)
      case Kind.CANCEL:
        return this.#inbound.cancel(envelope, this.#decode(envelope, body, undefined))
      case Kind.MUTE:
      case Kind.UNMUTE: {
        if (this.#over) return
        const agent = this.#decode(envelope, body, undefined) as string
        if (envelope.kind === Kind.MUTE) return this.#peer.mute(agent)
        return this.#peer.unmute(this.#link, agent, envelope.slot)
      }
      case Kind.HELD:
        return this.#room.held(this.#decode(envelope, body, undefined) as string, envelope.slot)
      case Kind.REPORT:
        return this.#host.reports.reported(this.#decode(envelope, body, undefined) as Report)
    }
  }

  /** Gives a frame that could not be read or taken its outcome. */
  readonly #refuse = (envelope: Envelope, error: unknown): void => {
    const failure = undecodable(`a frame from loop ${this.peer}`, error)
    switch (envelope.kind) {
      case Kind.REQUEST:
        return this.#peer.failure(this.#link, envelope, failure)
      case Kind.ANSWER:
      case Kind.FAILURE:
      case Kind.HANDLED:
        return this.#host.waiters.take(envelope.slot, envelope.generation)?.reject(failure)
      case Kind.EVENT:
      case Kind.EVENT_TO:
        if (envelope.flags & Flag.WAITED) return this.#notHandled(envelope, failure)
    }
    this.#host.reports.unhandled(undefined, undefined, failure)
  }

  #notHandled(envelope: Envelope, error: unknown): void {
    const failures: HandlerFailure[] = [{ agent: `loop ${this.#host.directory.index}`, error }]
    this.#peer.control(this.#link, Kind.HANDLED, envelope, failures)
  }

  #request(envelope: Envelope, body: TakenBody): void {
    const { directory, recipients } = this.#host
    const name = envelope.message as string
    const address = directory.of(envelope.recipient as string)
    if (address.loop !== directory.index)
      return this.#peer.failure(this.#link, envelope, directory.nowhere(address, name))
    let payload: unknown
    try {
      payload = this.#payload(envelope, body, recipients.coded(address.id.type, name, true))
    } catch (error) {
      const failure = undecodable(`payload of '${name}' for ${address.text}`, error)
      return this.#peer.failure(this.#link, envelope, failure)
    }
    const cancellation = envelope.cancel === undefined ? undefined : this.#cancellable(envelope)
    const message = this.#message(envelope, address, undefined, payload, cancellation, this.#reply)
    this.#put(recipients.at(address), message)
  }

  #event(envelope: Envelope, body: TakenBody): void {
    const { directory, recipients, line, reports } = this.#host
    const waited = (envelope.flags & Flag.WAITED) !== 0
    const audience = directory.audience(envelope.topic as string)
    const addresses = this.#recipients(envelope, audience)
    let payload: unknown
    try {
      const coded = (envelope.flags & Flag.CUSTOM) === 0 ? undefined : this.#codedBy(addresses, envelope)
      payload = this.#payload(envelope, body, coded)
    } catch (error) {
      const failure = undecodable(`payload of '${envelope.message}' for ${envelope.topic}`, error)
      if (waited) this.#notHandled(envelope, failure)
      else reports.unhandled(undefined, undefined, failure)
      return
    }
    const { slot, generation } = envelope
    const { cancel } = envelope
    const cancellation = cancel && (waited ? this.#cancellable(envelope) : this.#cancellation(envelope))
    const reply = waited
      ? new RemoteGather(this.#peer, this.#link, this.#inbound, { slot, generation }, addresses.length)
      : undefined
    line.brought(addresses.length)
    for (const address of addresses) {
      const message = this.#message(envelope, address, audience.topic, payload, cancellation, reply)
      this.#put(recipients.at(address), message)
    }
  }

  #recipients(envelope: Envelope, audience: Audience): readonly Address[] {
    const { directory } = this.#host
    if (envelope.kind === Kind.EVENT_TO)
      return [directory.of(envelope.recipient as string)].filter(to => to.loop === directory.index)
    const { here } = audience
    if (envelope.flags & Flag.TO_SELF || envelope.sender === undefined) return here
    for (const { text } of here) if (text === envelope.sender) return here.filter(to => to.text !== envelope.sender)
    return here
  }

  #outcome(envelope: Envelope, body: TakenBody): void {
    const waiter = this.#host.waiters.take(envelope.slot, envelope.generation)
    if (waiter === undefined) return
    try {
      const serializer = waiter instanceof Call ? waiter.message.answerSerializer : undefined
      const value = this.#decode(envelope, body, envelope.kind === Kind.ANSWER ? serializer : undefined)
      if (envelope.kind === Kind.FAILURE) waiter.reject(value)
      else if (waiter instanceof Call) waiter.answer(undefined, value)
      else if (waiter instanceof GatherPart) waiter.handled((value ?? []) as HandlerFailure[])
    } catch (error) {
      waiter.reject(undecodable('answer', error))
    }
  }

  #put(to: Recipient, message: Message): void {
    to.put(message)
    if (to.overfull) this.#room.full(to)
  }

  #message(
    envelope: Envelope,
    address: Address,
    topic: TopicId | undefined,
    payload: unknown,
    cancellation: Cancellation | undefined,
    reply: Reply | undefined,
  ): Message {
    return new Message({
      name: envelope.message as string,
      isRequest: topic === undefined,
      payload,
      sender: envelope.sender === undefined ? undefined : this.#host.directory.of(envelope.sender).id,
      recipient: address.id,
      topic,
      origin: this.#origin,
      sequence: envelope.sequence,
      id: envelope.id,
      trace: envelope.trace,
      chain: envelope.chain === undefined ? undefined : chainOf(envelope.chain),
      cancellation,
      reply,
      slot: envelope.slot,
      generation: envelope.generation,
    })
  }

  /** Others may know a life sooner or longer: by its slots alone the flags of one would speak of the calls of another. */
  #cancellation({ cancel }: Envelope): Cancellation {
    const { loop, life, slot, generation } = cancel as CancelRef
    const flags = this.#host.flagsOf(loop, life)
    const raised = () => flags?.raised(slot, generation) ?? false
    return new Cancellation(undefined, { loop, life, slot, generation, raised })
  }

  /** The cancellation of what can be cancelled by a CANCEL frame. */
  #cancellable(envelope: Envelope): Cancellation {
    const cancellation = this.#cancellation(envelope)
    this.#inbound.begin(envelope, cancellation)
    return cancellation
  }

  /** How the event is coded: by whoever has a handler for it, which need not be the first who hears the topic. */
  #codedBy(addresses: readonly Address[], { message }: Envelope): Coded | undefined {
    for (const { id } of addresses) {
      const coded = this.#host.recipients.coded(id.type, message as string, false)
      if (coded !== undefined) return coded
    }
    return undefined
  }

  /** A payload that only its own serializer could read is not read for those who have no handler for it. */
  #payload(envelope: Envelope, body: TakenBody, coded: Coded | undefined): unknown {
    if (coded === undefined && (envelope.flags & Flag.CUSTOM) !== 0) return undefined
    return this.#decode(envelope, body, coded?.serializer)
  }

  #decode(envelope: Envelope, body: TakenBody, serializer: AnySerializer | undefined): unknown {
    const { flags } = envelope
    if (flags & Flag.EMPTY) return undefined
    const { source, offset, length } = body
    if (flags & Flag.CUSTOM) {
      if (serializer === undefined) throw new Error(`this thread knows no serializer for '${envelope.message}'`)
      return atOnce(serializer.decode(new Uint8Array(source.bytes.subarray(offset, offset + length))))
    }
    return this.#host.codec.decode(source, offset, length, (flags & Flag.BINARY) !== 0, (flags & Flag.LINKED) !== 0)
  }
}

/** Counts down the recipients of an event on this loop, then tells the loop that waits. */
class RemoteGather implements Reply {
  readonly #peer: Peer
  readonly #link: Link
  readonly #inbound: Inbound
  readonly #asker: Asker
  readonly #failures: HandlerFailure[] = []
  #open: number

  constructor(peer: Peer, link: Link, inbound: Inbound, asker: Asker, recipients: number) {
    this.#peer = peer
    this.#link = link
    this.#inbound = inbound
    this.#asker = asker
    this.#open = recipients
    if (recipients === 0) this.#tell()
  }

  answer(): void {
    if (--this.#open === 0) this.#tell()
  }

  fail(message: Message, error: unknown): void {
    this.#failures.push({
      agent: message.recipient.toString(),
      error: isError(error) ? error : new Error(textOf(error), { cause: error }),
    })
    this.answer()
  }

  #tell(): void {
    this.#inbound.end(this.#asker)
    const failures = this.#failures.length === 0 ? undefined : this.#failures
    try {
      this.#peer.control(this.#link, Kind.HANDLED, this.#asker, failures)
    } catch {
      // what was thrown cannot cross threads: that it was thrown must be known all the same
      const named = failures?.map(({ agent, error }) => ({ agent, error: new Error(lineOf(error)) }))
      this.#peer.control(this.#link, Kind.HANDLED, this.#asker, named)
    }
  }
}

function undecodable(what: string, error: unknown): NotSerializableError {
  return new NotSerializableError(`${what} could not be read: ${textOf(error)}`, { cause: error })
}

function chainOf(entries: readonly ChainEntry[]): ChainNode | undefined {
  let node: ChainNode | undefined
  for (let i = entries.length - 1; i >= 0; i--) {
    const { agent, turn } = entries[i] as ChainEntry
    node = { agent, turn, parent: node, depth: (node?.depth ?? 0) + 1 }
  }
  return node
}
