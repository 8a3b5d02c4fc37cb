// The counts of one loop, and the order in which they are shown. What it keeps: every accept() is followed by exactly one
// finish(); `accepted` counts work before anything shows that it left where it came from, and `done` counts it after
// everything that it led to was written. Others see them in one order: frames first (whoever shows calls Peers.show), then
// `accepted`, then `done` (Status.show). So work is at every moment in one place or in both, and equal sums mean quiet.
import { at, type Counter, counterNames, type Status } from '../../sync/status.js'

/** What sees to it that changes are shown. */
export interface Shower {
  request(): void
}

/** Counts the work of one loop. */
export class Ledger {
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
    this.#add(at.accepted, 1)
  }

  /** The same of work that began of itself: shown before anybody can see what it does. */
  acceptOwn(): void {
    this.#add(at.accepted, 1)
    this.showAccepted()
  }

  /** It is over, and whatever it led to has been written. */
  finish(): void {
    this.#add(at.done, 1)
    this.changed()
  }

  /** Something changed, perhaps outside the loop's own work: it must be shown. */
  changed(): void {
    if (this.#still !== undefined && this.#get(at.running) === 0) this.#still()
    this.#shower.request()
  }

  // ---- messages ---------------------------------------------------------------------------------------------------

  /** So many messages more wait in mailboxes; fewer, if negative. */
  queue(by: number): void {
    this.#add(at.queued, by)
  }

  /** A turn is at work. */
  begin(): void {
    this.#add(at.running, 1)
  }

  end(): void {
    this.#add(at.running, -1)
  }

  /** A message was handled. */
  handled(): void {
    this.#add(at.handled, 1)
  }

  failed(): void {
    this.#add(at.failed, 1)
  }

  dropped(): void {
    this.#add(at.dropped, 1)
  }

  sent(): void {
    this.#add(at.sent, 1)
  }

  published(): void {
    this.#add(at.published, 1)
  }

  /** An agent is there (1), or no longer (-1). */
  agents(by: 1 | -1): void {
    this.#add(at.agents, by)
  }

  // ---- reading ----------------------------------------------------------------------------------------------------

  /** Turns at work. */
  get running(): number {
    return this.#get(at.running)
  }

  get queued(): number {
    return this.#get(at.queued)
  }

  /** Whether all that was accepted is done. */
  get balanced(): boolean {
    return this.#get(at.accepted) === this.#get(at.done)
  }

  /** Tells `still` once no turn is at work. */
  whenStill(still: () => void): void {
    if (this.running === 0) still()
    else this.#still = still
  }

  // ---- showing ----------------------------------------------------------------------------------------------------

  /** Shows the work that came out of a ring before the ring shows that it left. */
  readonly showAccepted = (): void => this.#status.showAccepted(this.#get(at.accepted))

  /** Shows all counts; the frames they speak of must be shown already. */
  show(framesIn: number, framesOut: number, parks: number): void {
    const values = this.#values
    values[at.framesIn] = framesIn
    values[at.framesOut] = framesOut
    values[at.parks] = parks
    this.#status.show(values)
  }

  #add(counter: CounterIndex, by: number): void {
    this.#values[counter] = this.#get(counter) + by
  }

  #get(counter: CounterIndex): number {
    return this.#values[counter] as number
  }
}

type CounterIndex = (typeof at)[Counter]
