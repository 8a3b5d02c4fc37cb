// What the books do not hold: the lives of the agents of a wide run. Who is paused, which ticks are at work, which
// one-shot timers were set, who hears the topic whose hearers change, what a snapshot has to have in it.
import type { Books, Entry } from './books.js'
import type { SimLife, SimMachine } from './executor.js'
import type { World } from './world.js'

/**
 * Faults of the runtime that are known. While one is `true` the scenario keeps out of its way, or does not mind it; set it to
 * `false` once it is mended.
 */
export const KNOWN = {
  /** A subscription that is changed while the runtime stops overtakes what the gate holds back. */
  subscribedWhileStopping: true,
}

/** Milliseconds between the ticks of an agent that has them. */
export const BEAT_MS = 3
/** Agent types with a state that knows what was answered. They are never stopped. */
export const KEEPING: readonly string[] = ['ledger', 'napper', 'dozer']
/** Agent types that the application subscribes to the topic `tide`, and unsubscribes. */
export const SWIMMERS = ['napper', 'dozer', 'sink'] as const

/** A one-shot timer. */
interface Shot {
  readonly agent: string
  readonly life: SimLife | undefined
  readonly due: number
  fired: boolean
  /** Its agent has stopped. */
  off: boolean
}

/** The diary of one run. */
export class Diary {
  /** What the application has done with each swimmer's subscription. */
  readonly swims = new Map<string, 'on' | 'changing'>()
  /** Agent types that are there since they were registered. */
  readonly registered = new Set<string>()
  /** The states that are being loaded, and how many messages there were before. */
  loading: { readonly states: Readonly<Record<string, unknown>>; readonly from: number } | undefined
  readonly #world: World
  readonly #books: Books
  readonly #machine: () => SimMachine
  /** Who is paused, how many threads had crashed then (a pause ends with its thread), and whether it was being made. */
  readonly #paused = new Map<string, { readonly crashes: number; readonly making: boolean }>()
  readonly #making = new Set<string>()
  /** Who was made and has not had its first message. */
  readonly #made = new Set<string>()
  /** Failed starts of agents since they were there last. */
  readonly #failed = new Map<string, number>()
  readonly #beats = new Map<string, { readonly since: number; ticks: number; ticking: boolean }>()
  readonly #shots: Shot[] = []

  constructor(world: World, books: Books, machine: () => SimMachine) {
    this.#world = world
    this.#books = books
    this.#machine = machine
    books.onHandled = (entry, recipient) => this.#handled(entry, recipient)
  }

  // ---- beginning and ending ---------------------------------------------------------------------------------------

  /** `onStart` begins. */
  starting(agent: string, life: SimLife | undefined): void {
    if (life?.thread.over !== true) this.#making.add(agent)
  }

  /** `onStart` is through. */
  started(agent: string, life: SimLife | undefined, state: unknown): void {
    if (life?.thread.over === true) return
    this.#books.started(agent, life)
    this.#making.delete(agent)
    this.#made.add(agent)
    this.#beats.set(keyOf(agent, life), { since: Math.floor(this.#world.now), ticks: 0, ticking: false })
    if (this.loading === undefined) return
    const { states, from } = this.loading
    // what the application has sent since then waits; and an event that was accepted may still be on its way to the agent
    const quiet = !this.#books.entries.some(
      ({ n, sender, outcome, waited, recipients, handled }) =>
        (n < from || sender !== 'app') &&
        (outcome === undefined || (!waited && recipients.includes(agent) && !handled.includes(agent))),
    )
    if (quiet && agent in states && !same(states[agent], state))
      this.#books.wrong.push(`${agent} was made by loadState and began with another state`)
  }

  /** `onStop` begins. */
  stopped(agent: string, life: SimLife | undefined): void {
    if (life?.thread.over === true) return
    this.#books.stopped(agent, life)
    this.#made.delete(agent)
    this.#failed.delete(agent)
    if (this.#beats.get(keyOf(agent, life))?.ticking === true)
      this.#books.wrong.push(`${agent} stopped with a tick at work`)
    this.#beats.delete(keyOf(agent, life))
    for (const shot of this.#shots) if (shot.agent === agent && shot.life === life) shot.off = true
  }

  /** Whether a start is to fail: so many do, one after another. */
  fails(agent: string, most: number, life: SimLife | undefined): boolean {
    if (life?.thread.over === true) return true
    const failed = this.#failed.get(agent) ?? 0
    if (failed >= most) return false
    this.#failed.set(agent, failed + 1)
    this.#making.delete(agent)
    return true
  }

  // ---- pausing ----------------------------------------------------------------------------------------------------

  paused(agent: string): void {
    this.#paused.set(agent, { crashes: this.#machine().crashes, making: this.#making.has(agent) })
  }

  /** It is resumed, or stopped, which resumes it. */
  resumed(agent: string): void {
    this.#paused.delete(agent)
  }

  resumedAll(): void {
    this.#paused.clear()
  }

  #checkPause(agent: string, what: string): void {
    if (this.#paused.get(agent)?.crashes === this.#machine().crashes)
      this.#books.wrong.push(`${what} began at ${agent}, which is paused`)
  }

  #handled(entry: Entry, recipient: string): void {
    this.#checkPause(recipient, `${entry.what} ${entry.n}`)
  }

  // ---- timers -----------------------------------------------------------------------------------------------------

  /** Runs a tick. */
  async tick(agent: string, life: SimLife | undefined, work: () => Promise<unknown>): Promise<void> {
    if (life?.thread.over === true) return
    const { wrong } = this.#books
    const beat = this.#beats.get(keyOf(agent, life))
    if (beat === undefined) return void wrong.push(`${agent} has a tick and is not there`)
    this.#world.note(`${agent} ticks`)
    this.#world.moments.mark()
    if (beat.ticking) wrong.push(`two ticks of ${agent} at a time`)
    this.#checkPause(agent, 'a tick')
    const most = 1 + Math.floor((Math.floor(this.#world.now) - beat.since) / BEAT_MS)
    if (++beat.ticks > most) wrong.push(`${agent} had ${beat.ticks} ticks where ${most} were due`)
    beat.ticking = true
    try {
      await work()
    } finally {
      beat.ticking = false
    }
  }

  /** A one-shot timer is set. @returns what to call when it fires; whether it may */
  armed(agent: string, life: SimLife | undefined, ms: number): () => boolean {
    const shot: Shot = { agent, life, due: this.#world.now + ms, fired: false, off: life?.thread.over === true }
    this.#shots.push(shot)
    return () => {
      if (life?.thread.over === true) return false
      const { wrong } = this.#books
      this.#world.note(`a timer of ${agent} fires`)
      if (shot.fired) wrong.push(`a timer of ${agent} fired twice`)
      if (shot.off) wrong.push(`a timer of ${agent} fired after it had stopped`)
      if (this.#world.now < shot.due) wrong.push(`a timer of ${agent} fired too soon`)
      this.#checkPause(agent, 'a timer')
      shot.fired = true
      return true
    }
  }

  /** Timers that have still to fire. */
  get pending(): readonly { readonly agent: string }[] {
    return this.#shots.filter(({ fired, off, life }) => !fired && !off && life?.thread.over !== true)
  }

  checkFired(): void {
    for (const { agent } of this.pending) this.#books.wrong.push(`a timer of ${agent} never fired`)
  }

  // ---- topics -----------------------------------------------------------------------------------------------------

  /** Who may hear what is published to the tide now, and who must: those whose subscription was in force and is left alone. */
  hearers(key: string): { readonly recipients: readonly string[]; readonly must: readonly string[] } {
    const swim = [...this.swims]
    return {
      recipients: swim.map(([type]) => `${type}/${key}`),
      must: swim.filter(([, state]) => state === 'on').map(([type]) => `${type}/${key}`),
    }
  }

  // ---- states -----------------------------------------------------------------------------------------------------

  /** Messages that were answered by now. */
  answered(): Entry[] {
    return this.#books.entries.filter(
      ({ waited, outcome, forgotten }) => waited && !forgotten && outcome !== undefined && !('error' in outcome),
    )
  }

  /** What was answered before is in the snapshot. */
  checkSaved(snapshot: Readonly<Record<string, unknown>>, answered: readonly Entry[]): void {
    for (const { n, what, must, forgotten } of answered) {
      for (const agent of must) {
        if (forgotten || !KEEPING.includes(agent.split('/')[0] as string)) continue
        if (!(snapshot[agent] as number[] | undefined)?.includes(n))
          this.#books.wrong.push(`${what} ${n} was answered and is not in the snapshot of ${agent}`)
      }
    }
  }

  /** States were loaded: what was done before need not be in them. */
  loaded(): void {
    for (const entry of this.#books.entries) entry.forgotten ||= entry.outcome !== undefined
  }

  /** After a load the states are as they were saved. */
  checkLoaded(loaded: Readonly<Record<string, unknown>>, now: Readonly<Record<string, unknown>>): void {
    for (const [agent, state] of Object.entries(loaded)) {
      if (!KEEPING.includes(agent.split('/')[0] as string) || same(state, now[agent])) continue
      this.#books.wrong.push(`${agent} is ${JSON.stringify(now[agent])}, and ${JSON.stringify(state)} was loaded`)
    }
  }
}

const keyOf = (agent: string, life: SimLife | undefined): string => `${agent} ${life?.thread.name}`

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)
