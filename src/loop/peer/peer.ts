// Another loop, as this one sees it: the way to it, and what came from it and may still be cancelled. What it keeps: everything
// that is sent there is in a frame of its present link, or held back by the way, or has been told why not.
import { DeadlineError, type RingreeveError } from '../../agent/errors.js'
import type { AnySerializer } from '../../agent/message.js'
import { noticed } from '../../sync/status.js'
import { type CancelRef, Flag, type Kind } from '../../transport/frame.js'
import type { Link } from '../../transport/link.js'
import type { Written } from '../../transport/out-lane.js'
import type { Directory } from '../base/directory.js'
import type { Ledger } from '../base/ledger.js'
import type { Message, Parcel } from '../base/message.js'
import type { Waits } from '../base/waits.js'
import type { Call } from './call.js'
import type { Frames } from './frames.js'
import type { GatherPart } from './gather.js'
import type { Deferred } from './held-back.js'
import { Inbound } from './inbound.js'
import { lostError } from './lost.js'
import type { CallTable, Waiter } from './waiter.js'
import { Way } from './way.js'

/** What a peer needs of the loop that sends. */
export interface PeerHost {
  /** That loop and its life. */
  readonly index: number
  readonly life: number
  readonly directory: Directory
  readonly ledger: Ledger
  readonly waiters: CallTable<Waiter>
  readonly frames: Frames
  readonly waits: Waits
}

/** How an event goes to the agents of one loop. */
interface Spread {
  readonly topic: string
  /** Of the routes that say who hears it. */
  readonly version: number
  readonly toSelf: boolean
  /** Who waits for what these agents make of it, if anybody does. */
  readonly part: ((agents: readonly string[]) => GatherPart) | undefined
  readonly cancel: CancelRef | true | undefined
}

/** Sends to one other loop. */
export class Peer {
  readonly index: number
  /** What came from its present life. */
  #inbound = new Inbound()
  readonly #host: PeerHost
  readonly #way: Way

  /** @param index of the other loop */
  constructor(index: number, host: PeerHost) {
    this.index = index
    this.#host = host
    this.#way = new Way(index, `${host.index}.${host.life}`, host.directory, host.ledger)
  }

  get link(): Link | undefined {
    return this.#way.link
  }

  get inbound(): Inbound {
    return this.#inbound
  }

  // ---- its lives --------------------------------------------------------------------------------------------------

  /** Whether that loop has ended and does not begin again. */
  get gone(): boolean {
    return this.#way.stage === 'lost'
  }

  /** Whether this loop has ended. */
  get closed(): boolean {
    return this.#way.stage === 'closed'
  }

  /** A new life of that loop: what was parked goes to it. @param inbound what comes from it */
  attach(link: Link, inbound: Inbound): void {
    this.#inbound = inbound
    this.#way.open(link)
    link.show()
  }

  /** Whether what is for that loop waits here because it is to move. */
  get holding(): boolean {
    return this.#way.holding
  }

  /**
   * What is for that loop waits here until it may go or has moved; unless `all` is set, what its own turns wait for goes on.
   * @returns whether everything that went before is in the ring
   */
  hold(life: number, all: boolean): boolean {
    const { link } = this.#way
    if (link?.life !== life) return true
    this.#way.hold(all)
    link.show()
    return link.work.out.backlog === 0
  }

  release(life: number): void {
    if (this.#way.link?.life === life) this.#way.release()
  }

  /** Whether there is nothing to take from that loop and nothing that waits for room there. */
  get drained(): boolean {
    const { link } = this.#way
    return link === undefined || (!link.hasWork && link.work.out.backlog === 0 && link.answers.out.backlog === 0)
  }

  /** @returns writes what there is room for, and says whether all that was sent there before now is in the ring */
  sending(): () => boolean {
    const out = this.#way.link?.work.out
    if (out === undefined) return () => true
    const { given } = out
    return () => {
      out.retry()
      out.show()
      return out.given - out.backlog >= given
    }
  }

  /**
   * That life is over: what was given to its lanes fails, in the ring or not. What was held back waits for the next life,
   * unless there is none (`forGood`).
   * @param overdue the agent whose deadline was the reason, as {@link noticed}
   */
  detach(life: number, why: string, forGood: boolean, overdue?: string): void {
    const { link } = this.#way
    if (link?.life === life) {
      this.#way.unlink()
      link.close()
      for (const waiter of this.#host.waiters.takeAll(this.index, life)) {
        const executed = waiter.position >= 0 && link.work.out.consumed(waiter.position)
        const late = executed && overdue !== undefined && noticed(waiter.agent) === overdue
        waiter.reject(
          late
            ? new DeadlineError(why, { agent: waiter.agent, message: waiter.name, thread: this.index })
            : lostError(this.index, why, executed, waiter, forGood),
        )
      }
      link.work.out.abandon()
      link.answers.out.abandon()
      this.#inbound = new Inbound()
    }
    if (forGood) this.#way.lose(why)
  }

  /** This loop ends: nothing is written any more, whatever a late turn may try. */
  close(error: RingreeveError): void {
    this.#way.close(error)
  }

  /** Tells everything that is held back that it will not be sent. */
  abandon(error: RingreeveError): void {
    this.#way.abandon(error)
  }

  // ---- requests ---------------------------------------------------------------------------------------------------

  /** Sends a request, or holds it back. Its outcome, also a refusal, goes to the call. */
  request(call: Call, recipient: string, parcel: Parcel, cancel: CancelRef | true | undefined): void {
    const way = this.#way
    if (!way.isFree(recipient)) {
      const deferred: Deferred = {
        parcel,
        get unwanted() {
          return call.settled
        },
        run: () => {
          if (!call.settled) this.request(call, recipient, parcel, cancel)
        },
        fail: error => call.reject(error),
        drop: error => call.reject(error),
      }
      if (way.take(deferred, recipient, parcel)) {
        if (!call.settled) this.#held(parcel, call)
        return
      }
    }
    const { waiters, frames } = this.#host
    const link = way.link as Link
    try {
      const full = way.full(link.work.out)
      if (full !== undefined) throw full
      waiters.add(call)
    } catch (error) {
      call.reject(error)
      return
    }
    call.ask(this.index, link.life)
    try {
      const own = cancel === true ? this.#own(call) : cancel
      const position = frames.request(link, recipient, parcel, call, own, late => call.wrote(late))
      if (position >= 0) call.wrote(position)
    } catch (error) {
      waiters.take(call.slot, call.generation)
      call.reject(error)
    }
  }

  // ---- events -----------------------------------------------------------------------------------------------------

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
    const { version } = this.#host.directory
    return this.#spread({ topic, version, toSelf, part, cancel }, parcel, recipients, undefined)
  }

  /** @param whole who waits for all of them, if that is known already: then the event was held back */
  #spread(
    spread: Spread,
    parcel: Parcel,
    recipients: readonly string[],
    whole: GatherPart | undefined,
  ): Promise<void> | undefined {
    const { part } = spread
    if (spread.version === this.#host.directory.version && !this.#way.mutes(recipients))
      return this.#event(spread, parcel, recipients, undefined, whole ?? part?.(recipients))
    const parts = recipients.map(agent => part?.([agent]))
    whole?.withdraw() // after those that wait in its place: there is no moment in which nobody is waited for
    const one = async (agent: string, i: number) => this.#event(spread, parcel, [agent], agent, parts[i])
    const waits = recipients.map(one) // one that fails does not stop the others
    return Promise.all(waits).then(() => {})
  }

  /** @param alone its one recipient; undefined: all over there that hear the topic */
  #event(
    spread: Spread,
    parcel: Parcel,
    recipients: readonly string[],
    alone: string | undefined,
    part: GatherPart | undefined,
  ): Promise<void> | undefined {
    const way = this.#way
    const muted = alone !== undefined && way.mutes(recipients)
    if (way.link === undefined || muted || way.stays(parcel)) {
      const held = this.#hold(spread, parcel, recipients, alone, part)
      if (held !== undefined) return held
    }
    const link = way.link as Link
    const { waiters, frames, ledger } = this.#host
    try {
      const full = way.full(link.work.out)
      if (full !== undefined) throw full
      if (part !== undefined) waiters.add(part)
    } catch (error) {
      part?.reject(error)
      throw error
    }
    part?.ask(this.index, link.life)
    const flags = (spread.toSelf ? Flag.TO_SELF : 0) | (part === undefined ? 0 : Flag.WAITED)
    const cancel = spread.cancel === true ? this.#own(part) : spread.cancel
    let settle: ((position: number | undefined) => void) | undefined
    let late = false
    const written = (position: number | undefined): void => {
      part?.wrote(position)
      late = true
      settle?.(position)
    }
    try {
      const position = frames.event(link, spread.topic, alone, flags, parcel, part, cancel, written)
      if (position >= 0) {
        part?.wrote(position)
        return undefined
      }
    } catch (error) {
      if (part !== undefined) waiters.take(part.slot, part.generation)
      part?.reject(error)
      throw error
    }
    if (late) return undefined
    ledger.accept()
    return new Promise((resolve, reject) => {
      settle = position => {
        ledger.finish()
        if (position !== undefined) resolve()
        else reject(lostError(this.index, 'it ended before the event was taken', false))
      }
    })
  }

  /** @returns a promise while it is held back; undefined: it may go now */
  #hold(
    spread: Spread,
    parcel: Parcel,
    recipients: readonly string[],
    alone: string | undefined,
    part: GatherPart | undefined,
  ): Promise<void> | undefined {
    const { ledger } = this.#host
    ledger.accept()
    let taken = false
    const held = new Promise<void>((resolve, reject) => {
      const deferred: Deferred = {
        parcel,
        get unwanted() {
          return part?.settled === true
        },
        run: () => {
          try {
            if (part?.settled === true)
              resolve() // it was cancelled meanwhile
            else {
              // the queue of one of many may be full by now
              const wait =
                alone === undefined
                  ? this.#spread(spread, parcel, recipients, part)
                  : this.#event(spread, parcel, recipients, alone, part)
              if (wait === undefined) resolve()
              else wait.then(resolve, reject)
            }
          } catch (error) {
            reject(error)
          }
          ledger.finish()
        },
        fail: error => {
          part?.reject(error)
          reject(error)
          ledger.finish()
        },
        // as if it had been accepted before
        drop: error => {
          part?.reject(error)
          resolve()
          ledger.finish()
        },
      }
      taken = this.#way.take(deferred, recipients[0] as string, parcel)
    })
    if (!taken) {
      ledger.finish()
      return undefined
    }
    if (part?.settled === false) this.#held(parcel, part)
    return held
  }

  #held({ chain }: Parcel, waiter: Waiter): void {
    waiter.hold()
    const { waits } = this.#host
    const { held } = this.#way
    if (chain !== undefined && !waits.watches(held)) waits.watch(held, held)
  }

  /** See {@link HeldBack.refuse}. */
  refuse(agent: string, key: string, error: RingreeveError): void {
    this.#way.held.refuse(agent, key, error)
  }

  /** The cancel flag that belongs to a waiter of this loop. */
  #own(waiter: Waiter | undefined): CancelRef | undefined {
    const { index, life } = this.#host
    return waiter && { loop: index, life, slot: waiter.slot, generation: waiter.generation }
  }

  // ---- answers and control: of the present link, or of none ---------------------------------------------------------

  answer(link: Link, message: Message, value: unknown, serializer: AnySerializer | undefined): void {
    if (link !== this.#way.link) return
    const what = (): string => `${message.recipient} to '${message.name}'`
    this.#host.frames.answer(link, message, value, serializer, what)
  }

  failure(link: Link, slot: Pick<Waiter, 'slot' | 'generation'>, error: unknown): void {
    if (link === this.#way.link) this.#host.frames.failure(link, slot, error)
  }

  /** Sends a frame of the answer lane that has only a slot and a small body. @throws DataCloneError */
  control(link: Link, kind: Kind, slot: Pick<Waiter, 'slot' | 'generation'>, body: unknown, written?: Written): void {
    if (link === this.#way.link) this.#host.frames.control(link, kind, slot, body, written)
  }

  // ---- the queues of agents over there ----------------------------------------------------------------------------

  /** The queue of an agent is full. */
  mute(agent: string): void {
    this.#way.mute(agent)
  }

  /** It has room for `most` more. Its loop is told behind them how many are held back still. */
  unmute(link: Link, agent: string, most: number): void {
    const left = this.#way.unmute(agent, most)
    if (link === this.#way.link) this.#host.frames.held(link, agent, left)
  }

  /** Tells what is held back for an agent over there that it was stopped. */
  drop(agent: string, error: RingreeveError): void {
    this.#way.drop(agent, error)
  }
}
