// Plays one pair of what an agent is just doing and what happens to it, in three acts, and writes down what can be seen
// in each: 1 it has happened, with all gates as the state has them; 2 the gates are open; 3 the next message comes (and the
// agent is resumed, if it is paused still). What can be seen, as text:
//   name=outcome  a call that was settled, in the order in which the calls were made ('ok', its answer, or its error)
//   start made …  what the agent wrote down (`steps` in stage-agents.ts), in that order
//   {1+2 busy}    1 agent is there and 2 messages wait by stats(), and idle() does not resolve; only if it has changed
// Nothing is a bet on the clock: each act is looked at until it is as expected, and then it must stay so.
import type { Runtime } from 'ringreeve'
import * as s from './stage-agents.js'

const LIMIT_MS = 6_000
export const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

export type Concurrency = 'serial' | 'chain' | 'two'

/** What an outcome is called. */
function named(error: unknown): string {
  const { code, message } = error as { code?: string; message: string }
  return code?.replace('ERR_RINGREEVE_', '') ?? message
}

export class Play {
  readonly runtime: Runtime
  readonly desk = new Int32Array(new SharedArrayBuffer(4 * 128))
  readonly id: string
  readonly #type: string
  readonly #key: string
  readonly mirror: string
  /** Settled ones have an outcome. */
  readonly #calls = new Map<string, string | undefined>()
  readonly #told = new Set<string>()
  #read = 0
  #agents = 0
  #numbers = ''
  #idle = true
  /** Whether the event ends the runtime: then nothing can be sent. */
  ended = false

  constructor(runtime: Runtime, number: number, concurrency: Concurrency, brief: boolean) {
    this.runtime = runtime
    this.#type = brief ? `brief-${concurrency}` : concurrency
    this.#key = `k${2 * number}` // with two threads the mirror is on the other one
    this.mirror = `mirror/k${2 * number + 1}`
    this.id = `${this.#type}/${this.#key}`
  }

  get handle() {
    return this.runtime.handle({ type: this.#type }, this.#key)
  }

  /** What is settled later is told of in the act in which it is. */
  call(name: string, promise: Promise<unknown>): Promise<unknown> {
    this.#calls.set(name, undefined)
    const settled = promise.then(value => (value === undefined || typeof value === 'object' ? 'ok' : `${value}`), named)
    return settled.then(outcome => this.#calls.set(name, outcome))
  }

  send(
    name: string,
    message: typeof s.Add | typeof s.Look | typeof s.Hold | typeof s.Fail | typeof s.Checked,
  ): Promise<unknown> {
    return this.call(name, this.runtime.send(message, undefined, this.id))
  }

  shut(gate: number): void {
    Atomics.store(this.desk, gate, 1)
  }

  open(...gates: number[]): void {
    for (const gate of gates) Atomics.store(this.desk, gate, 0)
  }

  order(what: number): void {
    Atomics.store(this.desk, s.at.order, what)
  }

  get journal(): string[] {
    const written = Atomics.load(this.desk, s.at.written)
    return Array.from({ length: written }, (_, i) => s.steps[this.desk[s.at.journal + i] as number] as string)
  }

  /** Waits until the agent has written `step` (again: since the last act). */
  async writes(...any: s.Step[]): Promise<void> {
    const end = Date.now() + LIMIT_MS
    while (!this.journal.slice(this.#read).some(step => any.includes(step as s.Step))) {
      if (Date.now() > end) throw new Error(`${this.id} never wrote ${any.join(' or ')}: ${this.journal.join(' ')}`)
      await sleep(1)
    }
  }

  /** What was sent and ordered before has come to the agent, and has begun if it may. */
  async fence(): Promise<void> {
    if (this.ended) return sleep(3)
    const porter = `porter/${this.#key}`
    await this.runtime.get(porter, { lazy: false })
    await this.runtime.send(s.Fence, undefined, porter)
    await sleep(0)
  }

  #count(): number {
    return this.runtime.stats().loops.reduce((sum, loop) => sum + loop.agents, 0)
  }

  /** The desk is there and nothing else of this pair. */
  async begin(): Promise<void> {
    await this.runtime.send(s.Desk, { desk: this.desk, mirror: this.mirror }, `porter/${this.#key}`)
    await this.runtime.send(s.Flood, { to: '', requests: 0 }, this.mirror)
    await this.fence()
    this.#agents = this.#count()
  }

  /** What the state needed is no part of what is seen. */
  ready(since?: s.Step): void {
    this.#read = since === undefined ? this.journal.length : this.journal.indexOf(since) + 1
    for (const [name, outcome] of this.#calls) if (outcome !== undefined) this.#told.add(name)
  }

  #see(): { text: string; numbers: string } {
    const calls = [...this.#calls].filter(([name, outcome]) => outcome !== undefined && !this.#told.has(name))
    const { unprocessed } = this.runtime.stats()
    const waits = unprocessed > 0 ? `+${unprocessed}` : ''
    const numbers = `{${this.#count() - this.#agents}${waits}${this.#idle ? '' : ' busy'}}`
    const parts = [...calls.map(([name, outcome]) => `${name}=${outcome}`), ...this.journal.slice(this.#read)]
    if (numbers !== this.#numbers && !this.ended) parts.push(numbers)
    return { text: parts.join(' '), numbers }
  }

  /** One act: what is seen, once it is as one of those expected; or what is seen in the end. */
  async act(expected: readonly string[] | undefined): Promise<string> {
    await this.fence()
    this.#idle = this.ended
    if (!this.ended) {
      this.runtime.idle().then(
        () => {
          this.#idle = true
        },
        () => {},
      )
    }
    const end = Date.now() + (expected === undefined ? 500 : LIMIT_MS)
    for (;;) {
      const before = this.#see()
      const wanted = expected === undefined ? Date.now() > end : expected.includes(before.text)
      if (wanted || Date.now() > end) {
        await this.fence()
        await this.fence()
        // what is expected may be the beginning of what else is expected; no longer so when all faults are mended
        if (expected?.some(other => other !== before.text && other.startsWith(before.text))) await sleep(200)
        const { text, numbers } = this.#see()
        if ((wanted && text === before.text) || Date.now() > end) {
          this.ready()
          this.#numbers = numbers
          return text
        }
      }
      await this.fence()
      await sleep(1)
    }
  }

  /** Everything may go on; what is not wanted any more is gone. */
  async clear(): Promise<void> {
    this.open(s.at.start, s.at.turn, s.at.stop)
    if (this.ended) return
    for (const id of [this.id, `porter/${this.#key}`, this.mirror]) {
      const [type, key] = id.split('/') as [string, string]
      await this.runtime.handle({ type }, key).stop({ timeout: 1_000 })
    }
  }

  /** The next message, after which the agent goes on if it was paused until now. @returns what is seen */
  async next(expected: readonly string[] | undefined): Promise<string> {
    this.open(s.at.brief, s.at.order)
    this.send('next', s.Look)
    const waits = expected === undefined ? true : expected.some(text => text.startsWith('waits '))
    if (!waits || this.ended) return this.act(expected)
    await this.fence()
    await this.fence()
    const still = this.#calls.get('next') === undefined && this.journal.length === this.#read
    if (still) await this.handle.resume()
    const seen = await this.act(expected?.map(text => text.replace(/^waits /, '')))
    return still ? `waits ${seen}` : seen
  }
}

/** What the agent is doing. */
export interface State {
  /** Of its type, unless the event has its own wish. */
  readonly concurrency?: Concurrency
  /** Whether it is of a type that is unloaded. */
  readonly brief?: true
  /** What stands before a gate, and can be told what to do. */
  readonly held?: true
  /** After which step the journal is of interest. Default: after all there are. */
  readonly since?: s.Step
  readonly begin: (play: Play) => Promise<void>
}

/** What happens to it. */
export interface Event {
  readonly concurrency?: Concurrency
  readonly brief?: true
  /** Whether the runtime ends with it, or is of no use behind it. */
  readonly ends?: true
  readonly happen: (play: Play, state: State) => Promise<void>
}

/** Plays what happens to an agent. @param expected what may be seen; undefined: whatever is. @returns what was seen */
export async function playOut(
  one: Play,
  state: State,
  event: Event,
  expected: readonly string[] | undefined,
): Promise<string> {
  const seen: string[] = []
  /** What is expected of the next act, by those that were right until now. */
  const left = (): string[] | undefined =>
    expected
      ?.map(text => text.split(' → '))
      .filter(acts => seen.every((text, i) => text === acts[i]))
      .map(acts => acts[seen.length] ?? '')
  if (event.brief && !state.brief) one.shut(s.at.brief)
  try {
    await one.begin()
    await state.begin(one)
    one.ready(state.since)
    await event.happen(one, state)
    seen.push(await one.act(left()))
    one.open(s.at.start, s.at.turn, s.at.stop)
    seen.push(await one.act(left()))
    seen.push(await one.next(left()))
    return seen.join(' → ')
  } finally {
    await one.clear()
  }
}
