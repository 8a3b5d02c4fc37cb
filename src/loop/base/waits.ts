// What may wait for itself: messages in the queue of an agent whose turns wait, and turns that wait for room. Whether it does can
// neither be known when it begins to wait, nor by one loop. What this keeps: what has waited for a second is looked at, and again
// each second as long as it waits; nothing is paid for before but a place in a list. What seems stuck then is told to the
// coordinator as plain data, which has that of all loops and finds the cycles (coordinator/wait-graph.ts).
import type { ChainNode } from './chain.js'
import type { Alarm, Clock } from './clock.js'

/** How long what waits since about the same time has to come together, before it is noted. */
const NOTE_MS = 100
/** How long something may wait before it is looked at, and again. */
const LOOK_MS = 1_000

/** A turn, by its agent and number. */
export interface TurnRef {
  readonly agent: string
  readonly turn: number
}

/** Something that has waited for a second, as plain data. */
export interface Wait {
  /** Of the message; or of the wait for room. There is no other with it in the runtime, but for the other recipients of an event. */
  readonly key: string
  readonly name: string
  /** Whether it is in the queue, held back by its sender's loop, or a publish that was taken and waits for room. */
  readonly what: 'queued' | 'held' | 'room'
  /** The agents whose queue it waits for: for each of them. */
  readonly at: readonly string[]
  /** The turns that wait for it, innermost first. */
  readonly turns: readonly TurnRef[]
}

/** An agent whose queue waits for turns of it. */
export interface Jam {
  readonly agent: string
  /** The oldest first. */
  readonly turns: readonly number[]
  /** Whether it waits for each of them to end, because the agent begins or stops. Else one is enough. */
  readonly each: boolean
  /** The hook that is its turn. */
  readonly hook: 'onStart' | 'onStop' | undefined
}

/** What seems stuck on one loop. */
export interface Blocked {
  readonly jams: Jam[]
  readonly waits: Wait[]
}

/** What is known of a turn: the keys of what it waits for, and of the message that it works on. */
export interface TurnWaits {
  readonly waits: readonly string[]
  readonly works: string | undefined
}

/** What seems stuck on one loop; and of the turns that were asked for, what is known, undefined if they are not there. */
export interface Stuck extends Blocked {
  readonly turns: readonly (TurnWaits | undefined)[]
}

/** A wait that is to end: of a message with CallCycleError, of one for room as if there were some. */
export interface Verdict {
  readonly wait: Wait
  readonly text: string
  readonly cycle: readonly string[]
  /** Key of what waits for who waits for room. */
  readonly behind: string
}

/** Something that a turn has begun and waits for, as far as is known; in a list of its turn. */
export interface Awaited {
  /** Number of the message, at its origin. */
  readonly sequence: number
  older: Awaited | undefined
  newer: Awaited | undefined
  /** The turn is given up, and does not wait for this any more. */
  giveUp(reason: unknown): void
}

/** Something that may be stuck. */
export interface Suspect {
  /** Notes what waits now. @returns whether it waits at all */
  note(): boolean
  /** It has waited for one second more. @returns whether it goes on waiting */
  look(): boolean
  /** Whether it was stuck at the last look. */
  readonly stuck: boolean
  /** Adds what is stuck there still. */
  tell(blocked: Blocked): void
}

/** Since when something waits. */
interface Watched {
  readonly suspect: Suspect
  /** When it is noted, or looked at. */
  at: number
  /** Whether it has been looked at. */
  known: boolean
}

/** The long waits of one loop. */
export class Waits {
  /** Told when something seems stuck. */
  onStuck: (() => void) | undefined
  /** By key: has who waits for room go on. @param behind key of what waits for who does */
  readonly rooms = new Map<string, (behind: string) => void>()
  readonly #clock: Clock
  /** By whose wait it is, in the order in which they are due: what is to be noted, and what is to be looked at. */
  readonly #fresh = new Map<object, Watched>()
  readonly #noted = new Map<object, Watched>()
  #alarm: Alarm | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether it is looked at in time anyway. */
  watches(whose: object): boolean {
    return this.#fresh.has(whose) || this.#noted.has(whose)
  }

  /** Something waits. @param whose wait it is: each has one */
  watch(whose: object, suspect: Suspect): void {
    this.#fresh.set(whose, { suspect, at: this.#clock.now() + NOTE_MS, known: false })
    if (this.#fresh.size === 1) this.#set()
  }

  /** It waits no longer, as is known. */
  unwatch(whose: object): void {
    this.#fresh.delete(whose)
    this.#noted.delete(whose)
  }

  /** What was stuck at the last look, and is still. */
  tell(): Blocked {
    const blocked: Blocked = { jams: [], waits: [] }
    for (const { suspect } of this.#noted.values()) if (suspect.stuck) suspect.tell(blocked)
    return blocked
  }

  /** The loop has stopped. */
  end(): void {
    this.#fresh.clear()
    this.#noted.clear()
    this.#alarm?.cancel()
    this.#alarm = undefined
  }

  /** Sets the alarm for what is due first. */
  #set(): void {
    this.#alarm?.cancel()
    this.#alarm = undefined
    const [fresh] = this.#fresh.values()
    const [noted] = this.#noted.values()
    const at = Math.min(fresh?.at ?? Number.POSITIVE_INFINITY, noted?.at ?? Number.POSITIVE_INFINITY)
    if (at === Number.POSITIVE_INFINITY) return
    // a process may not end before what would else wait for ever is found; whoever completes a cycle is new
    const weak = fresh === undefined && [...this.#noted.values()].every(({ known }) => known)
    this.#alarm = this.#clock.after(Math.max(at - this.#clock.now(), 0), this.#due, { weak })
  }

  readonly #due = (): void => {
    const now = this.#clock.now()
    let stuck = false
    for (const [whose, one] of this.#take(this.#noted, now)) {
      one.known = true
      if (!one.suspect.look()) continue
      stuck ||= one.suspect.stuck
      this.#again(whose, one, now + LOOK_MS)
    }
    for (const [whose, one] of this.#take(this.#fresh, now))
      if (one.suspect.note()) this.#again(whose, one, now + LOOK_MS - NOTE_MS)
    this.#set()
    if (stuck) this.onStuck?.()
  };

  /** Takes out what is due, one by one: whoever ends the loop meanwhile ends all. */
  *#take(list: Map<object, Watched>, now: number): Iterable<[object, Watched]> {
    for (const entry of list) {
      if (entry[1].at > now) return
      list.delete(entry[0])
      yield entry
    }
  }

  #again(whose: object, one: Watched, at: number): void {
    one.at = at
    this.#noted.set(whose, one)
  }
}

/** A chain as plain data, innermost first. */
export function turnsOf(chain: ChainNode | undefined): TurnRef[] {
  const turns: TurnRef[] = []
  for (let node = chain; node !== undefined; node = node.parent) turns.push({ agent: node.agent, turn: node.turn })
  return turns
}
