// When a loop works, and when it sleeps. What it keeps: the event loop it shares gets its turn at least every 200 µs
// of work (plus one handler; see burst.ts); work that has begun is shown before the loop pauses; a loop that sleeps has
// armed its bell and looked once more (see rest.ts).
//
// Work goes in chunks: take a few frames, run a few messages, then let microtasks run (the answers and continuations
// that the chunk set free). What stands here is what is queued for the next chunk:
//
//   stage     means                                                          goes to
//   paused    it does nothing yet                                            idle, stopped
//   idle      nothing is queued                                              due, frames, work, turn, stopped
//   due       frames are there, and the event loop has its turn first        idle, frames, work, turn, stopped
//   frames    a microtask is queued for frames, and one more came since      still, work, turn, stopped
//   still     a microtask is queued for frames, and none came since          frames, work, turn, stopped
//   work      a microtask is queued                                          turn, stopped
//   turn      a chunk is at work                                             idle, stopped
//   stopped   it does nothing any more                                       –
//
// Frames wait for more of them, up to 64 microtasks as long as each brings one: a loop of awaited sends is shown in batches.
import { queueMicrotask } from '../../base/real-time.js'
import type { Bell } from '../../sync/bell.js'
import type { WaitStrategy } from '../../transport/wait.js'
import { Burst } from './burst.js'
import { type EventLoop, inNoContext } from './event-loop.js'
import { type Awaited, Rest } from './rest.js'

/** Messages run in one chunk, unless they took longer than `SLOW_MS` each the last time; then one. */
const CHUNK = 16
const SLOW_MS = 0.02
/** Microtasks that frames wait for more frames, while each of them brings one. */
const HOPS = 64

const order = ['paused', 'idle', 'due', 'frames', 'still', 'work', 'turn', 'stopped'] as const
/** A stage of a scheduler. */
export type SchedulerStage = (typeof order)[number]

/** What each stage may go to. */
export const schedulerStages: Readonly<Record<SchedulerStage, readonly SchedulerStage[]>> = {
  paused: ['idle', 'stopped'],
  idle: ['due', 'frames', 'work', 'turn', 'stopped'],
  due: ['idle', 'frames', 'work', 'turn', 'stopped'],
  frames: ['still', 'work', 'turn', 'stopped'],
  still: ['frames', 'work', 'turn', 'stopped'],
  work: ['turn', 'stopped'],
  turn: ['idle', 'stopped'],
  stopped: [],
}

const PAUSED = 0
const IDLE = 1
const DUE = 2
const FRAMES = 3
const STILL = 4
const WORK = 5
const TURN = 6
const STOPPED = 7
type Queued = typeof FRAMES | typeof WORK
type Unqueued = typeof IDLE | typeof DUE
type Stage = typeof PAUSED | Unqueued | Queued | typeof STILL | typeof TURN | typeof STOPPED
/** By stage: one bit for each that it may go to. */
const next = order.map(stage => schedulerStages[stage].reduce((bits, one) => bits | (1 << order.indexOf(one)), 0))

/** The work of a loop, as the scheduler sees it. */
export interface Workload extends Awaited {
  /** Does a chunk of at most so many messages. @returns how many ran, one more if frames came; 0: there was nothing to do */
  chunk(most: number): number
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
  readonly #eventLoop: EventLoop
  readonly #burst: Burst
  /** Of a loop that has links. */
  readonly #rest: Rest | undefined
  #work: Workload = NOTHING
  #stage: Stage
  #hops = 0
  #slow = false
  /** When a turn last began or ended. */
  now = 0
  /** Times the loop went to sleep. */
  sleeps = 0

  /** @param strategy undefined for a loop without links: nobody rings it, it simply rests */
  constructor(bell: Bell, strategy: WaitStrategy | undefined, paused: boolean, eventLoop: EventLoop) {
    const burst = new Burst(eventLoop, this.#onTurn)
    this.#eventLoop = eventLoop
    this.#burst = burst
    this.#stage = paused ? PAUSED : IDLE
    if (strategy !== undefined) this.#rest = new Rest(bell, strategy, eventLoop, () => burst.later())
    this.serve(NOTHING)
  }

  /** Says what the work is. Once, before there is any. */
  serve(work: Workload): void {
    this.#work = work
    this.#rest?.serve(work)
  }

  get stage(): SchedulerStage {
    return order[this.#stage] as SchedulerStage
  }

  protected to(stage: Stage): void {
    if (((next[this.#stage] as number) & (1 << stage)) === 0)
      throw new Error(`a scheduler that is ${this.stage} cannot become ${order[stage]}`)
    this.#stage = stage
  }

  /** There is work: begin with it after the code that is running now. */
  request(): void {
    if (this.#stage >= WORK || this.#stage === PAUSED) return
    if (this.#stage >= FRAMES) this.to(WORK)
    else this.#begin(WORK, IDLE)
  }

  /**
   * Frames were written and are to be shown. They wait as long as the code that runs now writes one more in each
   * microtask, so that a loop of awaited sends shows them in batches.
   */
  flush(): void {
    if (this.#stage >= WORK || this.#stage === FRAMES || this.#stage === PAUSED) return
    if (this.#stage === STILL) return this.to(FRAMES)
    this.#hops = HOPS
    this.#begin(FRAMES, DUE)
  }

  /** @param late the stage if the event loop has its turn first */
  #begin(soon: Queued, late: Unqueued): void {
    this.#rest?.wake()
    if (this.#burst.begin(this.#eventLoop.now())) this.#soon(soon)
    else if (this.#stage !== late) this.to(late)
  }

  /**
   * For code that sends in a loop: undefined while the burst lasts, then a promise for the next turn of the event loop.
   * A loop of awaited promises would else keep the event loop, and what came in for it, waiting for ever.
   */
  breathe(): Promise<void> | undefined {
    return this.#burst.breathe()
  }

  /** A doorbell message came. */
  rung(): void {
    if (this.#stage === STOPPED) return
    this.#rest?.wake()
    this.#burst.later()
  }

  /** Whether it does work when there is some. */
  get running(): boolean {
    return this.#stage !== PAUSED && this.#stage !== STOPPED
  }

  resume(): void {
    if (this.#stage === PAUSED) this.to(IDLE)
    this.#burst.later()
  }

  end(): void {
    if (this.#stage !== STOPPED) this.to(STOPPED)
    this.#rest?.end()
  }

  #soon(stage: Queued): void {
    this.to(stage)
    this.#eventLoop.soon(this.#onMicrotask)
  }

  readonly #onMicrotask = inNoContext(() => {
    if (this.#stage === STOPPED) return
    if (this.#stage === FRAMES && --this.#hops > 0) {
      this.to(STILL)
      this.#eventLoop.soon(this.#onMicrotask)
      return
    }
    try {
      this.#turn(this.#stage !== WORK)
    } catch (error) {
      queueMicrotask(() => {
        throw error // uncaught, and no rejection
      })
    }
  })

  readonly #onTurn = inNoContext(() => {
    this.#burst.turned(this.#stage !== STOPPED)
    if (this.#stage === PAUSED) this.#work.show()
    else if (this.#stage <= DUE) this.#turn(this.#stage === DUE) // else a microtask is queued, which has its turn now
  })

  /** @param flushed whether it is for frames alone */
  #turn(flushed: boolean): void {
    const started = this.#eventLoop.now()
    this.now = started
    this.to(TURN)
    let done = 0
    try {
      done = this.#work.chunk(this.#slow ? 1 : CHUNK)
    } catch (error) {
      this.#burst.later() // an application that survives what was thrown here must not find its loop asleep with an awake bell
      throw error
    } finally {
      if (this.#stage === TURN) this.to(IDLE)
    }
    const now = this.#eventLoop.now()
    this.now = now
    const spent = this.#burst.spent(now)
    if (done > 0) {
      this.#slow = now - started > SLOW_MS * done
      this.#rest?.worked(now)
    }
    if (this.#work.hasWork()) {
      if (!spent) return this.#again()
      this.#work.show()
      return this.#burst.later()
    }
    this.#work.show()
    const rest = this.#rest
    if (rest === undefined || this.#burst.ending) return
    if (flushed && done === 0) return this.#burst.later() // the code that sent goes on; it is no time to sleep
    if (rest.looks(now)) {
      if (!spent && (done > 0 || rest.finds())) this.#again()
      else this.#burst.later()
      return
    }
    this.sleeps++
    if (rest.sleep()) this.#burst.later()
  }

  /** The next chunk runs after the microtasks that this one set free, unless it is the last. */
  #again(): void {
    if (this.#stage === IDLE) this.#soon(WORK)
  }
}
