// The books of one run: every message with its number, who was to get it, which handlers it came to, and what its sender
// was told. What they hold the runtime to: each send settles, once; what was answered was done once; what failed with
// `maybeExecuted: false` was not done; nothing is done twice that may not be; each pair keeps its order; what was
// accepted and never came was on its way to or from a thread that ended.
import { OverloadedError, RingreeveError, ThreadLostError } from 'ringreeve'
import { codeOf, type SimLife, type SimMachine } from './executor.js'
import type { World } from './world.js'

/** A message. */
export interface Entry {
  readonly n: number
  readonly what: string
  readonly sender: string
  /** The life that its sender lived, if that was on a thread. */
  readonly life: SimLife | undefined
  readonly recipients: readonly string[]
  /** Those of them that it has to come to. */
  readonly must: readonly string[]
  readonly idempotent: boolean
  /** Whether its sender is told how it ended. */
  readonly waited: boolean
  /** Whether `idle()` may overlook it: it comes from a background loop. */
  readonly loose: boolean
  readonly sentAt: number
  readonly handled: string[]
  outcome: { readonly error?: unknown } | undefined
  /** A state was loaded since it was done, which need not know of it. */
  forgotten: boolean
}

/** How to enter a message. */
export interface Sending {
  readonly what: string
  readonly sender?: string
  readonly life?: SimLife | undefined
  readonly recipients: readonly string[]
  /** Default: all of them. */
  readonly must?: readonly string[]
  readonly idempotent?: boolean
  readonly waited?: boolean
  readonly loose?: boolean
  /** Codes of the errors that may be its outcome beside those of threads that end. */
  readonly may?: readonly string[]
}

/** Agents whose mailbox drops messages. */
const DROPPING = 'reader'
const ALWAYS = ['THREAD_LOST', 'OVERLOADED']

/** The books. */
export class Books {
  readonly entries: Entry[] = []
  /** Error codes that any send may get in this run. */
  readonly may: string[] = []
  readonly wrong: string[] = []
  /** Told when a handler begins. */
  onHandled: ((entry: Entry, recipient: string) => void) | undefined
  readonly #world: World
  readonly #last = new Map<string, number>()
  readonly #started = new Map<string, { readonly life: SimLife | undefined; starts: number; stops: number }>()

  constructor(world: World) {
    this.#world = world
  }

  /** Enters a message, sends it, and enters how it ended. The promise is the send's own. */
  async send(sending: Sending, send: (n: number) => Promise<unknown>): Promise<unknown> {
    const { what, sender = 'app', life, recipients, must = recipients, idempotent = false } = sending
    const { waited = true, loose = false, may = [] } = sending
    const n = this.entries.length
    const sentAt = this.#world.now
    const entry: Entry = {
      n,
      what,
      sender,
      life,
      recipients,
      must,
      idempotent,
      waited,
      loose,
      sentAt,
      handled: [],
      outcome: undefined,
      forgotten: false,
    }
    this.entries.push(entry)
    this.#world.tell?.(`           ${sender} sends ${what} ${n} to ${recipients}`)
    try {
      const value = await send(n)
      this.#settle(entry, {})
      return value
    } catch (error) {
      this.#settle(entry, { error })
      for (const code of codesOf(error)) {
        if (![...ALWAYS, ...may, ...this.may].includes(code)) this.wrong.push(`${name(entry)} got ${code}`)
      }
      throw error
    }
  }

  /** A handler begins. */
  handled(n: number, sender: string | undefined, recipient: string, life: SimLife | undefined): void {
    if (life?.thread.over === true) return // what it does now never happens
    const entry = this.entries[n] as Entry
    this.#world.note(`${recipient} has ${entry.what} ${n}`)
    entry.handled.push(recipient)
    this.#world.moments.mark()
    if (!entry.recipients.includes(recipient)) this.wrong.push(`${name(entry)} came to ${recipient}`)
    if ((sender ?? 'app') !== entry.sender) this.wrong.push(`${name(entry)} came from ${sender}`)
    this.onHandled?.(entry, recipient)
    if (entry.idempotent) return
    const pair = `${entry.sender} ${recipient}`
    const last = this.#last.get(pair) ?? -1
    if (last >= n) this.wrong.push(`${name(entry)} came to ${recipient} after ${last}`)
    this.#last.set(pair, n)
  }

  started(agent: string, life: SimLife | undefined): void {
    if (life?.thread.over === true) return
    const key = `${agent} ${life?.thread.name}`
    const seen = this.#started.get(key) ?? { life, starts: 0, stops: 0 }
    this.#started.set(key, seen)
    if (++seen.starts - seen.stops !== 1) this.wrong.push(`${key} began ${seen.starts} times and stopped ${seen.stops}`)
  }

  stopped(agent: string, life: SimLife | undefined): void {
    if (life?.thread.over === true) return
    const key = `${agent} ${life?.thread.name}`
    const seen = this.#started.get(key)
    if (seen === undefined || ++seen.stops !== seen.starts) this.wrong.push(`${key} stopped more often than it began`)
  }

  /** What still waits. */
  get open(): Entry[] {
    return this.entries.filter(({ outcome, life }) => outcome === undefined && life?.thread.over !== true)
  }

  /** The first `count` messages have come, as far as they were not refused. */
  checkCame(count: number): void {
    for (const entry of this.entries.slice(0, count)) {
      const there = entry.must.filter(one => !one.startsWith(DROPPING))
      if (entry.loose || (entry.outcome !== undefined && 'error' in entry.outcome)) continue
      const missing = there.filter(one => !entry.handled.includes(one))
      if (missing.length > 0) this.wrong.push(`${name(entry)} had not come to ${missing} when all was said to be idle`)
    }
  }

  /** Looks through all of it. @param cut whether the runtime was stopped before all was done */
  audit({ lives }: SimMachine, cut: boolean): string[] {
    for (const entry of this.open) this.wrong.push(`${name(entry)} was never settled`)
    const crashed = lives.filter(life => life.knownAt !== undefined)
    for (const entry of this.entries) {
      for (const recipient of entry.recipients) this.#auditOne(entry, recipient, cut, crashed)
    }
    for (const [key, { life, starts, stops }] of this.#started) {
      if (starts !== stops && life?.endedCleanly !== false) this.wrong.push(`${key} began ${starts}, stopped ${stops}`)
    }
    return this.wrong
  }

  #auditOne(entry: Entry, recipient: string, cut: boolean, crashed: readonly SimLife[]): void {
    const times = entry.handled.filter(one => one === recipient).length
    if (times > (entry.idempotent ? 2 : 1)) this.wrong.push(`${name(entry)} was done ${times} times`)
    const { outcome } = entry
    if (outcome === undefined) return
    const errors = 'error' in outcome ? errorsOf(outcome.error) : []
    const must = entry.must.includes(recipient)
    if (must && entry.waited && errors.length === 0 && times === 0)
      this.wrong.push(`${name(entry)} was answered and not done at ${recipient}`)
    if (times > 0 && !entry.idempotent) {
      for (const error of errors)
        if (saysNotDone(error, recipient))
          this.wrong.push(`${name(entry)} was done at ${recipient}, which was told not to be: ${String(error)}`)
    }
    const lost = must && times === 0 && !entry.waited && errors.length === 0 && !cut && !recipient.startsWith(DROPPING)
    if (lost && !crashed.some(life => (life.knownAt as number) >= entry.sentAt))
      this.wrong.push(`${name(entry)} was accepted and never came to ${recipient}, and no thread ended`)
  }

  #settle(entry: Entry, outcome: { error?: unknown }): void {
    if (entry.life?.thread.over === true) return
    if (entry.outcome !== undefined) this.wrong.push(`${name(entry)} was settled twice`)
    entry.outcome = outcome
    this.#world.note(`${name(entry)}: ${'error' in outcome ? codesOf(outcome.error) : 'answered'}`)
  }
}

function name({ n, what, sender, recipients }: Entry): string {
  return `${what} ${n} from ${sender} to ${recipients}`
}

function errorsOf(error: unknown): unknown[] {
  return error instanceof AggregateError ? error.errors : [error]
}

function codesOf(error: unknown): string[] {
  return errorsOf(error).map(codeOf)
}

/** Whether the error says that the handler of this very message did not run. */
function saysNotDone(error: unknown, recipient: string): boolean {
  if (!(error instanceof RingreeveError) || error.agent?.split(', ').includes(recipient) !== true) return false
  return (error instanceof ThreadLostError && !error.maybeExecuted) || error instanceof OverloadedError
}
