// When a loop works, and when it sleeps. What it keeps: the event loop it shares gets its turn at least every 200 µs
// of work (plus one handler); work that has begun is shown before the loop pauses; a loop that sleeps has armed
// its bell and looked once more.
//
// Work goes in chunks: take a few frames, run a few messages, then let microtasks run (the answers and continuations
// that the chunk set free). A burst of chunks ends with a turn of the event loop, by setImmediate. A loop with
// nothing to do keeps looking for 200 µs (a wake costs more than that is worth), some microseconds of it before each
// turn of the event loop, unless more loops are awake than the machine has cores; then it sleeps until a doorbell. Looking that was in vain is paid for: the next 1, 2, 4, … 64
// times the loop sleeps at once. Where other processes want the cores, or messages are rare, looking only keeps a core
// from whoever would have sent something; the first time that it finds work it is trusted again.
//
// A loop that waits for answers dozes before it sleeps: it looks again after a millisecond, and a loop that answers and
// has more to do need not ring. A doorbell costs both of them 10 to 25 µs, which one answer of 100 µs of work is not worth.
import type { Bell } from '../../sync/bell.js'
import type { WaitStrategy } from '../../transport/wait.js'
import type { EventLoop, Timeout } from './event-loop.js'

const BURST_MS = 0.2
const POLL_MS = 0.2
const MAX_PENALTY = 64
/** Messages run in one chunk, unless they took longer than `SLOW_MS` each the last time; then one. */
const CHUNK = 16
const SLOW_MS = 0.02
/** Microtasks that frames wait for more frames, while each of them brings one. */
const HOPS = 64
/** Looks of one spin; about 10 µs. */
const SPINS = 256
const DOZE_MS = 1

/** The work of a loop, as the scheduler sees it. */
export interface Workload {
  /** Does a chunk of at most so many messages. @returns how many ran, one more if frames came; 0: there was nothing to do */
  chunk(most: number): number
  /** Whether there is anything to do. */
  hasWork(): boolean
  /** Loops of the runtime that are awake now, this one included. */
  awake(): number
  /** Whether it waits for answers of other loops. */
  expecting(): boolean
  /** Whether handlers are at work that will go on by themselves. */
  pending(): boolean
  /** Links to other loops. */
  links(): number
  /** Shows others what was done: frames and counters. */
  show(): void
}

/** Before it is known what the work is. */
const NOTHING: Workload = {
  chunk: () => 0,
  hasWork: () => false,
  awake: () => 1,
  expecting: () => false,
  pending: () => false,
  links: () => 0,
  show: () => {},
}

/** Runs the work of one loop. */
export class Scheduler {
  #work: Workload = NOTHING
  readonly #bell: Bell
  readonly #strategy: WaitStrategy | undefined
  readonly #eventLoop: EventLoop
  #immediate = false
  #microtask = false
  #inTurn = false
  #burstEnd = 0
  /** Whether the burst was over when it was last looked at. */
  #spent = false
  /** Whether the microtask is there for frames alone, and whether more came since it was queued. */
  #flushing = false
  #more = false
  #hops = 0
  #slow = false
  /** When a turn last began or ended. */
  now = 0
  #lastWork = 0
  #asleep = false
  /** Whether there was work since it last dozed in vain. */
  #mayDoze = false
  #dozing = false
  #timer: Timeout | undefined
  /** Whether the loop looked for work since it last had some. */
  #looked = false
  #penalty = 0
  /** How often it will sleep at once. */
  #skip = 0
  #nextTurn: Promise<void> | undefined
  #endTurn: (() => void) | undefined
  #paused: boolean
  #stopped = false
  /** Times the loop went to sleep. */
  sleeps = 0

  /** @param strategy undefined for a loop without links: nobody rings it, it simply rests */
  constructor(bell: Bell, strategy: WaitStrategy | undefined, paused: boolean, eventLoop: EventLoop) {
    this.#eventLoop = eventLoop
    this.#bell = bell
    this.#strategy = strategy
    this.#paused = paused
  }

  /** Says what the work is. Once, before there is any. */
  serve(work: Workload): void {
    this.#work = work
  }

  /** There is work: begin with it after the code that is running now. */
  request(): void {
    this.#flushing = false
    this.#begin()
  }

  /**
   * Frames were written and are to be shown. They wait as long as the code that runs now writes one more in each
   * microtask, so that a loop of awaited sends shows them in batches.
   */
  flush(): void {
    this.#more = true
    if (this.#microtask || this.#inTurn) return
    this.#flushing = true
    this.#hops = HOPS
    this.#begin()
  }

  #begin(): void {
    if (this.#microtask || this.#inTurn || this.#paused || this.#stopped) return
    if (this.#asleep) this.#wake()
    const now = this.#eventLoop.now()
    if (now < this.#burstEnd) return this.#soon()
    this.#spent = this.#immediate
    if (this.#immediate) return
    // a new burst; the immediate ends it, so that a chain of microtasks cannot keep the event loop for ever
    this.#burstEnd = now + BURST_MS
    this.#later()
    this.#soon()
  }

  /**
   * For code that sends in a loop: undefined while the burst lasts, then a promise for the next turn of the event loop.
   * A loop of awaited promises would else keep the event loop, and what came in for it, waiting for ever.
   */
  breathe(): Promise<void> | undefined {
    if (!this.#spent) return undefined
    this.#later()
    this.#nextTurn ??= new Promise(resolve => {
      this.#endTurn = resolve
    })
    return this.#nextTurn
  }

  /** A doorbell message came. */
  rung(): void {
    if (this.#stopped) return
    if (this.#asleep) this.#wake()
    this.#later()
  }

  /** Whether it does work when there is some. */
  get running(): boolean {
    return !this.#paused && !this.#stopped
  }

  resume(): void {
    this.#paused = false
    this.#later()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.close()
    if (this.#asleep) this.#wake()
  }

  #wake(): void {
    this.#asleep = false
    this.#dozing = false
    this.#bell.disarm()
  }

  #soon(): void {
    if (this.#microtask) return
    this.#microtask = true
    this.#eventLoop.soon(this.#onMicrotask)
  }

  #later(): void {
    if (this.#immediate) return
    this.#immediate = true
    this.#eventLoop.later(this.#onImmediate)
  }

  readonly #onMicrotask = (): void => {
    if (this.#flushing && this.#more && --this.#hops > 0) {
      this.#more = false
      this.#eventLoop.soon(this.#onMicrotask)
      return
    }
    this.#microtask = false
    if (this.#stopped) return
    try {
      this.#turn()
    } catch (error) {
      queueMicrotask(() => {
        throw error // uncaught, and no rejection
      })
    }
  }

  readonly #onImmediate = (): void => {
    this.#immediate = false
    this.#nextTurn = undefined
    this.#endTurn?.()
    this.#endTurn = undefined
    if (this.#stopped) return
    this.#spent = false
    this.#burstEnd = this.#eventLoop.now() + BURST_MS
    this.#turn()
  }

  #turn(): void {
    if (this.#paused) return this.#work.show()
    const flushed = this.#flushing
    this.#flushing = false
    const started = this.#eventLoop.now()
    this.now = started
    this.#inTurn = true
    let done = 0
    try {
      done = this.#work.chunk(this.#slow ? 1 : CHUNK)
    } catch (error) {
      this.#later() // an application that survives what was thrown here must not find its loop asleep with an awake bell
      throw error
    } finally {
      this.#inTurn = false
    }
    const now = this.#eventLoop.now()
    this.now = now
    this.#spent = now >= this.#burstEnd
    if (done > 0) {
      this.#slow = now - started > SLOW_MS * done
      this.#lastWork = now
      if (this.#looked) this.#penalty = 0
      this.#looked = false
      this.#mayDoze = true
    }
    if (this.#work.hasWork()) {
      if (!this.#spent) {
        this.#soon()
      } else {
        this.#work.show()
        this.#later()
      }
      return
    }
    this.#work.show()
    if (this.#strategy === undefined || this.#immediate) return
    if (flushed && done === 0) return this.#later() // the code that sent goes on; it is no time to sleep
    const inTime = now - this.#lastWork < POLL_MS
    if (inTime && this.#skip === 0 && this.#work.awake() <= this.#eventLoop.cores) {
      this.#looked = true
      if (!this.#spent && (done > 0 || this.#spin())) this.#soon()
      else this.#later()
      return
    }
    if (this.#looked && !inTime) {
      this.#penalty = Math.min(MAX_PENALTY, this.#penalty * 2 || 1)
      this.#skip = this.#penalty
    } else if (this.#skip > 0) this.#skip--
    this.#looked = false
    this.#sleep(this.#strategy)
  }

  /** Looks again and again for some microseconds: a turn of the event loop takes as long. @returns whether work came */
  #spin(): boolean {
    for (let i = 0; i < SPINS; i++) if (this.#work.hasWork()) return true
    return false
  }

  #sleep(strategy: WaitStrategy): void {
    this.sleeps++
    this.#asleep = true
    this.#dozing = this.#mayDoze && this.#work.expecting()
    const goOn = strategy.sleep({
      bell: this.#bell,
      doze: this.#dozing,
      hasWork: () => this.#work.hasWork(),
      pending: () => this.#work.pending(),
      links: () => this.#work.links(),
    })
    if (goOn) {
      this.#wake()
      this.#later()
    } else if (this.#dozing) {
      if (this.#timer !== undefined) return void this.#timer.refresh()
      this.#timer = this.#eventLoop.after(DOZE_MS, this.#onDozed)
      this.#timer.unref()
    }
  }

  readonly #onDozed = (): void => {
    if (!this.#dozing || this.#stopped) return
    this.#mayDoze = false
    this.#wake()
    this.#later()
  }
}
