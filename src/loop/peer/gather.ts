// Waiting until every handler of one event is done, here and on other loops. What it keeps: each agent that was expected has one
// outcome, from whichever part of it.
import { isError, textOf } from '../../agent/errors.js'
import type { Ledger } from '../base/ledger.js'
import type { Message, Reply } from '../base/message.js'
import { Waiter } from './waiter.js'

/** How an agent fared, if badly. */
export interface HandlerFailure {
  readonly agent: string
  readonly error: unknown
}

/** All outcomes of one event. */
export class Gather implements Reply {
  readonly promise: Promise<void>
  readonly name: string
  readonly #ledger: Ledger
  readonly #unawaited: ((error: Error) => void) | undefined
  readonly #errors: Error[] = []
  readonly #reasons: string[] = []
  /** Whose outcome is not there yet, if anybody may ask. */
  readonly #waiting: Set<string> | undefined
  #agents = 0
  #open = 1
  #resolve!: () => void
  #reject!: (error: unknown) => void

  /**
   * @param ends whether who waits may be told before all is over, see {@link giveUp}
   * @param unawaited if nobody waits for the promise: takes each error, before all is over
   */
  constructor(ledger: Ledger, name: string, ends: boolean, unawaited?: (error: Error) => void) {
    this.#ledger = ledger
    this.name = name
    this.#unawaited = unawaited
    this.#waiting = ends ? new Set() : undefined
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    ledger.accept()
  }

  /** One more outcome to wait for: that of these agents. */
  expect(agents: readonly string[]): void {
    this.#open++
    this.#agents += agents.length
    if (this.#waiting !== undefined) for (const agent of agents) this.#waiting.add(agent)
  }

  /** Takes back an {@link expect}: the same agents are expected each by itself in its place. */
  withdraw(agents: number): void {
    this.#open--
    this.#agents -= agents
  }

  answer(message: Message): void {
    this.#waiting?.delete(message.recipient.toString())
    this.#close()
  }

  fail(message: Message, error: unknown): void {
    this.add(message.recipient.toString(), error)
    this.answer(message)
  }

  /** An error of one agent. */
  add(agent: string, error: unknown): void {
    const named = isError(error) ? error : new Error(textOf(error), { cause: error })
    this.#errors.push(named)
    this.#reasons.push(`${nameAgent(named, agent)}: ${textOf(named)}`)
  }

  /** The outcome that was expected of these agents is there. */
  heard(agents: readonly string[]): void {
    if (this.#waiting !== undefined) for (const agent of agents) this.#waiting.delete(agent)
    this.#close()
  }

  /** Nobody waits any more; what is at work is counted until it is over. @param missing what is said of who has not been heard of */
  giveUp(missing: (agent: string) => Error): void {
    if (this.#waiting === undefined || this.#waiting.size === 0) return // all is there, or will be at once
    for (const agent of this.#waiting) this.add(agent, missing(agent))
    this.#waiting.clear() // once: who gives it up may do so in more than one way
    this.#reject(this.#failure())
  }

  /** One outcome is there, or (once, at the end of the publish) all are asked for. */
  #close(): void {
    if (--this.#open > 0) return
    if (this.#unawaited !== undefined) for (const error of this.#errors) this.#unawaited(error)
    this.#ledger.finish()
    if (this.#errors.length === 0 || this.#unawaited !== undefined) this.#resolve()
    else this.#reject(this.#failure())
  }

  #failure(): AggregateError {
    const text = `${this.#errors.length} of ${this.#agents} handlers of '${this.name}' failed: ${this.#reasons.join('; ')}`
    return new AggregateError([...this.#errors], text)
  }

  /** All recipients have been asked. */
  complete(): Promise<void> {
    this.#close()
    return this.promise
  }
}

/** Says of an error whose it is, if it does not say so itself and can be changed. @returns whose it says it is */
function nameAgent(error: Error & { agent?: unknown }, agent: string): string {
  try {
    if (!('agent' in error) && Object.isExtensible(error))
      Object.defineProperty(error, 'agent', { value: agent, configurable: true })
    return `${error.agent ?? agent}`
  } catch {
    return agent
  }
}

/** The part of a {@link Gather} that another loop works on. */
export class GatherPart extends Waiter {
  readonly gather: Gather
  readonly agent: string
  readonly #agents: readonly string[]

  constructor(gather: Gather, agents: readonly string[]) {
    super()
    this.gather = gather
    this.agent = agents.join(', ')
    this.#agents = agents
    gather.expect(agents)
  }

  get name(): string {
    return this.gather.name
  }

  /** Nobody is asked for it: its agents have each got a part of their own. */
  withdraw(): void {
    if (this.settle()) this.gather.withdraw(this.#agents.length)
  }

  handled(failures: readonly HandlerFailure[]): void {
    if (!this.settle()) return
    for (const { agent, error } of failures) this.gather.add(agent, error)
    this.gather.heard(this.#agents)
  }

  reject(error: unknown): void {
    this.handled([{ agent: this.agent, error }])
  }
}
