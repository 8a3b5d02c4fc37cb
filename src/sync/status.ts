// The words that loops share beside their rings. Two kinds of block, both plain Int32 words in shared memory:
//
//   House (one per runtime)                     Status (one per life of a loop; a new life gets a new block)
//   word  0  idleWanted somebody awaits idle    word  0  bell        AWAKE, PARKED, WAITING or DOZING
//                                               word  1  called      a message came that only its event loop can take
//   word 16  stopping   turns see it as cancel  word 16  accepted    mod 2^32: what idle detection reads
//                                               word 17  done        likewise
//                                               word 44  beat        counts how often the loop has shown its work
//                                               word 46  thread      Node's id of the thread, 0 = not begun
//                                               word 47  system      the operating system's id of it, 0 = unknown
//                                               word 48  deadlineAt  ms since the house was built, 0 = none
//                                               word 49  bytes of the agent's name; byte 200: the name, UTF-8
//                                               word 128, 129, byte 520: the same for what is slow
//                                               byte 1024… counters  doubles, written by the loop alone, see Counter
//                                               word 288 at work    whether a handler runs and has not yielded yet
//                                               word 289, 290, byte 1164: like 48, for the turn of that handler
//                                               word 370, 371, byte 1488: the same for a turn past its deadline, still at work
//                                               word 450 pulse      counts up while something is due and the event loop goes round
//                                               word 451 load       number of the order to load a module that was begun last
//                                               word 452 load beat  the beat when it was
//
// Hot words of different writers stand 64 bytes apart, so that they do not share a cache line.
import { hrtime } from '../base/real-time.js'

const IDLE_WANTED = 0
const STOPPING = 16
const HOUSE_BYTES = 128

const BELL = 0
const CALLED = 1
const ACCEPTED = 16
const DONE = 17
const BEAT = 44
const THREAD = 46
const SYSTEM_THREAD = 47
const DEADLINE_AT = 48
const AGENT_TEXT = 200
const AGENT_BYTES = 312
const SLOW_AT = 128
const SLOW_TEXT = 520
const SLOW_BYTES = 504
const COUNTERS = 1024
const AT_WORK = 288
const WORK_UNTIL = 289
const WORK_TEXT = 1_164
const OVERDUE_AT = 370
const OVERDUE_TEXT = 1_488
const PULSE = 450
const LOAD = 451
const LOAD_BEAT = 452
const STATUS_BYTES = 1_816

/** What `at work` says: no handler runs that has not yielded yet; one does, without or with a deadline. */
const YIELDED = 0
const WITHOUT = 1
const WITH = 2

/** The counters of one loop; each only ever grows, but for the gauges `queued`, `running` and `agents`. */
export const counterNames = [
  'accepted',
  'done',
  'queued',
  'running',
  'agents',
  'handled',
  'failed',
  'dropped',
  'sent',
  'published',
  'framesIn',
  'framesOut',
  'parks',
] as const
export type Counter = (typeof counterNames)[number]

/**
 * Counters of one loop, as read at one moment. `queued`, `running` and `agents` say how many there are now; the others
 * only grow. `accepted` and `done` count work as it comes and when it is over; `handled`, `failed` and `dropped` say how it
 * ended; `sent` and `published` count what left, `framesIn` and `framesOut` frames that crossed threads, `parks` how often the
 * loop went to sleep.
 * @example
 * const line = ({ loop, alive, queued, handled }: LoopStats) => `${loop}: ${alive ? handled : 'dead'}, ${queued} to go`
 * console.log(runtime.stats().loops.map(line).join('\n'))
 */
export type LoopStats = {
  /** Its index; 0 is the calling loop. */
  readonly loop: number
  /** Whether its thread is there. */
  readonly alive: boolean
} & { readonly [name in Counter]: number }

/** Milliseconds of the machine's steady clock: the same on all threads, and nobody can set it. */
export function monotonic(): number {
  const [seconds, nanoseconds] = hrtime()
  return seconds * 1_000 + Math.floor(nanoseconds / 1e6)
}

/** Words of the whole runtime. */
export class House {
  readonly memory: SharedArrayBuffer
  readonly built: number
  readonly #steady: () => number
  readonly #words: Int32Array

  /** @param steady whole milliseconds, the same for all loops */
  constructor(memory = new SharedArrayBuffer(HOUSE_BYTES), built?: number, steady = monotonic) {
    this.memory = memory
    this.built = built ?? steady()
    this.#steady = steady
    this.#words = new Int32Array(memory)
  }

  /** Milliseconds since the house was built: the one clock that all threads share. */
  now(): number {
    return this.#steady() - this.built
  }

  get idleWanted(): boolean {
    return Atomics.load(this.#words, IDLE_WANTED) === 1 // read after `done` was stored: either side sees the other
  }

  set idleWanted(wanted: boolean) {
    Atomics.store(this.#words, IDLE_WANTED, wanted ? 1 : 0) // stored before the counters are read, see above
  }

  get stopping(): boolean {
    return Atomics.load(this.#words, STOPPING) === 1 // seen by a handler that never yields
  }

  set stopping(value: boolean) {
    Atomics.store(this.#words, STOPPING, value ? 1 : 0) // no order needed beyond being seen
  }
}

/** So many UTF-16 units of a name fit the place that an agent's name has, with what stands for the rest. */
const NAME_UNITS = 96

/**
 * The name of an agent as a notice has it: itself, or, if that has no room or no UTF-8, its beginning and a number made of all of
 * it (FNV-1a, 32 bits). Who looks for an agent that a notice names compares what this returns.
 */
export function noticed(agent: string): string {
  if (Buffer.byteLength(agent) <= AGENT_BYTES && agent.isWellFormed()) return agent
  let hash = 0x811c9dc5
  for (let i = 0; i < agent.length; i++) hash = Math.imul(hash ^ agent.charCodeAt(i), 0x01000193)
  return `${agent.slice(0, NAME_UNITS).toWellFormed()}…${(hash >>> 0).toString(16)}`
}

/** A time and a text in shared memory: what is due first, and whose it is. */
export class Notice {
  readonly #words: Int32Array
  readonly #text: Uint8Array
  readonly #word: number

  /** @param word the time; the next one is the length of the text, in bytes */
  constructor(memory: SharedArrayBuffer, word: number, textAt: number, textBytes: number) {
    this.#words = new Int32Array(memory)
    this.#word = word
    this.#text = new Uint8Array(memory, textAt, textBytes)
  }

  /** @param at house time. The text is written first, then the time. */
  set(at: number, text: string): void {
    const { written } = new TextEncoder().encodeInto(text, this.#text)
    Atomics.store(this.#words, this.#word + 1, written) // after the text it measures
    Atomics.store(this.#words, this.#word, at | 0 || 1) // after the text: a reader of the time finds the text
  }

  clear(): void {
    Atomics.store(this.#words, this.#word, 0) // nothing is due; the text may stay
  }

  /** House time mod 2^32; 0: nothing is due. */
  get at(): number {
    return Atomics.load(this.#words, this.#word) // read before the text
  }

  get text(): string {
    const length = Atomics.load(this.#words, this.#word + 1) // bounds the text that is there
    return new TextDecoder().decode(this.#text.slice(0, length))
  }
}

/** Words of one life of one loop. */
export class Status {
  readonly memory: SharedArrayBuffer
  /** The word that {@link Bell} rings. */
  readonly words: Int32Array
  static readonly bell = BELL
  static readonly called = CALLED
  readonly #deadline: Notice
  readonly #work: Notice
  readonly #overdue: Notice
  /** The turn that is past its soft deadline first. */
  readonly slow: Notice
  /** As last shown. Doubles: at a million messages a second 32 bits are full in an hour. */
  readonly #counters: Float64Array

  constructor(memory = new SharedArrayBuffer(STATUS_BYTES)) {
    this.memory = memory
    this.words = new Int32Array(memory)
    this.#deadline = new Notice(memory, DEADLINE_AT, AGENT_TEXT, AGENT_BYTES)
    this.#work = new Notice(memory, WORK_UNTIL, WORK_TEXT, AGENT_BYTES)
    this.#overdue = new Notice(memory, OVERDUE_AT, OVERDUE_TEXT, AGENT_BYTES)
    this.slow = new Notice(memory, SLOW_AT, SLOW_TEXT, SLOW_BYTES)
    this.#counters = new Float64Array(memory, COUNTERS, counterNames.length)
  }

  /** Mod 2^32. */
  get accepted(): number {
    return Atomics.load(this.words, ACCEPTED) // after `done` was read: never less than what was done by then
  }

  /** What was accepted since the counters were shown last: messages that `queued` does not know yet. */
  get unshown(): number {
    const shown = this.#counters[at.accepted] as number // before the word, which is never behind
    return Math.max(0, (this.accepted - shown) | 0)
  }

  /** Mod 2^32. */
  get done(): number {
    return Atomics.load(this.words, DONE) // whatever it led to was shown before
  }

  stats(loop: number, alive: boolean): LoopStats {
    Atomics.load(this.words, DONE) // the counters are at least as new as this
    const entries = counterNames.map((name, i) => [name, this.#counters[i]])
    return { loop, alive, ...Object.fromEntries(entries) }
  }

  /** Shows `accepted` alone, before the room of frames that became messages is given back. */
  showAccepted(accepted: number): void {
    Atomics.store(this.words, ACCEPTED, accepted) // before the ring's head: work is always in one or both
  }

  /** Shows the counters, in the order of {@link counterNames}, for idle detection and for who wants to know. */
  show(values: Float64Array): void {
    const { words } = this
    // plain: nobody decides anything by these, and the two stores below show them with the rest
    for (let i = 0; i < values.length; i++) this.#counters[i] = values[i] as number
    this.#beats = (this.#beats + 1) | 0
    words[BEAT] = this.#beats
    Atomics.store(words, ACCEPTED, values[at.accepted] as number) // before `done`: who reads done first never sees more done than accepted
    Atomics.store(words, DONE, values[at.done] as number) // after all that it led to was shown
  }

  #beats = 0

  /** Changes whenever the loop comes by. */
  get beat(): number {
    return Atomics.load(this.words, BEAT) // no order needed
  }

  /** The operating system's id of the thread; 0: unknown. */
  get systemThread(): number {
    return Atomics.load(this.words, SYSTEM_THREAD) // written once, before the thread answers its first order
  }

  set systemThread(id: number) {
    Atomics.store(this.words, SYSTEM_THREAD, id) // like the id below
  }

  /** Node's id of the thread that lives this life; 0 until it began. */
  get thread(): number {
    return Atomics.load(this.words, THREAD) // written once, before the thread answers its first order
  }

  set thread(id: number) {
    Atomics.store(this.words, THREAD, id) // seen at the latest by who got an answer from that thread
  }

  /** Says that `agent` runs until `deadlineAt` (house time); 0 ends it. */
  deadline(deadlineAt: number, agent: string): void {
    if (deadlineAt === 0) this.#deadline.clear()
    else this.#deadline.set(deadlineAt, noticed(agent))
  }

  /** Code of an agent runs that may take as long as it likes. */
  enter(): void {
    this.words[AT_WORK] = WITHOUT // plain: who looks is late anyway, and a handler that never yields writes nothing behind it
  }

  /** A handler of `agent` runs that has until `deadlineAt` (house time). */
  enterUntil(deadlineAt: number, agent: string): void {
    this.#work.set(deadlineAt, noticed(agent))
    this.words[AT_WORK] = WITH // plain, see above
  }

  /** It has returned, or has come to its first `await`. */
  leave(): void {
    this.words[AT_WORK] = YIELDED // plain, see above
  }

  /**
   * What has a deadline and may be what keeps the thread from its event loop: the handler that runs and has not yielded yet; if
   * there is none, and somebody goes on behind an `await`, it is not known who: then the turn that is due first.
   */
  get due(): Notice | undefined {
    const work = Atomics.load(this.words, AT_WORK) // no order needed: it is looked at again and again
    if (work === WITHOUT) return undefined
    const due = work === WITH ? this.#work : this.#deadline
    return due.at === 0 ? undefined : due
  }

  /** A turn of `agent` is past its deadline since `at`, its caller knows, and it is at work still; 0: none is. */
  showOverdue(at: number, agent: string): void {
    if (at === 0) this.#overdue.clear()
    else this.#overdue.set(at, noticed(agent))
  }

  /** Such a turn, unless a handler runs that has not yielded yet: then that is what keeps the thread. */
  get overdue(): Notice | undefined {
    if (this.#overdue.at === 0) return undefined
    return Atomics.load(this.words, AT_WORK) === YIELDED ? this.#overdue : undefined // no order needed, see `due`
  }

  /** The event loop has come round. */
  pulse(): void {
    this.words[PULSE] = ((this.words[PULSE] as number) + 1) | 0 // plain: only that it changes matters, and it is written again
  }

  get pulses(): number {
    return Atomics.load(this.words, PULSE) // no order needed
  }

  /** The order of that number, to load a module, begins: from here on what keeps the thread may be the module. */
  beginLoad(number: number): void {
    Atomics.store(this.words, LOAD_BEAT, this.beat) // before the number: who reads that finds the beat
    Atomics.store(this.words, LOAD, number) // after its beat
  }

  /** Whether that order has begun; and whether its loop has not come by since. */
  loading(number: number): { readonly begun: boolean; readonly since: boolean } {
    const begun = ((Atomics.load(this.words, LOAD) - number) | 0) >= 0 // before the beat; orders begin in their order
    return { begun, since: begun && Atomics.load(this.words, LOAD_BEAT) === this.beat } // no order needed beyond that
  }

  get deadlineAt(): number {
    return this.#deadline.at
  }

  get deadlineAgent(): string {
    return this.#deadline.text
  }
}

/** Index of each counter. */
export const at = {
  accepted: 0,
  done: 1,
  queued: 2,
  running: 3,
  agents: 4,
  handled: 5,
  failed: 6,
  dropped: 7,
  sent: 8,
  published: 9,
  framesIn: 10,
  framesOut: 11,
  parks: 12,
} as const satisfies Record<Counter, number>
