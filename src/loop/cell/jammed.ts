// The queue of an agent that may wait for itself: a request carries the chain of turns that wait for it, and if the agent has begun as
// many turns as it may, it has its turn only when one of them ends. Whether a turn waits for what it sent cannot be known: a handler
// need not await it. What this keeps: so it waits like any other message, and seems stuck only when it and the turns before it have
// been there for a second.
import type { Message } from '../base/message.js'
import { type Blocked, type Suspect, turnsOf } from '../base/waits.js'
import type { HookTurn, Turn } from './turn.js'

/** What a queue waits for. */
export interface Blockers {
  readonly turns: readonly Turn[]
  /** Whether for each of the turns to end. */
  readonly each: boolean
  readonly hook: HookTurn['hook'] | undefined
}

/** The agent, as its queue sees it. */
export interface Jammable {
  readonly text: string
  /** Undefined: for no turn of its own. */
  readonly blockers: Blockers | undefined
  /** Whether somebody waits for room. */
  readonly waitedFor: boolean
  /** The messages in the queue that turns wait for. */
  awaited(): Iterable<Message>
}

/** Turns at work that are in the chain of a message. */
export function waitingIn({ chain }: Message, agent: string, turns: () => Iterable<Turn>): Turn[] {
  const waiting: Turn[] = []
  for (let node = chain; node !== undefined; node = node.parent) {
    if (node.agent !== agent) continue
    for (const turn of turns()) if (turn.turn === node.turn) waiting.push(turn)
  }
  return waiting
}

/** What there is only one of in the runtime, but for the other recipients of an event. */
export function keyOf({ origin, sequence }: Message): string {
  return `${origin}.${sequence}`
}

/** The queue of one agent. */
export class JammedQueue implements Suspect {
  readonly #agent: Jammable
  /** What was there at the last look. */
  #messages: ReadonlySet<Message> = new Set()
  #turns: ReadonlySet<Turn> = new Set()
  /** What was there at the look before it, too. */
  #old: readonly Message[] = []
  stuck = false

  constructor(agent: Jammable) {
    this.#agent = agent
  }

  note(): boolean {
    this.#messages = new Set(this.#agent.awaited())
    this.#turns = new Set(this.#agent.blockers?.turns)
    return this.#agent.waitedFor || this.#messages.size > 0
  }

  look(): boolean {
    const { blockers, waitedFor } = this.#agent
    const before = this.#messages
    const stands = this.#stands(blockers)
    const waits = this.note()
    this.#old = [...before].filter(message => this.#messages.has(message))
    this.stuck = stands && (waitedFor || this.#old.length > 0)
    return waits
  }

  #stands(blockers: Blockers | undefined): blockers is Blockers {
    return blockers?.turns.every(turn => this.#turns.has(turn)) === true
  }

  tell({ jams, waits }: Blocked): void {
    const { text, blockers } = this.#agent
    if (!this.#stands(blockers)) return
    const { turns, each, hook } = blockers
    jams.push({ agent: text, turns: turns.map(({ turn }) => turn).reverse(), each, hook })
    const there = new Set(this.#agent.awaited())
    for (const message of this.#old) {
      if (!there.has(message)) continue
      const { name, chain } = message
      waits.push({ key: keyOf(message), name, what: 'queued', at: [text], turns: turnsOf(chain) })
    }
  }
}
