// What the coordinator and a loop say to each other: the orders and what they bring. What it keeps: all of it is plain data
// (and ports), so an order can go to another thread, or further; errors that are ours come back as plain data too. It knows
// nothing of what carries an order out.

import type { MessagePort } from 'node:worker_threads'
import { isError, lineOf, textOf } from '../../agent/errors.js'
import type { RestartPolicy, TopicPattern } from '../../agent/options.js'
import type { RouteChanges, RouteTable } from '../../routing/table.js'
import type { LinkParts } from '../../transport/link.js'
import { errorFromWire, errorToWire, type WireError } from '../../transport/wire-error.js'
import type { Heap, Kept } from '../base/reports.js'
import type { Stuck, TurnRef, Verdict } from '../base/waits.js'
import type { Busy } from '../cell/agents.js'

/** What the coordinator knows of an agent type. */
export interface AgentDescription {
  readonly type: string
  readonly description: string | undefined
  readonly messages: readonly string[]
  readonly subscriptions: readonly TopicPattern[]
  readonly threads: number | undefined
  readonly concurrency: string | number
  readonly deadline: number | undefined
  readonly restarts: RestartPolicy | undefined
  readonly version: number
}

/** State of one agent, with the version of its type. */
export interface SavedState {
  readonly agent: string
  readonly version: number
  readonly state: unknown
}

/** The states of all agents of a loop with nothing under way there, and what it had accepted by then, mod 2^32; or something is. */
export type Cut = { readonly accepted: number; readonly states: readonly SavedState[] } | 'busy'

/** What became of the wish to leave: so many agents did, of which some are to be made again at once; or one cannot; or something has begun again. */
export type Leaving = { readonly moved: number; readonly active: readonly string[] } | { readonly why: string } | 'busy'

/** What an order brings: at once, from a loop on the calling thread; else later. */
export type Later<T> = T | Promise<T>

/** What a loop can be told. */
export interface Orders {
  // ---- other loops ----
  attach(parts: LinkParts): Later<void>
  /** A life of another loop is over. @param overdue the agent whose deadline was the reason */
  detach(index: number, life: number, why: string, forGood: boolean, overdue?: string): Later<void>
  /** Replaces the routes. What was sent before goes by those it was sent by. */
  route(table: RouteTable): Later<void>
  /** Has the routes change. What was sent before goes by those it was sent by. */
  reroute(changes: RouteChanges): Later<void>
  /** Takes in what was sent to it before this order, which came by another way: it is in its mailboxes afterwards. */
  takeIn(): Later<void>
  /** What is for a loop that is to move waits. @returns whether everything that went before is in the ring */
  hold(index: number, life: number, all: boolean): Later<boolean>
  /** It goes on. */
  release(index: number, life: number): Later<void>

  // ---- what it hosts ----
  /** Loads a module, in `ms` or not at all, and hosts nothing of it yet. @param number shown when it begins @returns what it exports */
  load(url: string, ms: number, number: number): Later<Outcome<AgentDescription[]>>
  /** Hosts the agents that modules export which were loaded. */
  admit(urls: readonly string[]): Later<void>
  /** Loads a module, likewise, and chains the interceptors it exports. */
  intercept(url: string, ms: number, number: number): Later<Outcome<void>>
  /** Takes what the life before left of its agents. */
  remember(kept: readonly Kept[]): Later<void>

  // ---- one agent ----
  ensure(agent: string): Later<Outcome<void>>
  pauseAgent(agent: string): Later<void>
  resumeAgent(agent: string): Later<void>
  /** Stops one agent without its queue; also one that was unloaded. */
  dropAgent(agent: string, ms: number): Later<Outcome<void>>

  // ---- what may wait for itself ----
  /** What is stuck there. @param turns see {@link Stuck} */
  blocked(turns: readonly TurnRef[]): Later<Stuck>
  /** Ends waits, as far as they are there. */
  endWaits(verdicts: readonly Verdict[]): Later<void>

  // ---- their states ----
  /** Whether what agents do of themselves waits from now on. */
  lull(on: boolean): Later<void>
  /** States of all agents, as long as nothing is under way. */
  cut(): Later<Outcome<Cut>>
  /** States of the agents that exist there: of all, or of one. */
  save(agent?: string): Later<Outcome<SavedState[]>>
  /** Puts states in, all or none; makes the agents that are not there, within `ms`. */
  restore(saved: readonly SavedState[], ms: number): Later<Outcome<void>>
  // the same with other loops, step by step
  /** Checks states, and has them ready. */
  check(saved: readonly SavedState[]): Later<Outcome<void>>
  /** Makes the agents that are not there. */
  make(ms: number): Later<Outcome<void>>
  /** Puts states into the others. */
  put(): Later<Outcome<void>>
  /** It is over. @param done whether all loops have put in their part; else it is taken back */
  endLoad(done: boolean): Later<Outcome<void>>

  // ---- a move to its next life, step by step ----
  /** Looks whether its agents can move at all. @returns why they cannot */
  weigh(): Later<string | undefined>
  /** Lets what is at work end and unloads every agent. @returns what it was that did not end in `ms` */
  settle(ms: number): Later<string | undefined>
  /** Hands over every agent, if nothing has begun since. */
  leave(port: MessagePort): Later<Leaving>
  /** It lives on after all. */
  stay(): Later<void>
  /** Takes in what the life before handed over. */
  moveIn(port: MessagePort): Later<Heap | undefined>
  /** Makes agents again that do something of themselves. */
  rouse(agents: readonly string[]): Later<void>

  // ---- its beginning and its end ----
  resume(): Later<void>
  /** Stops what agents do of themselves, and lets paused ones work off what waits. */
  rest(): Later<void>
  /** Stops the agents that have an `onStop`. */
  farewell(): Later<Farewell>
  /** Who is at work. */
  busy(): Later<Busy>
  /** Settles everything that is open, and ends all agents. @param settle for the turns at work to end @param why what they are told */
  stop(ms: number, settle: number, why: WireError): Later<Stopped>
  end(): Later<void>
}

// ---- outcomes -------------------------------------------------------------------------------------------------------

/** A result, or an error of ours as plain data. */
export type Outcome<T> = { readonly value: T } | { readonly error: WireError }

/** How many agents a loop stopped, and what their `onStop` threw. */
export type Farewell = { readonly stopped: number; readonly failures: readonly WireError[] }

/** What `onStop` threw, and what was not waited for any longer. */
export type Stopped = { readonly failures: readonly WireError[]; readonly left: Busy }

/** Does what was ordered. */
export async function outcomeOf<T>(work: () => Later<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    return { error: plainError(error) }
  }
}

/** Undoes {@link Outcome}. */
export function unwrap<T>(outcome: Outcome<T>): T {
  if ('error' in outcome) throw errorFromWire(outcome.error)
  return outcome.value
}

/** Whatever was thrown, as plain data. */
export function plainError(error: unknown): WireError {
  try {
    return errorToWire(isError(error) ? error : new Error(textOf(error)), isCloneable)
  } catch {
    return errorToWire(new Error(lineOf(error)), isCloneable) // one that throws when it is read
  }
}

function isCloneable(part: unknown): boolean {
  try {
    structuredClone(part)
    return true
  } catch {
    return false
  }
}
