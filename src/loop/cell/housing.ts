// What the life of an agent needs: of its loop, and of the cell it is in.
import type { RingreeveError } from '../../agent/errors.js'
import type { AgentId } from '../../agent/ids.js'
import type { EventLoop } from '../base/event-loop.js'
import type { Ledger } from '../base/ledger.js'
import type { Message, Reply } from '../base/message.js'
import type { Checkpoints, Keepable } from './checkpoints.js'
import type { Staged } from './stage.js'
import type { TurnAgent } from './turn.js'

/** What the lives of agents need of their loop, beside what their turns have. */
export interface LifeHost {
  readonly eventLoop: EventLoop
  readonly ledger: Ledger
  readonly checkpoints: Checkpoints
  /** States of agents that were unloaded. */
  readonly unloaded: Map<string, unknown>
  idOf(agent: string): AgentId
  /** What was kept of an agent is not to come back. */
  forgetState(agent: Keepable): void
  /** Nobody is to find the cell any more. */
  forget(agent: Keepable): void
  /** No turn of an agent that is gone is at work any more. */
  forgetOutlived(agent: Keepable): void
}

/** What becomes of the messages of a cell, as its life goes on. */
export interface Messages {
  /** Turns at work. */
  readonly running: number
  /** Whether anything but ticks is at work or waits. */
  readonly occupied: boolean
  /** Puts in what the agent sends itself. */
  tell(name: string, payload: unknown, reply: Reply): void
  /** It was made: the message that made it begins, then the others. @param late whether that took time */
  made(first: Message | undefined, late: boolean): void
  /** It could not be made. @param first the message that was to make it; undefined: none */
  unmade(first: Message | undefined, error: RingreeveError): void
  /** It begins to stop. */
  letBack(): void
  /** What waits is told `error`, and turns that they are not wanted. */
  abandon(error: RingreeveError): void
  /** It is gone: what waits is for the next one. */
  retire(): void
}

/** A cell, as the life in it sees it. */
export type Housing = Staged & TurnAgent & Keepable & Messages & { readonly lifeHost: LifeHost }
