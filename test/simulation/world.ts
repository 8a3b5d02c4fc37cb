// The simulated machine: threads, ports and a clock that all live on one real thread. What it keeps: one event of one
// thread at a time, chosen by the seed, with its microtasks; nothing goes on that the seed did not choose, so a seed is
// one run. Between two steps of shared memory (every Atomics call is one) another thread may be let in, or the thread
// may end: whatever it would have written to shared memory or to a port after that moment is taken back.
import type { MessagePort } from 'node:worker_threads'
import type { EventLoop, Timeout } from '#ringreeve/loop/base/event-loop.js'
import { random } from '../transport/frames.js'
import { Moments } from './moments.js'
import { SimPort } from './ports.js'

/** Something that a thread is going to do. */
export interface Happening {
  readonly what: string
  readonly at: number
  readonly run: () => void
}

interface Timer extends Timeout {
  at: number
  readonly order: number
  readonly work: () => void
  set: boolean
  weak: boolean
}

/** How fast things go in one world; all from its seed. */
interface Pace {
  readonly cores: number
  /** Milliseconds that an event takes, at most. */
  readonly step: number
  /** Milliseconds that pass each time somebody looks at the clock. */
  readonly look: number
  /** Milliseconds that a message of a port is on its way, at most. */
  readonly port: number
  /** Of how many steps one is interrupted by other threads. */
  readonly rudeness: number
}

/** One thread: an event loop whose turns the world gives. */
export class SimThread implements EventLoop {
  readonly name: string
  readonly cores: number
  /** It ended: nothing of it happens any more. */
  over = false
  /** It is inside of something that never returns. */
  stuck = false
  /** How often it is chosen, against others. */
  readonly weight: number
  /** The step in which it had its last event: its microtasks are not through before the next. */
  step = -1
  readonly ports: SimPort[] = []
  readonly #world: World
  #immediates: (() => void)[] = []
  #timers: Timer[] = []

  constructor(world: World, name: string, weight: number) {
    this.#world = world
    this.name = name
    this.cores = world.pace.cores
    this.weight = weight
  }

  now(): number {
    return this.#world.look()
  }

  readonly soon = (work: () => void): void => {
    queueMicrotask(() => {
      if (!this.over) this.#world.inside(this, work)
    })
  }

  readonly later = (work: () => void): void => {
    if (!this.over) this.#immediates.push(work)
  }

  after(ms: number, work: () => void): Timeout {
    const set = (): void => {
      timer.at = this.#world.now + Math.max(ms, 1)
      if (!timer.set && !this.over) this.#timers.push(timer)
      timer.set = true
    }
    const timer: Timer = {
      at: 0,
      order: this.#world.count(),
      work,
      set: false,
      weak: false,
      refresh: set,
      unref: () => {
        timer.weak = true
      },
      close: () => {
        timer.set = false
        this.#timers = this.#timers.filter(one => one !== timer)
      },
    }
    set()
    return timer
  }

  readonly receive = (port: MessagePort): { readonly message: unknown } | undefined =>
    (port as unknown as SimPort).receive()

  /** Timers that would keep a process alive. */
  get strongTimers(): number {
    return this.#timers.filter(timer => !timer.weak).length
  }

  /** What it may do now: the next immediate, the timer that is due first, a message of each port. */
  ready(now: number): Happening[] {
    if (this.over || this.stuck) return []
    const all: Happening[] = []
    const immediate = this.#immediates[0]
    if (immediate !== undefined) all.push({ what: 'turn', at: now, run: () => this.#immediates.shift()?.() })
    const timer = this.#first()
    if (timer !== undefined && timer.at <= now) all.push({ what: 'timer', at: now, run: () => this.#fire(timer) })
    for (const port of this.ports) {
      if (port.due <= now) all.push({ what: port.name, at: now, run: () => port.deliver() })
    }
    return all
  }

  /** When it has something to do next. */
  next(): number {
    if (this.over || this.stuck) return Number.POSITIVE_INFINITY
    return Math.min(this.#first()?.at ?? Number.POSITIVE_INFINITY, ...this.ports.map(port => port.due))
  }

  /** Nothing of it happens from now on, not even the rest of what it is doing. */
  die(): void {
    if (this.over) return
    this.over = true
    this.#immediates = []
    this.#timers = []
    this.#world.moments.died(this)
    for (const port of [...this.ports]) port.close()
  }

  #first(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
        first = timer
    }
    return first
  }

  #fire(timer: Timer): void {
    timer.close()
    timer.work()
  }
}

/** All of it. */
export class World {
  now = 1_000
  /** Events so far, those that interrupted others included. */
  steps = 0
  readonly seed: number
  readonly below: (limit: number) => number
  readonly pace: Pace
  readonly moments: Moments
  /** The calling thread. */
  readonly host: SimThread
  /** What ends threads from outside. */
  readonly system: SimThread
  /** Told of everything that happens, when somebody wants to read it. */
  tell: ((line: string) => void) | undefined
  /** What a thread threw out of an event. */
  failure: { readonly thread: string; readonly error: unknown } | undefined
  #threads: SimThread[] = []
  #hash = 0x811c9dc5
  #counted = 0

  /** @param polite no thread is interrupted: every step of shared memory is one of the thread whose turn it is */
  constructor(seed: number, polite = false) {
    this.seed = seed
    this.below = random(seed)
    const pick = <T>(all: readonly T[]): T => all[this.below(all.length)] as T
    this.pace = {
      cores: pick([1, 2, 4]),
      step: pick([0.02, 0.1, 0.5]),
      look: pick([0, 0.001, 0.03]),
      port: pick([0, 0.1, 2]),
      rudeness: polite ? 0 : pick([0, 1, 2, 8]),
    }
    this.moments = new Moments(this)
    this.host = this.thread('host')
    this.system = this.thread('system')
  }

  thread(name: string): SimThread {
    const thread = new SimThread(this, name, [1, 4, 16][this.below(3)] as number)
    this.#threads.push(thread)
    return thread
  }

  count(): number {
    return ++this.#counted
  }

  /** The time, for somebody who looks at the clock. */
  look(): number {
    this.now += this.pace.look
    return this.now
  }

  /** From 0 to 1, without 1. */
  readonly chance = (): number => this.below(2 ** 30) / 2 ** 30

  /** What happened, as a number: the same for two runs of one seed. */
  get hash(): number {
    return this.#hash >>> 0
  }

  /** Ports that nobody closed. */
  get openPorts(): number {
    return this.#threads.reduce((sum, thread) => sum + thread.ports.length, 0)
  }

  channel(): { port1: SimPort; port2: SimPort } {
    const [port1, port2] = [new SimPort(this, 'port'), new SimPort(this, 'port')]
    port1.join(port2)
    port1.moveTo(this.host)
    port2.moveTo(this.host)
    return { port1, port2 }
  }

  /** Notes that something happened. */
  note(line: string): void {
    for (let i = 0; i < line.length; i++) this.#hash = Math.imul(this.#hash ^ line.charCodeAt(i), 0x01000193)
    this.#hash = Math.imul(this.#hash ^ Math.round(this.now * 1e6), 0x01000193)
    this.tell?.(`${this.now.toFixed(3).padStart(10)}  ${line}`)
  }

  /** Runs code of a thread. */
  inside(thread: SimThread, work: () => void): void {
    const before = this.moments.enter(thread)
    try {
      work()
    } catch (error) {
      this.failure ??= { thread: thread.name, error }
    } finally {
      this.moments.leave(before)
    }
  }

  /**
   * Lets a thread have one event, if any has one now.
   * @param but while others are at work: the step, and threads that had an event in it are not through with that. Nobody
   *   is ended then either
   */
  event(but?: number): SimThread | undefined {
    const may = (thread: SimThread): boolean => but === undefined || (thread.step !== but && thread !== this.system)
    const able = this.#threads.filter(thread => may(thread) && thread.ready(this.now).length > 0)
    if (able.length === 0) return undefined
    let at = this.below(able.reduce((sum, thread) => sum + thread.weight, 0))
    const thread = able.find(({ weight }) => {
      at -= weight
      return at < 0
    }) as SimThread
    const happenings = thread.ready(this.now)
    const happening = happenings[this.below(happenings.length)] as Happening
    thread.step = this.steps
    this.note(`${thread.name}: ${happening.what}`)
    this.inside(thread, happening.run)
    return thread
  }

  /** Goes on until `done`. @returns false when nothing can happen any more, or it takes too long */
  async run(done: () => boolean, untilTime: number, mostSteps: number): Promise<boolean> {
    while (!done()) {
      if (this.failure !== undefined)
        throw new Error(`thread ${this.failure.thread} threw`, { cause: this.failure.error })
      if (this.now > untilTime || this.steps > mostSteps) return false
      this.steps++
      this.#threads = this.#threads.filter(thread => !thread.over)
      this.moments.begin()
      if (this.event() === undefined) {
        const next = Math.min(...this.#threads.map(thread => thread.next()))
        if (next === Number.POSITIVE_INFINITY) return false
        this.now = Math.max(this.now, next)
      } else {
        await new Promise(setImmediate) // all microtasks
        this.now += this.chance() * this.pace.step
      }
      this.moments.end()
    }
    return true
  }
}
