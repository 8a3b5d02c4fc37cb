// How a loop without work waits for some. What it keeps: a loop that sleeps has armed its bell and looked once more after
// that; and one that is awake has disarmed it.
//
//   stage     means                                               goes to
//   awake     there is work, or nobody has looked for any yet     looking, dozing, asleep
//   looking   it looks for work since it last had some            awake, dozing, asleep
//   dozing    it sleeps, and looks again by itself in a while     awake, asleep
//   asleep    it sleeps until a doorbell                          awake, dozing
//
// A loop that is resumed while it sleeps has a turn, and sleeps on if there is nothing to do.
//
// A loop with nothing to do keeps looking for 200 µs (a wake costs more than that is worth), some microseconds of it before
// each turn of the event loop, unless more loops are awake than the machine has cores; then it sleeps until a doorbell.
// Looking that was in vain is paid for: the next 1, 2, 4, … 64 times the loop sleeps at once. Where other processes want the
// cores, or messages are rare, looking only keeps a core from whoever would have sent something; the first time that it
// finds work it is trusted again.
//
// A loop that waits for answers dozes before it sleeps: it looks again after a millisecond, and a loop that answers and
// has more to do need not ring. A doorbell costs both of them 10 to 25 µs, which one answer of 100 µs of work is not worth.
import type { Bell } from '../../sync/bell.js'
import type { Sleeper, WaitStrategy } from '../../transport/wait.js'
import type { EventLoop, Timeout } from './event-loop.js'

const POLL_MS = 0.2
const MAX_PENALTY = 64
/** Looks of one spin; about 10 µs. */
const SPINS = 256
const DOZE_MS = 1

const order = ['awake', 'looking', 'dozing', 'asleep'] as const
/** A stage of a loop's rest. */
export type RestStage = (typeof order)[number]

/** What each stage may go to. */
export const restStages: Readonly<Record<RestStage, readonly RestStage[]>> = {
  awake: ['looking', 'dozing', 'asleep'],
  looking: ['awake', 'dozing', 'asleep'],
  dozing: ['awake', 'asleep'],
  asleep: ['awake', 'dozing'],
}

const AWAKE = 0
const LOOKING = 1
const DOZING = 2
const ASLEEP = 3
type Stage = typeof AWAKE | typeof LOOKING | typeof DOZING | typeof ASLEEP
/** By stage: one bit for each that it may go to. */
const next = order.map(stage => restStages[stage].reduce((bits, one) => bits | (1 << order.indexOf(one)), 0))

/** The work of a loop, as its rest sees it. */
export interface Awaited {
  /** Whether there is anything to do. */
  hasWork(): boolean
  /** Loops of the runtime that are awake now, this one included. */
  awake(): number
  /** Whether it waits for answers of other loops. */
  expecting(): boolean
  /** Whether turns are at work: they go on by themselves. */
  pending(): boolean
  /** Links to other loops. */
  links(): number
}

/** The rest of one loop that others can wake. */
export class Rest implements Sleeper {
  readonly bell: Bell
  readonly #strategy: WaitStrategy
  readonly #eventLoop: EventLoop
  readonly #onWoken: () => void
  #work: Awaited | undefined
  #stage: Stage = AWAKE
  #lastWork = 0
  /** Whether there was work since it last dozed in vain. */
  #mayDoze = false
  #timer: Timeout | undefined
  #penalty = 0
  /** How often it will sleep at once. */
  #skip = 0

  /** @param onWoken it has woken by itself, and is to look for work */
  constructor(bell: Bell, strategy: WaitStrategy, eventLoop: EventLoop, onWoken: () => void) {
    this.bell = bell
    this.#strategy = strategy
    this.#eventLoop = eventLoop
    this.#onWoken = onWoken
  }

  /** Says what the work is. */
  serve(work: Awaited): void {
    this.#work = work
  }

  get stage(): RestStage {
    return order[this.#stage] as RestStage
  }

  protected to(stage: Stage): void {
    if (((next[this.#stage] as number) & (1 << stage)) === 0)
      throw new Error(`a loop that is ${this.stage} cannot become ${order[stage]}`)
    this.#stage = stage
  }

  /** There was work. */
  worked(now: number): void {
    this.#lastWork = now
    this.#mayDoze = true
    if (this.#stage === LOOKING) {
      this.#penalty = 0
      this.to(AWAKE)
    } else this.wake()
  }

  /** There is nothing to do. @returns whether to look again for some; else it is to sleep */
  looks(now: number): boolean {
    const inTime = now - this.#lastWork < POLL_MS
    if (inTime && this.#skip === 0 && (this.#work as Awaited).awake() <= this.#eventLoop.cores) {
      this.wake()
      if (this.#stage === AWAKE) this.to(LOOKING)
      return true
    }
    if (this.#stage === LOOKING && !inTime) {
      this.#penalty = Math.min(MAX_PENALTY, this.#penalty * 2 || 1)
      this.#skip = this.#penalty
    } else if (this.#skip > 0) this.#skip--
    return false
  }

  /** Looks again and again for some microseconds: a turn of the event loop takes as long. @returns whether work came */
  finds(): boolean {
    const work = this.#work as Awaited
    for (let i = 0; i < SPINS; i++) if (work.hasWork()) return true
    return false
  }

  /** @returns true to look for work at once, awake; false when it sleeps */
  sleep(): boolean {
    const dozes = this.#mayDoze && (this.#work as Awaited).expecting()
    const stage = dozes ? DOZING : ASLEEP
    if (this.#stage !== stage) this.to(stage)
    if (this.#strategy.sleep(this)) {
      this.wake()
      return true
    }
    if (this.#stage !== DOZING) return false // it may have been woken meanwhile, by who looked for work
    if (this.#timer !== undefined) this.#timer.refresh()
    else {
      this.#timer = this.#eventLoop.after(DOZE_MS, this.#onDozed)
      this.#timer.unref()
    }
    return false
  }

  /** It sleeps no more, if it did. */
  wake(): void {
    if (this.#stage < DOZING) return
    this.to(AWAKE)
    this.bell.disarm()
  }

  /** For good. */
  end(): void {
    this.#timer?.close()
    this.wake()
  }

  readonly #onDozed = (): void => {
    if (this.#stage !== DOZING) return
    this.#mayDoze = false
    this.wake()
    this.#onWoken()
  }

  // ---- for its strategy -------------------------------------------------------------------------------------------

  get doze(): boolean {
    return this.#stage === DOZING
  }

  hasWork(): boolean {
    return (this.#work as Awaited).hasWork()
  }

  pending(): boolean {
    return (this.#work as Awaited).pending()
  }

  links(): number {
    return (this.#work as Awaited).links()
  }
}
