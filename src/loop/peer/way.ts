// The way to another loop: the link to it in its present life, and whether what is for it may go there. What it keeps: the
// stage changes here alone, and whatever may not go waits, in order, or is told why it never will.
//
//   stage          what is sent                                         goes to
//   unlinked       waits: the thread begins, or is being replaced       open, lost, closed
//   open           goes, unless its agent's queue is full               holding most, holding all, unlinked, closed
//   holding most   waits, but for what turns over there wait for        open, holding all, unlinked, closed
//   holding all    waits: that loop is about to move                    open, holding most, unlinked, closed
//   lost           is refused: that loop does not begin again           closed
//   closed         is refused: this loop has ended                      –
import { type OverloadedError, type RingreeveError, ThreadLostError } from '../../agent/errors.js'
import type { Link } from '../../transport/link.js'
import type { OutLane } from '../../transport/out-lane.js'
import type { Directory } from '../base/directory.js'
import type { Ledger } from '../base/ledger.js'
import type { Parcel } from '../base/message.js'
import type { Suspect } from '../base/waits.js'
import { type Deferred, HeldBack, MAX_BACKLOG, MAX_BACKLOG_BYTES } from './held-back.js'

/** A stage of the way. */
export type WayStage = 'unlinked' | 'open' | 'holding most' | 'holding all' | 'lost' | 'closed'

/** What each stage may go to. */
export const wayStages: Readonly<Record<WayStage, readonly WayStage[]>> = {
  unlinked: ['open', 'lost', 'closed'],
  open: ['holding most', 'holding all', 'unlinked', 'closed'],
  'holding most': ['open', 'holding all', 'unlinked', 'closed'],
  'holding all': ['open', 'holding most', 'unlinked', 'closed'],
  lost: ['closed'],
  closed: [],
}

/** The way from one loop to another. */
export class Way {
  readonly #index: number
  readonly #directory: Directory
  readonly #ledger: Ledger
  readonly #held: HeldBack
  #stage: WayStage = 'unlinked'
  #link: Link | undefined
  /** Why nothing goes there any more. */
  #end: RingreeveError | undefined

  /** @param index of the other loop @param origin of what is sent there, see {@link Origin.text} */
  constructor(index: number, origin: string, directory: Directory, ledger: Ledger) {
    this.#index = index
    this.#directory = directory
    this.#ledger = ledger
    this.#held = new HeldBack(index, origin)
  }

  get stage(): WayStage {
    return this.#stage
  }

  get link(): Link | undefined {
    return this.#link
  }

  /** Whether what is for that loop waits here because it is to move. */
  get holding(): boolean {
    return this.#stage === 'holding most' || this.#stage === 'holding all'
  }

  #to(stage: WayStage): void {
    if (this.#stage === stage) return
    if (!wayStages[this.#stage].includes(stage))
      throw new Error(`the way to loop ${this.#index} is ${this.#stage} and cannot become ${stage}`)
    this.#stage = stage
  }

  // ---- its stages -------------------------------------------------------------------------------------------------

  /** A new life of that loop: what was parked goes to it. */
  open(link: Link): void {
    this.#to('open')
    this.#link = link
    this.#held.unpark()
  }

  /** What is for that loop waits here; unless `all` is set, what its own turns wait for goes on. */
  hold(all: boolean): void {
    this.#to(all ? 'holding all' : 'holding most')
  }

  /** Nothing waits here any more but for the queues of agents. */
  release(): void {
    this.#to('open')
    this.#held.unpark()
  }

  /** That life is over. What is held back waits for the next. */
  unlink(): void {
    this.#to('unlinked')
    this.#link = undefined
    this.#held.parkAll()
  }

  /** That loop does not begin again. */
  lose(why: string): void {
    if (this.#end !== undefined) return
    this.#to('lost')
    const text = `thread ${this.#index} was lost: ${why}; it is not started again (the handler did not run)`
    this.#end = new ThreadLostError(text, false, { thread: this.#index }, true)
    this.#held.abandon(this.#end)
  }

  /** This loop ends: nothing is written any more, whatever a late turn may try. */
  close(error: RingreeveError): void {
    this.#link?.close()
    this.#link = undefined
    this.#end = error
    this.#to('closed')
  }

  // ---- what goes, and what waits ----------------------------------------------------------------------------------

  /** Whether nothing is in the way of a message for that agent. */
  isFree(agent: string): boolean {
    return this.#stage === 'open' && !this.#held.mutesOne(agent)
  }

  /** Whether a message has to wait that no full queue is in the way of. */
  stays(parcel: Parcel): boolean {
    return this.#stage === 'open' ? false : !this.#mayPass(parcel)
  }

  /** Whether the queue of one of these agents over there is full. */
  mutes(agents: readonly string[]): boolean {
    return this.#held.mutes(agents)
  }

  /**
   * Takes what has to wait, or refuses it.
   * @returns false if it may go now
   */
  take(one: Deferred, recipient: string, parcel: Parcel): boolean {
    if (this.#end !== undefined) {
      one.fail(this.#end)
      return true
    }
    // a call that comes back to who waits for it is let in over there, or found out to be a cycle; here it would wait for ever
    const held = this.#link !== undefined && !comesBack(parcel, recipient)
    if (held && this.#held.wait(recipient, one, this.#most)) return true
    if (!this.stays(parcel)) return false
    this.#held.park(one, this.#most)
    return true
  }

  /** Why no more can wait for room in the ring. */
  full({ backlog, backlogBytes }: Pick<OutLane, 'backlog' | 'backlogBytes'>): OverloadedError | undefined {
    if (backlogBytes >= MAX_BACKLOG_BYTES && backlog > this.#ledger.running)
      return this.#held.overloaded(backlogBytes, 'bytes of messages')
    return backlog >= MAX_BACKLOG && backlog >= this.#most ? this.#held.overloaded(this.#most) : undefined
  }

  /** Whether a turn over there waits for the message. What its sender has sent before goes first, and all before that. */
  #mayPass({ chain, sender }: Parcel): boolean {
    if (this.#stage !== 'holding most') return false
    let node = chain
    while (node !== undefined && !this.#directory.livesOn(node.agent, this.#index)) node = node.parent
    if (node === undefined) return false
    if (this.#held.hasParked(sender)) {
      this.#to('open')
      this.#held.unpark()
      this.#to('holding most')
    }
    return true
  }

  /** So whoever awaits what it sends is never refused, however many do. */
  get #most(): number {
    return MAX_BACKLOG + this.#ledger.running
  }

  // ---- the queues of agents over there ----------------------------------------------------------------------------

  /** The queue of an agent is full. */
  mute(agent: string): void {
    this.#held.mute(agent)
  }

  /** It has room for `most` more. @returns how many are held back still */
  unmute(agent: string, most: number): number {
    return this.#held.unmute(agent, most)
  }

  /** Tells what waits for the queue of an agent that it was stopped. */
  drop(agent: string, error: RingreeveError): void {
    this.#held.drop(agent, error)
  }

  /** What waits for these queues, and turns wait for. */
  get held(): Suspect & Pick<HeldBack, 'refuse'> {
    return this.#held
  }

  /** Tells everything that is held back that it will not be sent. */
  abandon(error: RingreeveError): void {
    this.#held.abandon(error)
  }
}

/** Whether a turn of the recipient waits for the message. */
function comesBack({ chain }: Parcel, recipient: string): boolean {
  for (let node = chain; node !== undefined; node = node.parent) if (node.agent === recipient) return true
  return false
}
