// The watchdog reads from shared memory how long the turns of each thread may still take, and ends a thread that is
// past that and does not yield. A thread that does yield ends its turn itself (see loop/deadlines.ts); the grace lets it.
import type { House } from '../sync/status.js'
import type { ThreadLife } from './threads.js'

const EVERY_MS = 25
const GRACE_MS = 100

/** Watches the deadlines of all threads. */
export class Watchdog {
  readonly #house: House
  readonly #threads = new Set<ThreadLife>()
  readonly #overdue = new Map<ThreadLife, string>()
  #timer: NodeJS.Timeout | undefined

  constructor(house: House) {
    this.#house = house
  }

  watch(thread: ThreadLife): void {
    this.#threads.add(thread)
  }

  /** @returns the agent for whose sake the thread was ended, if it was */
  forget(thread: ThreadLife): string | undefined {
    const agent = this.#overdue.get(thread)
    this.#threads.delete(thread)
    this.#overdue.delete(thread)
    return agent
  }

  /** Begins to look; until a type has a deadline there is nothing to see. */
  start(): void {
    this.#timer ??= setInterval(() => this.#look(), EVERY_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const now = this.#house.now()
    for (const thread of this.#threads) {
      const { deadlineAt } = thread.status
      const past = (now - deadlineAt) | 0 // both mod 2^32: right for 24 days either way, however long the runtime is up
      if (deadlineAt === 0 || past < GRACE_MS || this.#overdue.has(thread)) continue
      const agent = thread.status.deadlineAgent
      this.#overdue.set(thread, agent)
      thread.kill(`a turn of ${agent} ran ${past} ms past its deadline without yielding`)
    }
  }
}
