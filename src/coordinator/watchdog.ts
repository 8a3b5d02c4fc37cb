// The watchdog reads from shared memory how long the turns of each thread may still take. It ends a thread that is past
// that and does not yield; it tells of one that is past its soft deadline, and of one that does not come back to its
// event loop. What it keeps: time in which a thread was ready to run and got no core does not count against it, and
// neither does time in which the whole process did not run; and no turn is charged while the handler of another runs (`Status.due`). A
// thread that yields ends its turn itself (see loop/cell/turn-watch.ts); the grace lets it.
import type { EventLoop, Timeout } from '../loop/base/event-loop.js'
import { type Slow, slowTurnOf } from '../observe/slow.js'
import { type CoreTime, coreTime, countable } from '../sync/cpu.js'
import type { House } from '../sync/status.js'
import type { ThreadLife } from './executor.js'
import { isPaused } from './stack.js'

const EVERY_MS = 25
/** As long as no type has a deadline, only stalls are looked for. */
const SELDOM_MS = 200
const GRACE_MS = 100
/** An event loop comes round at least so often, as long as something is due. */
const PULSELESS_MS = 250
/** A thread that has been awake for so long without coming back to its event loop is told of. */
const STALLED_MS = 1_000
/** Then it is told of once more: it seems to hang. */
const HUNG_MS = 3_000

/** Something that takes too long, and so far only that. */
export interface TooLong {
  readonly thread: number
  /** Undefined: it is not known which turn it is. */
  readonly turn?: Slow
  /** Milliseconds. */
  readonly age: number
  /** It was told of a while ago, and is still there. */
  readonly hung: boolean
}

/** What is known of one thread. */
class Watched {
  /** The deadline that it had when it was last looked at, and how long it may still go on, in time that counts. */
  deadlineAt = 0
  left = 0
  core: CoreTime | undefined
  killed: string | undefined
  /** Whether it is being found out whether it stands at a breakpoint: it does not run, and could be blocked. */
  asked = false
  /** How often its event loop had come round, and since when it has not, in time that counts. */
  pulses = 0
  pulseless = 0
  /** The soft deadline that was told of. */
  told = 0
  beat = -1
  /** Since that beat, in time that counts. */
  still = 0
  stalled = false
  hung = false
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
  #over = false

  constructor(house: House, eventLoop: EventLoop, slow: (slow: TooLong) => void) {
    this.#house = house
    this.#eventLoop = eventLoop
    this.#slow = slow
  }

  watch(thread: ThreadLife): void {
    this.#threads.set(thread, new Watched())
    this.#looked = this.#house.now()
    if (this.#timer === undefined && !this.#over) this.#lookLater()
  }

  /** There are deadlines now. */
  hurry(): void {
    if (this.#every === EVERY_MS || this.#over) return
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

  /** For good: who was told late that a thread is to be watched, or of a deadline, changes nothing. */
  end(): void {
    this.#over = true
    this.#timer?.close()
  }

  #lookLater(): void {
    this.#timer = this.#eventLoop.after(this.#every, () => this.#look())
    this.#timer.unref()
  }

  #look(): void {
    this.#lookLater() // first: what follows may end it
    const now = this.#house.now()
    const passed = now - this.#looked
    this.#looked = now
    for (const [thread, seen] of this.#threads) {
      if (seen.killed !== undefined) continue
      const ran = this.#ran(thread, seen, passed)
      this.#deadline(thread, seen, now, ran, passed - ran)
      this.#overdue(thread, seen, now, ran)
      this.#softDeadline(thread, seen, now)
      this.#stall(thread, seen, ran)
    }
  }

  /** How much of the time since the last look counts against a thread. */
  #ran(thread: ThreadLife, seen: Watched, passed: number): number {
    const { status, bell } = thread
    const busy = status.due !== undefined || status.overdue !== undefined || bell.awake
    const before = seen.core
    seen.core = busy ? coreTime(status.systemThread) : undefined
    // at most what the timer promises: for the rest of the time the watchdog did not run, so perhaps nobody did
    return countable(passed, this.#every * 2, before, seen.core)
  }

  /** @param lost of the time since the last look, what does not count: it was lost also to a turn that has begun since */
  #deadline(thread: ThreadLife, seen: Watched, now: number, ran: number, lost: number): void {
    const { due } = thread.status
    if (due === undefined) {
      seen.deadlineAt = 0
      return
    }
    const past = (now - due.at) | 0 // both mod 2^32: right for 24 days either way, however long the runtime is up
    if (seen.deadlineAt === due.at) seen.left -= ran
    else {
      seen.deadlineAt = due.at
      seen.left = Math.max(0, lost - past) + GRACE_MS
    }
    if (seen.left > 0 || past < GRACE_MS) return
    const still = (): boolean => thread.status.due?.at === seen.deadlineAt
    this.#endUnlessPaused(thread, seen, due.text, past, still, () => {
      seen.left = GRACE_MS // and is asked again
    })
  }

  /** A turn that is past its deadline may go on as long as it yields: it may compute again behind each `await`. */
  #overdue(thread: ThreadLife, seen: Watched, now: number, ran: number): void {
    const { overdue, pulses } = thread.status
    if (overdue === undefined || pulses !== seen.pulses || seen.killed !== undefined) {
      seen.pulses = pulses
      seen.pulseless = 0
      return
    }
    seen.pulseless += ran
    if (seen.pulseless < PULSELESS_MS) return
    const still = (): boolean => thread.status.pulses === seen.pulses && thread.status.overdue !== undefined
    this.#endUnlessPaused(thread, seen, overdue.text, (now - overdue.at) | 0, still, () => {
      seen.pulseless = 0
    })
  }

  /** @param still whether it is as it was. @param again it stands at a breakpoint */
  #endUnlessPaused(
    thread: ThreadLife,
    seen: Watched,
    agent: string,
    past: number,
    still: () => boolean,
    again: () => void,
  ): void {
    if (seen.asked) return
    if (seen.core?.runnable !== false) return this.#end(thread, seen, agent, past)
    seen.asked = true
    void isPaused(thread.status.thread).then(paused => {
      seen.asked = false
      if (paused) again()
      else if (still()) this.#end(thread, seen, agent, past)
    })
  }

  #end(thread: ThreadLife, seen: Watched, agent: string, past: number): void {
    seen.killed = agent
    thread.kill(`a turn of ${agent} ran ${past} ms past its deadline without yielding`)
  }

  #softDeadline(thread: ThreadLife, seen: Watched, now: number): void {
    const { at, text } = thread.status.slow
    if (at === 0 || at === seen.told || ((now - at) | 0) < GRACE_MS) return
    seen.told = at
    const turn = slowTurnOf(text)
    if (turn === undefined) return
    this.#slow({ thread: thread.index, turn, age: ((now - at) | 0) + turn.softDeadline, hung: false })
  }

  #stall(thread: ThreadLife, seen: Watched, ran: number): void {
    const { beat } = thread.status
    if (beat !== seen.beat || !thread.bell.awake) {
      seen.beat = beat
      seen.still = 0
      seen.stalled = false
      seen.hung = false
      return
    }
    seen.still += ran
    if (seen.hung || seen.still < (seen.stalled ? HUNG_MS : STALLED_MS)) return
    const hung = seen.stalled
    if (hung) seen.hung = true
    else seen.stalled = true
    this.#slow({ thread: thread.index, age: Math.round(seen.still), hung })
  }
}
