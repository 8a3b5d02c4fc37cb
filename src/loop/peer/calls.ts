// Calls that wait for an answer. Each settles exactly once. A call to another loop holds a slot until that loop has
// answered, even when its caller gave up before: only then can the slot's number mean another call.
import { CancelledError, OverloadedError, type RingreeveError, textOf } from '../../agent/errors.js'
import type { RequestType } from '../../agent/message.js'
import { MAX_CALLS } from '../../sync/cancel.js'
import type { Cancellation } from '../base/cancellation.js'
import type { Message, Reply } from '../base/message.js'
import { joinSite, type Site } from '../base/sites.js'

/** What a call needs of the loop it was made on. */
export interface CallHost {
  /** Turns at work. */
  readonly turns: number
  /** Which life of the loop. */
  readonly life: number
  /** What it knows of who hears what. */
  readonly routes: { readonly version: number }
  /** A call that the application awaits began (+1) or ended (-1). */
  countCall(by: 1 | -1): void
  /** Whether an agent lives on that loop. */
  livesOn(agent: string, loop: number): boolean
  /** Tells the loop that works on a call that its caller gave up. */
  giveUp(call: Call): void
}

/** A request, from the moment it was sent until it is settled. */
export class Call implements Reply, Waiter {
  readonly promise: Promise<unknown>
  readonly message: RequestType
  readonly recipient: string
  /** The loop that answers, with its life; undefined while on the caller's own loop. */
  peer: number | undefined
  life = 0
  /** Ring position behind its frame; undefined until the frame was written. */
  position: number | undefined
  slot = -1
  generation = 0
  settled = false
  readonly #host: CallHost
  readonly #site: Site | undefined
  #resolve!: (value: unknown) => void
  #reject!: (error: unknown) => void
  #detach: (() => void) | undefined

  constructor(host: CallHost, message: RequestType, recipient: string, site: Site | undefined) {
    this.#host = host
    this.message = message
    this.recipient = recipient
    this.#site = site
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    host.countCall(1)
  }

  /** Rejects with CancelledError as soon as `cancellation` asks for it. */
  cancelWith(cancellation: Cancellation | undefined): void {
    if (cancellation === undefined) return
    const detach = cancellation.onCancel(reason => {
      if (this.settled) return
      this.#host.giveUp(this)
      this.reject(cancelled(this.recipient, this.message.name, reason))
    })
    this.#detach = () => {
      detach()
      cancellation.release()
    }
    if (this.settled) this.#detach()
  }

  answer(_message: Message | undefined, value: unknown): void {
    if (!this.#settle()) return
    this.#resolve(value)
  }

  fail(_message: Message | undefined, error: unknown): void {
    this.reject(error)
  }

  get agent(): string {
    return this.recipient
  }

  get name(): string {
    return this.message.name
  }

  reject(error: unknown): void {
    if (!this.#settle()) return
    this.#reject(joinSite(error, `send '${this.message.name}' to ${this.recipient}`, this.#site))
  }

  #settle(): boolean {
    if (this.settled) return false
    this.settled = true
    this.#detach?.()
    this.#host.countCall(-1)
    return true
  }
}

/** The error of a call that its caller gave up. */
export function cancelled(agent: string, message: string, reason: unknown): RingreeveError {
  const why = textOf(reason)
  return new CancelledError(`'${message}' for ${agent} was cancelled: ${why}`, { agent, message, cause: reason })
}

/** Something that waits in the table for frames of another loop. */
export interface Waiter {
  /** Who is asked, and for what: for the error when nobody answers. */
  readonly agent: string
  readonly name: string
  peer: number | undefined
  life: number
  /** Ring position behind its frame; undefined until the frame was written. */
  position: number | undefined
  slot: number
  generation: number
  reject(error: unknown): void
}

/** Waits until every handler of one event is done, here and on other loops. */
export class Gather implements Reply {
  readonly promise: Promise<void>
  readonly #host: CallHost
  readonly name: string
  readonly #errors: Error[] = []
  readonly #reasons: string[] = []
  #agents = 0
  #open = 1
  #resolve!: () => void
  #reject!: (error: unknown) => void

  constructor(host: CallHost, name: string) {
    this.#host = host
    this.name = name
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    host.countCall(1)
  }

  /** One more outcome to wait for. */
  expect(agents = 1): void {
    this.#open++
    this.#agents += agents
  }

  /** Takes back an {@link expect}: others are expected in its place. */
  withdraw(agents: number): void {
    this.#open--
    this.#agents -= agents
  }

  answer(): void {
    this.#close()
  }

  fail(message: Message, error: unknown): void {
    this.add(message.recipient.toString(), error)
    this.#close()
  }

  /** An error of one agent. */
  add(agent: string, error: unknown): void {
    const named = error instanceof Error ? error : new Error(textOf(error), { cause: error })
    if (!('agent' in named) && Object.isExtensible(named))
      Object.defineProperty(named, 'agent', { value: agent, configurable: true })
    this.#errors.push(named)
    this.#reasons.push(`${(named as { agent?: string }).agent ?? agent}: ${named.message}`)
  }

  /** One outcome is there, or (once, at the end of the publish) all are asked for. */
  #close(): void {
    if (--this.#open > 0) return
    this.#host.countCall(-1)
    if (this.#errors.length === 0) return this.#resolve()
    const text = `${this.#errors.length} of ${this.#agents} handlers of '${this.name}' failed: ${this.#reasons.join('; ')}`
    this.#reject(new AggregateError(this.#errors, text))
  }

  /** All recipients have been asked. */
  complete(): Promise<void> {
    this.#close()
    return this.promise
  }
}

/** The part of a {@link Gather} that another loop works on. */
export class GatherPart implements Waiter {
  readonly gather: Gather
  readonly agent: string
  readonly #agents: number
  #open = true
  peer: number | undefined
  life = 0
  position: number | undefined
  slot = -1
  generation = 0

  constructor(gather: Gather, agents: readonly string[]) {
    this.gather = gather
    this.agent = agents.join(', ')
    this.#agents = agents.length
    gather.expect(agents.length)
  }

  /** Nobody is asked for it: its agents have each got a part of their own. */
  withdraw(): void {
    this.#open = false
    this.gather.withdraw(this.#agents)
  }

  handled(failures: readonly { readonly agent: string; readonly error: unknown }[]): void {
    if (!this.#open) return
    this.#open = false
    for (const { agent, error } of failures) this.gather.add(agent, error)
    this.gather.answer()
  }

  get name(): string {
    return this.gather.name
  }

  /** Whether its outcome is known; then it need not be sent. */
  get settled(): boolean {
    return !this.#open
  }

  reject(error: unknown): void {
    this.handled([{ agent: this.agent, error }])
  }
}

/** The waiters of one loop, by slot. */
export class CallTable<W extends Waiter> {
  readonly #entries: (W | undefined)[] = []
  readonly #generations: number[] = []
  readonly #free: number[] = []

  /** Gives a waiter its slot. @throws OverloadedError when all are taken */
  add(waiter: W): void {
    let slot = this.#free.pop()
    if (slot === undefined) {
      slot = this.#entries.length
      if (slot >= MAX_CALLS) {
        throw new OverloadedError(`${MAX_CALLS} calls are in flight from one loop; await some before sending more`)
      }
      this.#entries.push(undefined)
      this.#generations.push(0)
    }
    const generation = ((this.#generations[slot] as number) + 1) | 0 || 1 // 0 is what a flag says that was never raised
    this.#generations[slot] = generation
    this.#entries[slot] = waiter
    waiter.slot = slot
    waiter.generation = generation
  }

  /** Whether anybody waits. */
  get empty(): boolean {
    return this.#free.length === this.#entries.length
  }

  /** Whether the waiter still waits; else its slot may be another's. */
  has(waiter: W): boolean {
    return this.#entries[waiter.slot] === waiter
  }

  /** Takes the waiter out, so that its slot can serve another. Undefined if the frame is for one that is gone. */
  take(slot: number, generation: number): W | undefined {
    const waiter = this.#entries[slot]
    if (waiter === undefined || waiter.generation !== generation) return undefined
    this.#entries[slot] = undefined
    this.#free.push(slot)
    return waiter
  }

  /** Some that wait for a loop. */
  of(peer: number, most: number): W[] {
    return (this.#entries.filter(waiter => waiter?.peer === peer) as W[]).slice(0, most)
  }

  /** Takes out all that wait for one life of a loop. */
  takeAll(peer: number, life: number): W[] {
    const all = this.#entries.filter(waiter => waiter?.peer === peer && waiter.life === life) as W[]
    for (const waiter of all) this.take(waiter.slot, waiter.generation)
    return all
  }

  /** Takes out everything. */
  clear(): W[] {
    const all = this.#entries.filter(waiter => waiter !== undefined) as W[]
    for (const waiter of all) this.take(waiter.slot, waiter.generation)
    return all
  }
}
