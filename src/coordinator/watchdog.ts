// The watchdog reads from shared memory how long the turns of each thread may still take. It ends a thread that is past
// that and does not yield; it tells of one that is past its soft deadline, and of one that does not come back to its
// event loop. What it keeps: time in which a thread was ready to run and got no core does not count against it, and
// neither does time in which the watchdog itself did not run. A thread that yields ends its turn itself (see
// loop/cell/turn-watch.ts); the grace lets it.
import type { EventLoop, Timeout } from '../loop/base/event-loop.js'
import { type Slow, slowTurnOf } from '../observe/slow.js'
import { type CoreTime, coreTime, countable } from '../sync/cpu.js'
import type { House } from '../sync/status.js'
import type { ThreadLife } from './executor.js'

const EVERY_MS = 25
/** As long as no type has a deadline, only stalls are looked for. */
const SELDOM_MS = 200
const GRACE_MS = 100
/** A thread that has been awake for so long without coming back to its event loop is told of. */
const STALLED_MS = 1_000

/** Something that takes too long, and so far only that. */
export interface TooLong {
  readonly thread: number
  /** Undefined: it is not known which turn it is. */
  readonly turn?: Slow
  /** Milliseconds. */
  readonly age: number
}

/** What is known of one thread. */
class Watched {
  /** The deadline that was past when it was last looked at, and since when, in time that counts. */
  deadlineAt = 0
  past = 0
  core: CoreTime | undefined
  killed: string | undefined
  /** The soft deadline that was told of. */
  told = 0
  beat = -1
  beatAt = 0
  stalled = false
}

/** Watches the turns of all threads. */
export class Watchdog {
  readonly #house: House
  readonly #eventLoop: EventLoop
  readonly #slow: (slow: TooLong) => void
  readonly #threads = new Map<ThreadLife, Watched>()
  #timer: Timeout | undefined
  #every = SELDOM_MS
  #looked = 0

  constructor(house: House, eventLoop: EventLoop, slow: (slow: TooLong) => void) {
    this.#house = house
    this.#eventLoop = eventLoop
    this.#slow = slow
  }

  watch(thread: ThreadLife): void {
    this.#threads.set(thread, new Watched())
    this.#looked = this.#house.now()
    if (this.#timer === undefined) this.#lookLater()
  }

  /** There are deadlines now. */
  hurry(): void {
    if (this.#every === EVERY_MS) return
    this.#every = EVERY_MS
    if (this.#timer === undefined) return
    this.#timer.close()
    this.#lookLater()
  }

  /** @returns the agent for whose sake the thread was ended, if it was */
  forget(thread: ThreadLife): string | undefined {
    const agent = this.#threads.get(thread)?.killed
    this.#threads.delete(thread)
    return agent
  }

  end(): void {
    this.#timer?.close()
  }

  #lookLater(): void {
    this.#timer = this.#eventLoop.after(this.#every, () => this.#look())
    this.#timer.unref()
  }

  #look(): void {
    this.#lookLater() // first: what follows may end it
    const now = this.#house.now()
    // at most what the timer promises: for the rest of the time the watchdog did not run, so perhaps nobody did
    const passed = Math.min(now - this.#looked, this.#every * 2)
    this.#looked = now
    for (const [thread, seen] of this.#threads) {
      if (seen.killed !== undefined) continue
      this.#deadline(thread, seen, now, passed)
      this.#softDeadline(thread, seen, now)
      this.#stall(thread, seen, now)
    }
  }

  #deadline(thread: ThreadLife, seen: Watched, now: number, passed: number): void {
    const { deadlineAt } = thread.status
    const past = (now - deadlineAt) | 0 // both mod 2^32: right for 24 days either way, however long the runtime is up
    if (deadlineAt === 0 || past < 0) {
      seen.deadlineAt = 0
      return
    }
    const core = coreTime(thread.status.systemThread)
    if (seen.deadlineAt !== deadlineAt) {
      seen.deadlineAt = deadlineAt
      seen.past = 0
    } else seen.past += countable(passed, seen.core, core)
    seen.core = core
    if (seen.past < GRACE_MS) return
    seen.killed = thread.status.deadlineAgent
    thread.kill(`a turn of ${seen.killed} ran ${past} ms past its deadline without yielding`)
  }

  #softDeadline(thread: ThreadLife, seen: Watched, now: number): void {
    const { at, text } = thread.status.slow
    if (at === 0 || at === seen.told || ((now - at) | 0) < GRACE_MS) return
    seen.told = at
    const turn = slowTurnOf(text)
    if (turn === undefined) return
    this.#slow({ thread: thread.index, turn, age: ((now - at) | 0) + turn.softDeadline })
  }

  #stall(thread: ThreadLife, seen: Watched, now: number): void {
    const { beat } = thread.status
    if (beat !== seen.beat || !thread.bell.awake) {
      seen.beat = beat
      seen.beatAt = now
      seen.stalled = false
      return
    }
    if (seen.stalled || now - seen.beatAt < STALLED_MS) return
    seen.stalled = true
    this.#slow({ thread: thread.index, age: Math.round(now - seen.beatAt) })
  }
}
