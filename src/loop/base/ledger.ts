// The counts of one loop, and the order in which they are shown. What it keeps: every accept() is followed by exactly one
// finish(); `accepted` counts work before anything shows that it left where it came from, and `done` counts it after
// everything that it led to was written. Others see them in one order: frames first (Loop.show calls Peers.show before), then
// `accepted`, then `done` (Status.show). So work is at every moment in one place or in both, and equal sums mean quiet.
import { at, counterNames, type Status } from '../../sync/status.js'

/** What sees to it that changes are shown. */
export interface Shower {
  request(): void
}

/** Counts the work of one loop. */
export class Ledger {
  // fields, and no array: one is changed some eight times for each message
  #accepted = 0
  #done = 0
  #queued = 0
  #running = 0
  #agents = 0
  #handled = 0
  #failed = 0
  #dropped = 0
  #sent = 0
  #published = 0
  /** What is shown. */
  readonly #values = new Float64Array(counterNames.length)
  readonly #status: Status
  readonly #shower: Shower
  /** Told when no turn is at work, while the loop stops. */
  #still: (() => void) | undefined

  constructor(status: Status, shower: Shower) {
    this.#status = status
    this.#shower = shower
  }

  // ---- work and its end -------------------------------------------------------------------------------------------

  /** Something began that is over only when {@link finish} says so. */
  accept(): void {
    this.#accepted++
  }

  /** The same of work that began of itself: shown before anybody can see what it does. */
  acceptOwn(): void {
    this.#accepted++
    this.showAccepted()
  }

  /** It is over, and whatever it led to has been written. */
  finish(): void {
    this.#done++
    this.changed()
  }

  /** Something changed, perhaps outside the loop's own work: it must be shown. */
  changed(): void {
    if (this.#still !== undefined && this.#running === 0) this.#still()
    this.#shower.request()
  }

  // ---- messages ---------------------------------------------------------------------------------------------------

  /** So many messages more wait in mailboxes; fewer, if negative. */
  queue(by: number): void {
    this.#queued += by
  }

  /** A turn is at work. */
  begin(): void {
    this.#running++
  }

  end(): void {
    this.#running--
  }

  /** A message was handled. */
  handled(): void {
    this.#handled++
  }

  failed(): void {
    this.#failed++
  }

  dropped(): void {
    this.#dropped++
  }

  sent(): void {
    this.#sent++
  }

  published(): void {
    this.#published++
  }

  /** An agent is there (1), or no longer (-1). */
  agents(by: 1 | -1): void {
    this.#agents += by
  }

  // ---- reading ----------------------------------------------------------------------------------------------------

  /** Turns at work. */
  get running(): number {
    return this.#running
  }

  get queued(): number {
    return this.#queued
  }

  /** What was accepted, mod 2^32, whether it was shown or not. */
  get accepted(): number {
    return this.#accepted | 0
  }

  /** Whether all that was accepted is done. */
  get balanced(): boolean {
    return this.#accepted === this.#done
  }

  /** Tells `still` once no turn is at work. */
  whenStill(still: () => void): void {
    if (this.running === 0) still()
    else this.#still = still
  }

  // ---- showing ----------------------------------------------------------------------------------------------------

  /** Shows the work that came out of a ring before the ring shows that it left. */
  readonly showAccepted = (): void => this.#status.showAccepted(this.#accepted)

  /** Shows all counts; the frames they speak of must be shown already. */
  show(framesIn: number, framesOut: number, parks: number): void {
    const values = this.#values
    values[at.accepted] = this.#accepted
    values[at.done] = this.#done
    values[at.queued] = this.#queued
    values[at.running] = this.#running
    values[at.agents] = this.#agents
    values[at.handled] = this.#handled
    values[at.failed] = this.#failed
    values[at.dropped] = this.#dropped
    values[at.sent] = this.#sent
    values[at.published] = this.#published
    values[at.framesIn] = framesIn
    values[at.framesOut] = framesOut
    values[at.parks] = parks
    this.#status.show(values)
  }
}
