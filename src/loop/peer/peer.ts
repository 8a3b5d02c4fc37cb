// Another loop, as this one sees it: the link to it in its present life, and what came from it and may still be cancelled.
// What it keeps: everything that is sent there is in a frame of that link, or held back (held-back.ts), or has been told
// why not.
import type { TransferListItem } from 'node:worker_threads'
import {
  DeadlineError,
  NotSerializableError,
  OverloadedError,
  type RingreeveError,
  ThreadLostError,
  textOf,
} from '../../agent/errors.js'
import type { AnySerializer } from '../../agent/message.js'
import { bodyOf } from '../../transport/body.js'
import type { Codec } from '../../transport/codec.js'
import { Forbidden } from '../../transport/extensions.js'
import { type CancelRef, type ChainEntry, type Envelope, emptyEnvelope, Flag, Kind } from '../../transport/frame.js'
import type { Link, Written } from '../../transport/link.js'
import type { Cancellation } from '../base/cancellation.js'
import type { ChainNode, Message, Reply } from '../base/message.js'
import type { Call, CallHost, CallTable, GatherPart, Waiter } from './calls.js'
import { culprit } from './culprit.js'
import { type Held, HeldBack } from './held-back.js'

/** A body without binary fields. */
const NONE: never[] = []

/** A message on its way to another loop. */
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

/** An event on its way to another loop. */
interface News {
  readonly topic: string
  /** Of the routes that say who hears it. */
  readonly version: number
  readonly parcel: Parcel
  readonly toSelf: boolean
  /** Who waits for what these agents make of it, if anybody does. */
  readonly part: ((agents: readonly string[]) => GatherPart) | undefined
  readonly cancel: CancelRef | true | undefined
}

function entries(chain: ChainNode | undefined): ChainEntry[] | undefined {
  if (chain === undefined) return undefined
  const list: ChainEntry[] = []
  for (let node: ChainNode | undefined = chain; node !== undefined; node = node.parent) {
    list.push({ agent: node.agent, turn: node.turn })
  }
  return list
}

/** Sends to one other loop. */
export class Peer {
  readonly index: number
  readonly #self: number
  /** What came from there and can be cancelled, by the asker's slot. */
  readonly inbound = new Map<number, { readonly generation: number; readonly cancellation: Cancellation }>()
  #link: Link | undefined
  readonly #heldBack: HeldBack
  readonly #codec: Codec
  readonly #host: CallHost
  readonly #waiters: CallTable<Waiter>
  readonly #envelope = emptyEnvelope(Kind.REQUEST)
  readonly #body = bodyOf(undefined)

  /** @param self index of the loop that sends */
  constructor(self: number, index: number, codec: Codec, waiters: CallTable<Waiter>, host: CallHost) {
    this.#self = self
    this.#host = host
    this.#heldBack = new HeldBack(index, host)
    this.index = index
    this.#codec = codec
    this.#waiters = waiters
  }

  get link(): Link | undefined {
    return this.#link
  }

  /** Whether that loop has ended and does not begin again. */
  get gone(): boolean {
    return this.#heldBack.lost !== undefined
  }

  /** A new life of that loop: what was parked goes to it. */
  attach(link: Link): void {
    this.#link = link
    this.#heldBack.release()
    link.publish()
  }

  /** Whether what is for that loop waits here because it is to move. */
  get holding(): boolean {
    return this.#heldBack.holding
  }

  /**
   * What is for that loop waits here until it is released or has moved; unless `all` is set, what its own turns wait
   * for goes on.
   * @returns whether everything that went before is in the ring
   */
  hold(life: number, all: boolean): boolean {
    const link = this.#link
    if (link?.life !== life) return true
    this.#heldBack.hold(all)
    link.publish()
    return link.work.out.backlog === 0
  }

  release(life: number): void {
    if (this.#link?.life === life) this.#heldBack.release()
  }

  /** Whether there is nothing to take from that loop and nothing that waits for room there. */
  get drained(): boolean {
    const link = this.#link
    return link === undefined || (!link.hasWork && link.work.out.backlog === 0 && link.answers.out.backlog === 0)
  }

  /**
   * That life is over: what waits for its answers fails. What was never sent waits for the next life, unless there is
   * none (`forGood`).
   * @param overdue the agent whose deadline was the reason
   */
  detach(life: number, why: string, forGood: boolean, overdue?: string): void {
    const link = this.#link
    if (link !== undefined && link.life === life) {
      this.#link = undefined
      link.close()
      for (const waiter of this.#waiters.takeAll(this.index, life)) {
        const executed = waiter.position !== undefined && link.work.out.consumed(waiter.position)
        const late = overdue !== undefined && waiter.agent === overdue && executed
        waiter.reject(
          late
            ? new DeadlineError(why, { agent: overdue, message: waiter.name, thread: this.index })
            : lostError(this.index, why, executed, waiter, forGood),
        )
      }
      link.work.out.abandon()
      link.answers.out.abandon()
      this.inbound.clear()
      this.#heldBack.park()
    }
    if (!forGood) return
    const text = `thread ${this.index} was lost: ${why}; it is not started again (the handler did not run)`
    this.#heldBack.lost = new ThreadLostError(text, false, { thread: this.index }, true)
    this.abandon(this.#heldBack.lost)
  }

  /** The loop ends: nothing is written any more, whatever a late turn may try. */
  close(error: RingreeveError): void {
    this.#link?.close()
    this.#link = undefined
    this.#heldBack.lost = error
  }

  /** Tells everything that is held back that it will not be sent. */
  abandon(error: RingreeveError): void {
    this.#heldBack.abandon(error)
  }

  /** Sends a request, or holds it back. Its outcome, also a refusal, goes to the call. */
  request(call: Call, recipient: string, parcel: Parcel, cancel: CancelRef | true | undefined): void {
    const held: Held = {
      sender: parcel.sender,
      run: () => this.request(call, recipient, parcel, cancel),
      fail: error => call.reject(error),
      drop: error => call.reject(error),
    }
    if (call.settled || this.#heldBack.take(held, recipient, parcel, this.#link !== undefined)) return
    const link = this.#link as Link
    try {
      this.#heldBack.checkBacklog(link.work.out.backlog)
      this.#waiters.add(call)
    } catch (error) {
      call.reject(error)
      return
    }
    call.peer = this.index
    call.life = link.life
    try {
      const envelope = this.#fill(Kind.REQUEST, parcel, call, cancel === true ? this.#own(call) : cancel)
      envelope.recipient = recipient
      this.#encode(parcel.payload, parcel.serializer, parcel.transfer)
      const written: Written = position => {
        call.position = position
      }
      if (link.work.out.send(envelope, this.#body, written)) call.position = link.work.out.position
    } catch (error) {
      this.#waiters.take(call.slot, call.generation)
      call.reject(notSerializable(error, `payload of '${parcel.name}' for ${recipient}`, parcel.payload))
    }
  }

  /**
   * Sends an event to every agent over there that hears the topic; or to each by name, when the queue of one of them is
   * full, or when it was held back and others hear the topic by now.
   * @returns a promise while it waits for room, undefined when it is in the ring
   */
  event(
    topic: string,
    recipients: readonly string[],
    parcel: Parcel,
    toSelf: boolean,
    part: ((agents: readonly string[]) => GatherPart) | undefined,
    cancel: CancelRef | true | undefined,
  ): Promise<void> | undefined {
    const { version } = this.#host.routes
    return this.#publish({ topic, version, parcel, toSelf, part, cancel }, recipients, undefined)
  }

  /** @param whole who waits for all of them, if that is known already: then the event was held back */
  #publish(news: News, recipients: readonly string[], whole: GatherPart | undefined): Promise<void> | undefined {
    const { part } = news
    if (news.version === this.#host.routes.version && !this.#heldBack.mutes(recipients))
      return this.#event(Kind.EVENT, news, recipients, whole ?? part?.(recipients))
    const parts = recipients.map(agent => part?.([agent]))
    whole?.withdraw() // after those that wait in its place: there is no moment in which nobody is waited for
    const one = async (agent: string, i: number) => this.#event(Kind.EVENT_TO, news, [agent], parts[i])
    const waits = recipients.map(one) // one that fails does not stop the others
    return Promise.all(waits).then(() => {})
  }

  #event(
    kind: Kind,
    news: News,
    recipients: readonly string[],
    part: GatherPart | undefined,
  ): Promise<void> | undefined {
    const { topic, parcel, toSelf, cancel } = news
    const muted = kind === Kind.EVENT_TO && this.#heldBack.mutes(recipients)
    if (this.#link === undefined || muted || this.#heldBack.stays(parcel)) {
      this.#host.countCall(1)
      return new Promise((resolve, reject) => {
        const held: Held = {
          sender: parcel.sender,
          run: () => {
            try {
              if (part?.settled === true)
                resolve() // it was cancelled meanwhile
              else {
                // the queue of one of many may be full by now
                const wait =
                  kind === Kind.EVENT
                    ? this.#publish(news, recipients, part)
                    : this.#event(kind, news, recipients, part)
                if (wait === undefined) resolve()
                else wait.then(resolve, reject)
              }
            } catch (error) {
              reject(error)
            }
            this.#host.countCall(-1)
          },
          fail: error => {
            part?.reject(error)
            reject(error)
            this.#host.countCall(-1)
          },
          // as if it had been accepted before
          drop: error => {
            part?.reject(error)
            resolve()
            this.#host.countCall(-1)
          },
        }
        this.#heldBack.take(held, recipients[0] as string, parcel, this.#link !== undefined)
      })
    }
    const link = this.#link
    try {
      this.#heldBack.checkBacklog(link.work.out.backlog)
      if (part !== undefined) this.#waiters.add(part)
    } catch (error) {
      part?.reject(error)
      throw error
    }
    if (part !== undefined) {
      part.peer = this.index
      part.life = link.life
    }
    const envelope = this.#fill(kind, parcel, part, cancel === true ? this.#own(part) : cancel)
    envelope.topic = topic
    envelope.recipient = kind === Kind.EVENT_TO ? recipients[0] : undefined
    if (toSelf) envelope.flags |= Flag.TO_SELF
    if (part !== undefined) envelope.flags |= Flag.WAITED
    let settle: Written | undefined
    let late: { readonly position: number | undefined } | undefined
    const written: Written = position => {
      if (part !== undefined) part.position = position
      late = { position }
      settle?.(position)
    }
    try {
      this.#encode(parcel.payload, parcel.serializer, parcel.transfer)
      if (link.work.out.send(envelope, this.#body, written)) {
        if (part !== undefined) part.position = link.work.out.position
        return undefined
      }
    } catch (error) {
      if (part !== undefined) this.#waiters.take(part.slot, part.generation)
      const failure = notSerializable(error, `payload of '${parcel.name}' for ${topic}`, parcel.payload)
      part?.reject(failure)
      throw failure
    }
    if (late !== undefined) return undefined
    this.#host.countCall(1)
    return new Promise((resolve, reject) => {
      settle = position => {
        this.#host.countCall(-1)
        if (position !== undefined) resolve()
        else reject(lostError(this.index, 'it ended before the event was taken', false))
      }
    })
  }

  /** Sends an answer; one that cannot cross threads becomes a failure. */
  answer(
    link: Link,
    slot: number,
    generation: number,
    value: unknown,
    serializer: AnySerializer | undefined,
    what: string,
  ): void {
    if (link !== this.#link) return
    const envelope = this.#fill(Kind.ANSWER, undefined, { slot, generation }, undefined)
    try {
      this.#encode(value, serializer, undefined)
      link.answers.out.send(envelope, this.#body)
    } catch (error) {
      this.failure(link, slot, generation, notSerializable(error, `answer of ${what}`, value))
    }
  }

  failure(link: Link, slot: number, generation: number, error: unknown): void {
    if (link !== this.#link) return
    const envelope = this.#fill(Kind.FAILURE, undefined, { slot, generation }, undefined)
    try {
      this.#encode(error, undefined, undefined)
      link.answers.out.send(envelope, this.#body)
    } catch {
      this.failure(link, slot, generation, new Error(`what was thrown cannot cross threads: ${textOf(error)}`))
    }
  }

  /** Sends a frame of the answer lane that has only a slot and a small body. */
  control(link: Link, kind: Kind, slot: number, generation: number, body: unknown): void {
    if (link !== this.#link) return
    const envelope = this.#fill(kind, undefined, { slot, generation }, undefined)
    this.#encode(body, undefined, undefined)
    link.answers.out.send(envelope, this.#body)
  }

  /** The queue of an agent over there is full. */
  mute(agent: string): void {
    this.#heldBack.mute(agent)
  }

  /** Tells what is held back for an agent over there that it was stopped. */
  drop(agent: string, error: RingreeveError): void {
    this.#heldBack.drop(agent, error)
  }

  /** It has room again. */
  unmute(agent: string): void {
    this.#heldBack.unmute(agent)
  }

  /** Where answers to messages of the present link go. */
  replyTo(link: Link, serializerOf: (message: Message) => AnySerializer | undefined): Reply {
    return {
      answer: (message, value) => {
        this.inbound.delete(message.slot)
        const serializer = serializerOf(message)
        this.answer(
          link,
          message.slot,
          message.generation,
          value,
          serializer,
          `${message.recipient} to '${message.name}'`,
        )
      },
      fail: (message, error) => {
        this.inbound.delete(message.slot)
        this.failure(link, message.slot, message.generation, error)
      },
    }
  }

  /** The cancel flag that belongs to a waiter of this loop. */
  #own(waiter: Waiter | undefined): CancelRef | undefined {
    return waiter && { loop: this.#self, life: this.#host.life, slot: waiter.slot, generation: waiter.generation }
  }

  #fill(
    kind: Kind,
    parcel: Parcel | undefined,
    waiter: { readonly slot: number; readonly generation: number } | undefined,
    cancel: CancelRef | undefined,
  ): Envelope {
    const envelope = this.#envelope
    envelope.kind = kind
    envelope.flags = 0
    envelope.slot = waiter?.slot ?? 0
    envelope.generation = waiter?.generation ?? 0
    envelope.sender = parcel?.sender
    envelope.recipient = undefined
    envelope.topic = undefined
    envelope.message = parcel?.name
    envelope.sequence = parcel?.sequence ?? 0
    envelope.trace = parcel?.trace
    envelope.id = parcel?.id
    envelope.cancel = cancel
    envelope.chain = entries(parcel?.chain)
    if (envelope.trace !== undefined) envelope.flags |= Flag.TRACE
    if (envelope.id !== undefined) envelope.flags |= Flag.ID
    if (cancel !== undefined) envelope.flags |= Flag.CANCEL
    if (envelope.chain !== undefined) envelope.flags |= Flag.CHAIN
    return envelope
  }

  #encode(
    value: unknown,
    serializer: AnySerializer | undefined,
    transfer: readonly TransferListItem[] | undefined,
  ): void {
    const body = this.#body
    body.bytes = undefined
    body.words = undefined
    body.binaries = NONE
    body.shapes = 0
    body.clone = undefined
    if (serializer !== undefined) {
      body.bytes = serializer.encode(value as never)
      body.length = body.tree = body.bytes.length
      this.#envelope.flags |= Flag.CUSTOM
    } else if (transfer !== undefined && transfer.length > 0) {
      body.clone = { value, transfer }
    } else if (value === undefined) {
      this.#envelope.flags |= Flag.EMPTY
    } else {
      const codec = this.#codec
      try {
        body.length = codec.encode(value)
      } catch (error) {
        if (error instanceof Forbidden) throw error
        // not plain data, or a cycle: a structured clone takes more, and says what it cannot take
        body.clone = { value, transfer: [] }
        return
      }
      body.bytes = codec.bytes
      body.words = codec.words
      body.tree = codec.tree
      body.binaries = codec.binaries
      body.shapes = codec.shapes
      if (body.binaries.length > 0) this.#envelope.flags |= Flag.BINARY
    }
  }
}

/** @param what what was asked of the thread */
function lostError(
  thread: number,
  why: string,
  maybeExecuted: boolean,
  what?: Pick<Waiter, 'agent' | 'name'>,
  forGood = false,
): ThreadLostError {
  const handler = what === undefined ? 'the handler' : `the handler of '${what.name}' at ${what.agent}`
  const retry = forGood ? 'the thread is not started again' : 'a retry is safe'
  const executed = maybeExecuted ? `${handler} may have run` : `${handler} did not run; ${retry}`
  const details = { thread, agent: what?.agent, message: what?.name }
  return new ThreadLostError(`thread ${thread} was lost: ${why} (${executed})`, maybeExecuted, details, forGood)
}

function notSerializable(error: unknown, what: string, value: unknown): unknown {
  if (error instanceof OverloadedError) return error
  const why = culprit(value) ?? textOf(error)
  return new NotSerializableError(`${what} cannot cross threads: ${why}`, { cause: error })
}
