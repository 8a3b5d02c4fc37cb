// Events on their way out: to every agent that hears the topic, here and on other loops. What it keeps: each gets the event once,
// one that fails does not stop the others, and who publishes waits for room where it must, and never in a ring.
import type { PublishOptions } from '../../agent/context.js'
import { Late } from '../../agent/edge.js'
import type { TopicId } from '../../agent/ids.js'
import type { Passing } from '../../agent/interceptor.js'
import type { EventType } from '../../agent/message.js'
import { cancelled, promised, refused } from '../base/cancellation.js'
import type { Audience } from '../base/directory.js'
import { Message, type Parcel } from '../base/message.js'
import type { Address } from '../base/recipient.js'
import type { Scheduler } from '../base/scheduler.js'
import type { Awaited, Wait, Waits } from '../base/waits.js'
import type { Turn } from '../cell/turn.js'
import { Gather, GatherPart } from '../peer/gather.js'
import { type Publishing, takePublish } from './arguments.js'
import { cancellationOf, type SendHost } from './requests.js'
import { RoomWait } from './room-wait.js'

const accepted: Promise<void> = Promise.resolve()

/** The events that leave one loop, or are published within it. */
export class Events {
  readonly #host: SendHost
  readonly #scheduler: Scheduler
  /** Whether events that nobody hears become dead letters. */
  readonly #keepsUnheard: boolean
  readonly #waits: Waits
  /** Turns that waited for room with others who wait for them: for what, by its key. */
  readonly #yielding = new WeakMap<Turn, string>()

  constructor(host: SendHost, scheduler: Scheduler, waits: Waits, keepsUnheard: boolean) {
    this.#host = host
    this.#waits = waits
    this.#scheduler = scheduler
    this.#keepsUnheard = keepsUnheard
  }

  /** `publish` of a turn, or (undefined) of the application. Never throws; everything is in the promise. */
  readonly publish = (
    turn: Turn | undefined,
    message: EventType,
    payload: unknown,
    given: PublishOptions | undefined,
  ): Promise<void> => {
    const { admission, directory, origin, passage } = this.#host
    let options: Publishing
    try {
      options = takePublish(turn, message, given)
    } catch (error) {
      return refused(turn, error)
    }
    if (turn === undefined && admission.held)
      return admission.hold(
        () => this.publish(turn, message, payload, options),
        options.signal,
        reason => cancelled(`${options.topic}`, message.name, reason),
      )
    try {
      admission.check(turn)
      const audience = directory.audience(options.topic)
      const sequence = origin.next()
      if (passage.isFree('onPublish', message.payload))
        return this.#spread(turn, message, payload, audience, sequence, options)
      const { topic } = audience
      const passing: Passing = {
        message: message.name,
        messageId: options.messageId ?? `${origin.text}.${sequence}`,
        sender: turn?.id,
        recipient: undefined,
        topic,
      }
      const ready = passage.pass('onPublish', message.payload, payload, passing)
      if (!(ready instanceof Late)) return this.#spread(turn, message, ready, audience, sequence, options)
      const late = () => directory.audience(topic) // who hears it may have changed meanwhile
      const sent = ready.promise.then(value => this.#spread(turn, message, value, late(), sequence, options))
      return promised(turn, sent)
    } catch (error) {
      return refused(turn, error)
    }
  }

  #spread(
    turn: Turn | undefined,
    message: EventType,
    payload: unknown,
    audience: Audience,
    sequence: number,
    options: PublishOptions,
  ): Promise<void> {
    const { admission, recipients, ledger, origin, reports, peers } = this.#host
    const { observer } = reports
    if (admission.closed) throw admission.reason
    const { topic, here, elsewhere, nowhere } = audience
    const { name, serializer } = message
    const waited = options.until === 'handled'
    const id = options.messageId
    const trace = options.traceparent ?? turn?.message?.trace
    const chain = waited && turn?.open ? turn : undefined
    const sender = turn?.agent
    const parcel: Parcel = { name, payload, serializer, transfer: undefined, sender, sequence, id, trace, chain }
    // What a turn has published stands, whoever gives the turn up; only what it waits for goes with it. And a turn that is given up
    // may still publish, to clean up.
    const followed = waited || options.signal !== undefined
    const owner = waited && turn?.givenUp === false ? turn : undefined
    const cancellation = followed ? cancellationOf(owner, options.signal) : undefined
    ledger.published()
    if (observer.active) {
      const own = id ?? `${origin.text}.${sequence}`
      const lineage = { cause: turn?.message?.id, correlation: undefined }
      observer.publish({ name, id: own, sender, recipient: undefined, topic, trace }, lineage)
    }
    // an event that can be cancelled is followed to its end, like one that is waited for
    let thrown: Set<unknown> | undefined // who publishes is told of it
    const unawaited = waited
      ? undefined
      : (error: Error): void => {
          if (thrown?.has(error) !== true) reports.unhandled(turn?.cell, undefined, error)
        }
    const ends = waited && (cancellation !== undefined || turn !== undefined)
    const gather = followed ? new Gather(ledger, name, ends, unawaited) : undefined
    if (gather !== undefined && nowhere.length > 0) this.#refuse(gather, nowhere, name)
    const waits: Promise<void>[] = []
    const full: string[] = []
    let heard = elsewhere.size > 0
    const left = options.toSelf === true ? undefined : sender
    for (const address of here) {
      if (address.text === left) continue
      heard = true
      gather?.expect([address.text])
      const to = recipients.at(address)
      to.put(this.#copy(turn, parcel, address, topic, cancellation, gather))
      if (!to.overfull) continue
      full.push(to.text)
      waits.push(new Promise<void>(resolve => to.whenRoom(() => resolve())))
    }
    const remote: GatherPart[] = []
    if (elsewhere.size > 0) {
      const cancel = cancellation && (cancellation.flag ?? true)
      const part =
        gather &&
        ((agents: readonly string[]): GatherPart => {
          const one = new GatherPart(gather, agents)
          remote.push(one)
          return one
        })
      for (const [index, agents] of elsewhere) {
        try {
          const wait = peers.of(index).event(audience.text, agents, parcel, options.toSelf === true, part, cancel)
          if (wait === undefined) continue
          full.push(...agents)
          waits.push(wait)
        } catch (error) {
          waits.push(Promise.reject(error)) // the other loops get it all the same
          thrown ??= new Set()
          thrown.add(error)
        }
      }
      this.#scheduler.flush()
    }
    if (!heard && this.#keepsUnheard) reports.unheard(parcel, topic)
    if (gather !== undefined) {
      const giveUp = (reason: unknown): void => gather.giveUp(agent => cancelled(agent, name, reason))
      const detach = cancellation?.onCancel(reason => {
        for (const part of remote) {
          // what is still held back here has no flag that its handlers could see: it does not leave any more
          if (part.peer < 0) part.reject(cancelled(part.agent, part.name, reason))
          else peers.giveUp(part, reason)
        }
        if (waited) giveUp(reason)
      })
      const handled = gather.complete().finally(() => {
        detach?.()
        cancellation?.letGo()
      })
      if (waited) {
        for (const wait of waits) wait.catch(() => {}) // its failure is in the gather already
        if (turn !== undefined) {
          const one: Awaited = { sequence, older: undefined, newer: undefined, giveUp }
          turn.begin(one)
          gather.promise.catch(() => {}).then(() => turn.over(one))
        }
        return promised(turn, handled)
      }
    }
    if (waits.length === 0) return (elsewhere.size > 0 && this.#scheduler.breathe()) || accepted
    const room = waits.length === 1 ? (waits[0] as Promise<void>) : Promise.all(waits).then(() => {})
    if (turn === undefined && cancellation === undefined) return room
    const wait = { key: `${origin.text}.${sequence}`, name, at: full }
    return this.#room(turn, room, wait, sequence, cancellation, reason => cancelled(audience.text, name, reason))
  }

  /**
   * Waits for room, unless others wait for who waits: so no ring of agents can wait for each other's queues and answers. And no turn
   * waits for a loop that is to move: that loop may wait for the turn.
   */
  #room(
    turn: Turn | undefined,
    room: Promise<void>,
    wait: Pick<Wait, 'key' | 'name' | 'at'>,
    sequence: number,
    cancellation: Message['cancellation'],
    error: (reason: unknown) => Error,
  ): Promise<void> {
    const { peers, reports } = this.#host
    const leave = (): void => void room.catch(late => reports.unhandled(turn?.cell, undefined, late))
    const isWaitedFor = (): boolean => turn?.cell.waitedFor === true || peers.holding
    if (turn !== undefined) {
      const behind = this.#yielding.get(turn)
      if (isWaitedFor() || (behind !== undefined && turn.cell.holds(behind))) {
        leave()
        return accepted
      }
    }
    if (cancellation?.cancelled === true) {
      leave()
      return refused(turn, error(cancellation.reason))
    }
    let waiting: RoomWait | undefined
    const waited = new Promise<void>((resolve, reject) => {
      const goOn = (behind?: string): void => {
        if (behind !== undefined) this.#yielding.set(turn as Turn, behind) // what it publishes from now on need not wait for so long
        resolve()
        leave()
      }
      if (turn !== undefined) {
        waiting = new RoomWait(turn, wait, sequence, isWaitedFor, goOn)
        waiting.begin(this.#waits)
      }
      const detach = cancellation?.onCancel(reason => {
        reject(error(reason))
        leave()
      })
      room.then(resolve, reject).then(detach)
    })
    return promised(
      turn,
      waited.finally(() => waiting?.end(this.#waits)),
    )
  }

  #refuse(gather: Gather, nowhere: readonly string[], name: string): void {
    const { directory } = this.#host
    for (const agent of nowhere) {
      gather.expect([agent])
      gather.add(agent, directory.nowhere(directory.of(agent), name))
      gather.heard([agent])
    }
  }

  /** The event as one of its recipients on this loop gets it. */
  #copy(
    turn: Turn | undefined,
    parcel: Parcel,
    { id: recipient }: Address,
    topic: TopicId,
    cancellation: Message['cancellation'],
    reply: Gather | undefined,
  ): Message {
    return new Message({
      name: parcel.name,
      isRequest: false,
      payload: parcel.payload,
      sender: turn?.id,
      recipient,
      topic,
      origin: this.#host.origin.text,
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
}
