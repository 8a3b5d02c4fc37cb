// All other loops, and what comes from them. What it keeps: of each there is one life at a time; what a life showed before
// it ended is taken in whole before anybody hears of its end; and all frames are shown before the counts that speak of them. Of
// the frames, work is shown before answers, where nothing has shown a lane before (it shows itself when it is full, or after 32).
import { type RingreeveError, textOf } from '../../agent/errors.js'
import type { CancelFlags } from '../../sync/cancel.js'
import { Kind } from '../../transport/frame.js'
import { Link, type LinkParts } from '../../transport/link.js'
import type { EventLoop } from '../base/event-loop.js'
import type { Ledger } from '../base/ledger.js'
import type { HostLane, Report } from '../base/reports.js'
import type { Scheduler } from '../base/scheduler.js'
import type { Waits } from '../base/waits.js'
import type { CallHost } from './call.js'
import { Frames } from './frames.js'
import { Inbound } from './inbound.js'
import { Incoming, type IncomingHost } from './incoming.js'
import { Peer } from './peer.js'
import type { Waiter } from './waiter.js'

/** What the peers need of their loop, beside what the way in needs. */
export interface PeersHost extends Omit<IncomingHost, 'flagsOf'> {
  readonly scheduler: Scheduler
  readonly waits: Waits
}

/** The other loops, as one loop sees them. */
export class Peers implements CallHost, HostLane {
  /** By index; none of the loop itself. */
  readonly list: readonly (Peer | undefined)[]
  readonly ledger: Ledger
  readonly #host: PeersHost
  readonly #life: number
  readonly #eventLoop: EventLoop
  readonly #flags: CancelFlags
  #incoming: Incoming[] = []
  /** Frames of links to lives that are over. */
  #takenBefore = 0
  #writtenBefore = 0

  /**
   * @param count loops of the runtime, this one included
   * @param life of this loop, whose calls have these flags
   */
  constructor(count: number, life: number, flags: CancelFlags, eventLoop: EventLoop, host: PeersHost) {
    this.#eventLoop = eventLoop
    this.#host = host
    this.#life = life
    this.#flags = flags
    const { directory, ledger, waiters, codec, waits } = host
    this.ledger = ledger
    const shared = { index: directory.index, life, directory, ledger, waiters, waits, frames: new Frames(codec) }
    this.list = Array.from({ length: count }, (_, i) => (i === directory.index ? undefined : new Peer(i, shared)))
  }

  of(index: number): Peer {
    return this.list[index] as Peer
  }

  // ---- their lives ------------------------------------------------------------------------------------------------

  attach(parts: LinkParts): void {
    const peer = this.of(parts.peer)
    if (peer.closed) return // this loop has ended, and the other one was not there yet to hear of it
    const { scheduler, line } = this.#host
    const rung = (): void => scheduler.rung()
    const link = new Link(parts, rung, () => line.length > 0, this.#eventLoop.receive)
    const flagsOf = (loop: number, life: number): CancelFlags | undefined => this.flagsOf(loop, life)
    const inbound = new Inbound()
    this.#incoming.push(new Incoming({ ...this.#host, flagsOf }, peer, link, inbound))
    peer.attach(link, inbound)
    rung()
  }

  /** See {@link Peer.detach}. */
  detach(index: number, life: number, why: string, forGood: boolean, overdue?: string): void {
    const peer = this.of(index)
    const { link } = peer
    if (link?.life === life) {
      const last = this.#incoming.find(incoming => incoming.peer === index)
      try {
        last?.finish() // what it showed before it died is whole
      } catch (error) {
        this.#host.reports.unhandled(undefined, undefined, error)
      }
      this.#incoming = this.#incoming.filter(incoming => incoming.peer !== index)
      this.#takenBefore += link.taken
      this.#writtenBefore += link.written
    }
    peer.detach(life, why, forGood, overdue)
    this.ledger.changed()
  }

  /** Whether a loop has ended and does not begin again. */
  isGone(index: number): boolean {
    return this.list[index]?.gone === true
  }

  /** Tells all that waits for other loops that it gets nothing: this loop stops. */
  abandon(error: RingreeveError): void {
    for (const waiter of this.#host.waiters.clear()) waiter.reject(error)
    for (const peer of this.list) peer?.abandon(error)
  }

  /** This loop ends: it lets go of all that it shares with others. */
  end(error: RingreeveError): void {
    this.#incoming = []
    for (const peer of this.list) peer?.close(error)
    this.#flags.close()
  }

  // ---- frames -----------------------------------------------------------------------------------------------------

  /** Takes some frames of each. @param work not only outcomes @returns whether there were any, or some that waited were written */
  take(work: boolean): boolean {
    let worked = false
    for (const incoming of this.#incoming) {
      if (incoming.retry()) worked = true
      if (incoming.takeAnswers()) worked = true
      if (work && incoming.takeWork()) worked = true
    }
    return worked
  }

  /** Takes in the messages of all rings, ahead of their turn. */
  takeIn(): void {
    for (const incoming of this.#incoming) incoming.takeIn()
    this.#host.scheduler.request()
  }

  /** Shows what was written to who can see it. */
  show(): void {
    for (const peer of this.list) peer?.link?.work.out.show()
    for (const peer of this.list) peer?.link?.answers.out.show() // last: an answer may speak of what was sent before
  }

  /** Frames taken from others, ever. */
  get taken(): number {
    return this.list.reduce((sum, peer) => sum + (peer?.link?.taken ?? 0), this.#takenBefore)
  }

  /** Frames written for others, ever. */
  get written(): number {
    return this.list.reduce((sum, peer) => sum + (peer?.link?.written ?? 0), this.#writtenBefore)
  }

  /** Whether there is something to take, or what waited for room has it now. */
  get hasWork(): boolean {
    for (const peer of this.list) if (peer?.link?.hasWork === true) return true
    return false
  }

  /** Loops that are awake, as far as this one is linked to them. */
  get awake(): number {
    let awake = 0
    for (const peer of this.list) if (peer?.link?.awake === true) awake++
    return awake
  }

  /** Links to others. */
  get links(): number {
    return this.#incoming.length
  }

  /** Whether what is for some other loop waits here because that one is to move. */
  get holding(): boolean {
    return this.list.some(peer => peer?.holding === true)
  }

  /** Whether every frame for this loop was taken, and every frame of it is in its ring. */
  get drained(): boolean {
    return this.list.every(peer => peer?.drained !== false)
  }

  // ---- calls ------------------------------------------------------------------------------------------------------

  /** Tells the loop that works on a call that its caller gave up. */
  giveUp(waiter: Waiter, reason: unknown): void {
    if (waiter.peer < 0 || !this.#host.waiters.has(waiter)) return
    this.#flags.raise(waiter.slot, waiter.generation)
    const peer = this.of(waiter.peer)
    const { link } = peer
    if (link === undefined || link.life !== waiter.life) return
    try {
      peer.control(link, Kind.CANCEL, waiter, reason)
    } catch {
      peer.control(link, Kind.CANCEL, waiter, new Error(textOf(reason))) // it holds what cannot cross threads
    }
    this.ledger.changed()
  }

  /** The calls that this loop has made to another and waits for, as text: the first few. */
  callsTo(index: number): string[] {
    return this.#host.waiters.of(index, 5).map(({ name, agent }) => `'${name}' of ${agent}`)
  }

  /** The cancel flags of the calls that one life of a loop made; undefined when this loop knows another life of it, or none. */
  flagsOf(loop: number, life: number): CancelFlags | undefined {
    if (loop === this.#host.directory.index) return life === this.#life ? this.#flags : undefined
    const link = this.list[loop]?.link
    return link?.life === life ? link.flags : undefined
  }

  // ---- the way of reports to the host -----------------------------------------------------------------------------

  get behind(): number | undefined {
    return this.list[0]?.link?.answers.out.backlog
  }

  tell(report: Report, written?: () => void): void {
    const host = this.of(0)
    if (host.link !== undefined) host.control(host.link, Kind.REPORT, NOBODY, report, written)
  }

  sentOut(): void {
    this.#host.scheduler.flush()
  }

  /** Shows the host at once what was written for it. */
  showHost(): void {
    this.list[0]?.link?.show()
  }

  wakeHost(): void {
    this.list[0]?.link?.wake()
  }
}

/** Whom a frame is for that no call waits for. */
const NOBODY = { slot: 0, generation: 0 }
