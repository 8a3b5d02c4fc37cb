// How the agents of a loop move to its next life, for a thread whose heap is full. What it keeps: nothing leaves before
// every turn has ended, every call is answered and every frame has gone out; then each agent is unloaded, with its
// state, as it is when it was idle for long; and as long as the thread has not ended it can stay, with all of it.

import { serialize } from 'node:v8'
import type { MessagePort } from 'node:worker_threads'
import { textOf } from '../agent/errors.js'
import { type EventLoop, within } from './base/event-loop.js'
import type { Heap } from './base/reports.js'
import type { Cell } from './cell/cell.js'
import type { Leaving } from './control/orders.js'
import type { Loop } from './loop.js'

const LOOK_MS = 2
/** The part of the threshold that states may take as bytes. Read again they take up to three times as much. */
const MOST_STATE = 1 / 4

/** One agent on its way from one life of its loop to the next. */
interface Luggage {
  readonly agent: string
  readonly state?: { readonly value: unknown }
  readonly paused: boolean
}

/** The move of one loop. */
export class Move {
  readonly #loop: Loop
  /** Agents that do something of themselves: they are made again at once. */
  readonly #active = new Set<string>()
  /** All that were there. */
  readonly #agents = new Set<string>()

  constructor(loop: Loop) {
    this.#loop = loop
  }

  /** Looks whether the agents can move at all. @returns why they cannot */
  weigh(): string | undefined {
    const loop = this.#loop
    const states = [...loop.agents.unloaded, ...[...loop.agents.cells].map(cell => [cell.text, cell.state] as const)]
    const most = loop.heap === undefined ? Number.POSITIVE_INFINITY : loop.heap.now().threshold * MOST_STATE
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
    const { eventLoop } = this.#loop
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
    const loop = this.#loop
    loop.work.show()
    if (this.#loaded.length > 0 || !this.#turnsEnded || !this.#quiet) return 'busy'
    const paused = new Set([...loop.agents.cells].filter(cell => cell.paused).map(cell => cell.text))
    const all = new Set([...this.#agents, ...loop.agents.unloaded.keys(), ...paused])
    for (const agent of all) {
      const state = loop.agents.unloaded.has(agent) ? { state: { value: loop.agents.unloaded.get(agent) } } : {}
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
    const loop = this.#loop
    const { receive } = loop.eventLoop
    for (let next = receive(port); next !== undefined; next = receive(port)) {
      const { agent, state, paused } = next.message as Luggage
      loop.agents.checkpoints.movedIn(agent)
      if (state !== undefined) loop.agents.unloaded.set(agent, state.value)
      if (paused) loop.agents.of(agent).pause()
    }
    port.close()
    return loop.heap?.begin()
  }

  async rouse(agents: readonly string[]): Promise<void> {
    // one that cannot be made is told of in the event log, and tried again by its next message
    await Promise.all(
      agents.map(agent =>
        this.#loop.agents
          .of(agent)
          .ensure()
          .catch(() => {}),
      ),
    )
  }

  get #turnsEnded(): boolean {
    const { ledger } = this.#loop
    const { drained } = this.#loop.peers
    if (ledger.queued > 0 || ledger.running > 0 || !drained) return false
    return !this.#loaded.some(cell => cell.stage === 'starting' || cell.promised)
  }

  /** Whether no call of this loop waits either. */
  get #quiet(): boolean {
    const { ledger, peers } = this.#loop
    return ledger.balanced && peers.drained
  }

  get #loaded(): Cell[] {
    return [...this.#loop.agents.cells].filter(({ stage }) => stage !== 'absent')
  }

  async #unload(cell: Cell): Promise<void> {
    const { intervals, loops } = cell.type.spec
    if (intervals.length + loops.length > 0) this.#active.add(cell.text)
    this.#agents.add(cell.text)
    try {
      await cell.unload()
    } catch (error) {
      this.#loop.reports.observer.failed(cell, undefined, error)
      this.#loop.reports.unhandled(cell, undefined, error)
    }
  }

  #busy(): string {
    const [turn] = this.#loop.agents.openTurns()
    if (turn !== undefined) return `'${turn.message}' of ${turn.agent} is still at work`
    const timed = this.#loaded.find(cell => cell.promised)
    if (timed !== undefined) return `${timed.text} has a timer pending`
    const waiting = [...this.#loop.agents.cells].find(cell => cell.waiting > 0)
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
