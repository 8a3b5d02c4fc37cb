// Requests on their way out: from the verb to a mailbox of this loop, or to the peer that hosts the recipient. What it keeps:
// a send never throws; everything is in its promise, which settles once.
import type { SendOptions } from '../../agent/context.js'
import { Late } from '../../agent/edge.js'
import type { AgentId } from '../../agent/ids.js'
import type { Passing } from '../../agent/interceptor.js'
import { type RequestType, STOP } from '../../agent/message.js'
import type { Admission } from '../base/admission.js'
import { Cancellation, cancelled, promised, refused } from '../base/cancellation.js'
import type { Clock } from '../base/clock.js'
import type { Directory } from '../base/directory.js'
import type { Ledger } from '../base/ledger.js'
import { Message, type Origin } from '../base/message.js'
import type { Address, Recipients } from '../base/recipient.js'
import type { Reports } from '../base/reports.js'
import type { Scheduler } from '../base/scheduler.js'
import { Sites } from '../base/sites.js'
import type { Turn } from '../cell/turn.js'
import { Call } from '../peer/call.js'
import type { Peers } from '../peer/peers.js'
import { takeSend } from './arguments.js'
import { insist } from './insist.js'
import type { Passage } from './passage.js'
import { limited } from './time-limit.js'

/** What the way out needs of its loop. */
export interface SendHost {
  readonly admission: Admission
  readonly directory: Directory
  readonly recipients: Recipients
  readonly ledger: Ledger
  readonly origin: Origin
  readonly reports: Reports
  readonly peers: Peers
  readonly passage: Passage
}

const stopRequest: RequestType = { kind: 'request', name: STOP }

/** The requests that leave one loop, or are sent within it. */
export class Requests {
  readonly #host: SendHost
  readonly #scheduler: Scheduler
  readonly #clock: Clock
  readonly #sites = new Sites()

  constructor(host: SendHost, scheduler: Scheduler, clock: Clock) {
    this.#host = host
    this.#scheduler = scheduler
    this.#clock = clock
  }

  /** `send` of a turn, or (undefined) of the application. */
  readonly send = (
    turn: Turn | undefined,
    message: RequestType,
    payload: unknown,
    recipient: AgentId | string,
    given: SendOptions | undefined,
  ): Promise<unknown> => {
    try {
      const { to, options } = takeSend(turn, message, recipient, given)
      return this.#send(turn, message, payload, to, options)
    } catch (error) {
      return refused(turn, error)
    }
  }

  #send(
    turn: Turn | undefined,
    message: RequestType,
    payload: unknown,
    recipient: AgentId | string,
    options: SendOptions | undefined,
  ): Promise<unknown> {
    const { admission, directory, origin, passage, peers } = this.#host
    if (options?.timeout !== undefined) {
      return limited(this.#clock, turn, message.name, recipient, options, own =>
        this.#send(turn, message, payload, recipient, own),
      )
    }
    if (turn === undefined && admission.held)
      return admission.hold(
        () => this.#send(turn, message, payload, recipient, options),
        options?.signal,
        reason => cancelled(`${recipient}`, message.name, reason),
      )
    if (options?.idempotent === true) {
      const once = (again: SendOptions) => this.#send(turn, message, payload, recipient, again)
      return promised(turn, insist(this.#host, message, payload, recipient, turn?.agent, options, once))
    }
    let address: Address
    try {
      admission.check(turn)
      address = directory.of(recipient)
      if (address.loop < 0) throw directory.nowhere(address, message.name)
    } catch (error) {
      return refused(turn, error)
    }
    const sequence = origin.next()
    const site = this.#sites.here(this.#scheduler.now, this.send)
    const call = new Call(peers, message, address.text, sequence, site, turn)
    try {
      if (passage.isFree('onSend', message.input)) {
        const cancellation = cancellationOf(turn, options?.signal)
        if (cancellation !== undefined) call.cancelWith(cancellation)
        this.#dispatch(turn, call, message, payload, address, sequence, options, cancellation)
        return call.promise
      }
      const passing: Passing = {
        message: message.name,
        messageId: options?.messageId ?? `${origin.text}.${sequence}`,
        sender: turn?.id,
        recipient: address.id,
        topic: undefined,
      }
      const ready = passage.pass('onSend', message.input, payload, passing)
      const cancellation = cancellationOf(turn, options?.signal)
      if (cancellation !== undefined) call.cancelWith(cancellation)
      if (ready instanceof Late) {
        ready.promise
          .then(value => {
            if (call.settled) return // it was cancelled meanwhile
            const to = directory.of(recipient) // where it is may have changed meanwhile, or whether it is anywhere
            if (to.loop < 0) throw directory.nowhere(to, message.name)
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
    const { admission, directory, origin, peers, passage } = this.#host
    const address = directory.of(recipient)
    if (address.loop < 0) throw directory.nowhere(address)
    if (admission.held) return admission.hold(async () => this.stop(recipient)) // behind what was held before it
    const sequence = origin.next()
    const call = new Call(peers, stopRequest, address.text, sequence, undefined)
    const dispatch = (): void => {
      const to = directory.of(recipient)
      if (to.loop < 0) return call.reject(directory.nowhere(to))
      this.#dispatch(undefined, call, stopRequest, undefined, to, sequence, undefined, undefined)
    }
    const { behind } = passage // what was sent before and is being checked goes first
    if (behind === undefined) dispatch()
    else void behind.then(dispatch)
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
    const { admission, directory, recipients, ledger, origin, reports, peers } = this.#host
    const { observer } = reports
    if (admission.closed) return call.reject(admission.reason) // it stopped while the payload was checked
    if (call.settled) return
    ledger.sent()
    const { name } = message
    const { text, id: to } = address
    const id = options?.messageId
    const trace = options?.traceparent ?? turn?.message?.trace
    const chain = turn?.open ? turn : undefined
    if (address.loop !== directory.index) {
      const cancel = cancellation === undefined ? undefined : (cancellation.flag ?? true)
      const sender = turn?.agent
      if (observer.active) {
        const lineage = { cause: options?.cause ?? turn?.message?.id, correlation: options?.correlation }
        const own = id ?? `${origin.text}.${sequence}`
        observer.send({ name, id: own, sender, recipient: to, topic: undefined, trace }, lineage)
      }
      const { serializer } = message
      const parcel = { name, payload, serializer, transfer: options?.transfer, sender, sequence, id, trace, chain }
      peers.of(address.loop).request(call, text, parcel, cancel)
      this.#scheduler.flush()
      return
    }
    const mail = new Message({
      name,
      isRequest: true,
      payload,
      sender: turn?.id,
      recipient: to,
      topic: undefined,
      origin: origin.text,
      sequence,
      id,
      trace,
      chain,
      cancellation,
      reply: call,
      slot: 0,
      generation: 0,
    })
    if (observer.active) {
      observer.send(mail, { cause: options?.cause ?? turn?.message?.id, correlation: options?.correlation })
    }
    recipients.at(address).put(mail)
  }
}

/**
 * The wish to cancel what a turn sends: its own, and that of a signal beside it. Who is stopped or given up gives up with it what it
 * waits for; but what a turn sends with a signal while it is given up already (it cleans up) is the signal's alone.
 */
export function cancellationOf(turn: Turn | undefined, signal: AbortSignal | undefined): Cancellation | undefined {
  const parent = turn?.cancellation === undefined ? undefined : turn.ownCancellation()
  if (signal !== undefined) return Cancellation.of(signal, parent?.cancelled === true ? undefined : parent)
  return parent === undefined ? undefined : new Cancellation(parent, parent.flag)
}
