// How the agents of a loop move to its next life, for a thread whose heap is full. What it keeps: nothing leaves before
// every turn has ended, every call is answered and every frame has gone out; then each agent is unloaded, with its
// state, as it is when it was idle for long; and as long as the thread has not ended it can stay, with all of it.

import { serialize } from 'node:v8'
import type { MessagePort } from 'node:worker_threads'
import { textOf } from '../agent/errors.js'
import { type EventLoop, within } from './base/event-loop.js'
import type { Ledger } from './base/ledger.js'
import type { Heap, Reports } from './base/reports.js'
import type { Workload } from './base/scheduler.js'
import type { Agents } from './cell/agents.js'
import type { Cell } from './cell/cell.js'
import type { HeapWatch } from './control/heap.js'
import type { Leaving } from './control/orders.js'
import type { Peers } from './peer/peers.js'

const LOOK_MS = 2
/** The part of the threshold that states may take as bytes. Read again they take up to three times as much. */
const MOST_STATE = 1 / 4

/** What is posted before the agents. */
const NOTHING = 'nothing'

/** One agent on its way from one life of its loop to the next. */
interface Luggage {
  readonly agent: string
  readonly state?: { readonly value: unknown }
  readonly paused: boolean
}

/** What a move needs of its loop. */
export interface MoveHost {
  readonly agents: Agents
  readonly ledger: Pick<Ledger, 'queued' | 'running' | 'balanced'>
  readonly peers: Pick<Peers, 'drained'>
  readonly reports: Pick<Reports, 'observer' | 'unhandled'>
  readonly eventLoop: EventLoop
  /** Undefined: it is not watched. */
  readonly heap: HeapWatch | undefined
  /** Shows what was done to who can see it. */
  readonly work: Pick<Workload, 'show'>
}

/** The move of one loop. */
export class Move {
  readonly #host: MoveHost
  /** Agents that do something of themselves: they are made again at once. */
  readonly #active = new Set<string>()
  /** All that were there. */
  readonly #agents = new Set<string>()

  constructor(host: MoveHost) {
    this.#host = host
  }

  /** Looks whether the agents can move at all. @returns why they cannot */
  weigh(): string | undefined {
    const { agents, heap } = this.#host
    const states = [...agents.unloaded, ...[...agents.cells].map(cell => [cell.text, cell.state] as const)]
    const most = heap === undefined ? Number.POSITIVE_INFINITY : heap.now().threshold * MOST_STATE
    let bytes = 0
    for (const [agent, state] of states) {
      try {
        bytes += weight(state)
      } catch (error) {
        return `the state of ${agent} is not plain data (${textOf(error)})`
      }
      if (bytes > most) return 'the state of its agents is what fills it'
    }
    return undefined
  }

  /** Lets what is at work end and unloads every agent. @returns what it was that did not end in `ms` */
  async settle(ms: number): Promise<string | undefined> {
    const { eventLoop } = this.#host
    const end = eventLoop.now() + ms
    while (eventLoop.now() < end) {
      if (!(await until(eventLoop, end, () => this.#turnsEnded))) break
      const loaded = this.#loaded
      if (loaded.length === 0 && (await until(eventLoop, end, () => this.#quiet))) return undefined
      await within(eventLoop, Math.max(0, end - eventLoop.now()), Promise.all(loaded.map(cell => this.#unload(cell))))
    }
    return this.#busy()
  }

  /** Hands over every agent, if nothing has begun since {@link settle}. The loop must not be told anything afterwards. */
  leave(port: MessagePort): Leaving {
    const { agents, work } = this.#host
    work.show()
    if (this.#loaded.length > 0 || !this.#turnsEnded || !this.#quiet) return 'busy'
    const paused = new Set([...agents.cells].filter(cell => cell.paused).map(cell => cell.text))
    const all = new Set([...this.#agents, ...agents.unloaded.keys(), ...paused])
    // first a word that is no agent: a port with nothing in it is closed with its other end, and could not be passed on
    port.postMessage(NOTHING)
    for (const agent of all) {
      const state = agents.unloaded.has(agent) ? { state: { value: agents.unloaded.get(agent) } } : {}
      try {
        port.postMessage({ agent, ...state, paused: paused.has(agent) } satisfies Luggage)
      } catch (error) {
        return { why: `the state of ${agent} is not plain data (${textOf(error)})` }
      }
    }
    return { moved: all.size, active: [...this.#active] }
  }

  /** The loop lives on after all. */
  async stay(): Promise<void> {
    await this.rouse([...this.#active])
    this.#active.clear()
    this.#agents.clear()
  }

  /** Takes in what the life before handed over. */
  moveIn(port: MessagePort): Heap | undefined {
    const { agents, eventLoop, heap } = this.#host
    const { receive } = eventLoop
    for (let next = receive(port); next !== undefined; next = receive(port)) {
      if (next.message === NOTHING) continue
      const { agent, state, paused } = next.message as Luggage
      agents.checkpoints.movedIn(agent)
      if (state !== undefined) agents.unloaded.set(agent, state.value)
      if (paused) agents.of(agent).pause()
    }
    port.close()
    return heap?.begin()
  }

  async rouse(agents: readonly string[]): Promise<void> {
    // one that cannot be made is told of in the event log, and tried again by its next message
    await Promise.all(
      agents.map(agent =>
        this.#host.agents
          .of(agent)
          .ensure()
          .catch(() => {}),
      ),
    )
  }

  get #turnsEnded(): boolean {
    const { ledger, peers } = this.#host
    const { drained } = peers // looked at whatever else holds: to look is to ask for the room that frames wait for
    if (ledger.queued > 0 || ledger.running > 0 || !drained) return false
    return !this.#loaded.some(cell => cell.stage === 'starting' || cell.promised)
  }

  /** Whether no call of this loop waits either. */
  get #quiet(): boolean {
    const { ledger, peers } = this.#host
    return ledger.balanced && peers.drained
  }

  get #loaded(): Cell[] {
    return [...this.#host.agents.cells].filter(({ stage }) => stage !== 'absent')
  }

  async #unload(cell: Cell): Promise<void> {
    const { intervals, loops } = cell.type.spec
    if (intervals.length + loops.length > 0) this.#active.add(cell.text)
    this.#agents.add(cell.text)
    try {
      await cell.unload()
    } catch (error) {
      this.#host.reports.observer.failed(cell, undefined, error)
      this.#host.reports.unhandled(cell, undefined, error)
    }
  }

  #busy(): string {
    const [turn] = this.#host.agents.openTurns()
    if (turn !== undefined) return `'${turn.message}' of ${turn.agent} is still at work`
    const timed = this.#loaded.find(cell => cell.promised)
    if (timed !== undefined) return `${timed.text} has a timer pending`
    const waiting = [...this.#host.agents.cells].find(cell => cell.waiting > 0)
    if (waiting !== undefined) return `messages wait for ${waiting.text}`
    const [loaded] = this.#loaded
    if (loaded !== undefined) return `${loaded.text} has not stopped`
    return 'answers are on their way'
  }
}

/** Bytes of a state on its way. @throws DataCloneError */
function weight(state: unknown): number {
  try {
    return serialize(state).length
  } catch {
    structuredClone(state) // takes more, such as shared memory, which weighs nothing
    return 0
  }
}

/** Waits until a condition holds. @returns false if it did not in time */
async function until(eventLoop: EventLoop, end: number, holds: () => boolean): Promise<boolean> {
  while (!holds()) {
    if (eventLoop.now() >= end) return false
    await new Promise<void>(resolve => eventLoop.after(LOOK_MS, resolve))
  }
  return true
}
