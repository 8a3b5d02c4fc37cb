// States that are put into the agents of one loop, all or none. What it keeps: nothing is changed before all were found good; an
// agent that is not there is made with its state, which is there when its `onStart` runs; and all of it can be taken back.
import { StateError, TimeoutError } from '../../agent/errors.js'
import { toAgentId } from '../../agent/ids.js'
import { type EventLoop, within } from '../base/event-loop.js'
import type { Kept } from '../base/reports.js'
import type { Agents } from '../cell/agents.js'
import { noSuchKey } from '../cell/beginning.js'
import type { Cell } from '../cell/cell.js'
import type { SavedState } from './orders.js'
import { plain } from './snapshots.js'

/** How long an agent that is taken back may take to stop, before it is given up. */
const TAKE_BACK_MS = 1_000
/** Agents that an error names. */
const NAMED = 5

/** What was left of an agent that was not there. */
interface Before {
  readonly unloaded: { readonly value: unknown } | undefined
  readonly kept: Kept | undefined
  readonly paused: boolean
}

/** One load, as far as it concerns one loop. */
export class Load {
  readonly #agents: Agents
  readonly #eventLoop: EventLoop
  /** The states by agent, as their types have them today. */
  readonly #states = new Map<string, unknown>()
  /** Agents that were not there. */
  readonly #new = new Map<string, Before>()
  /** The states that those had that were there. */
  readonly #replaced = new Map<Cell, unknown>()

  /** @throws StateError, UnknownAgentError, and what a migration throws */
  constructor(agents: Agents, eventLoop: EventLoop, saved: readonly SavedState[]) {
    this.#agents = agents
    this.#eventLoop = eventLoop
    for (const one of saved) this.#states.set(one.agent, this.#checked(one))
  }

  /** The state as its type has it today. */
  #checked({ agent, version, state }: SavedState): unknown {
    const id = toAgentId(agent)
    const hosted = this.#agents.type(id.type)
    if (hosted === undefined)
      throw new StateError(`the snapshot has ${agent}, and no agent type '${id.type}' is registered`, { agent })
    if (hosted.keys?.has(id.key) === false) throw noSuchKey(id, hosted)
    const copy = plain(id, state)
    if (version === hosted.version) return copy
    const { migrate } = hosted.spec.options
    if (migrate === undefined || version > hosted.version) {
      throw new StateError(
        `the state of ${agent} has version ${version}; '${id.type}' is at version ${hosted.version} and has no way from there`,
        { agent },
      )
    }
    return plain(id, migrate(copy, version))
  }

  /** Makes the agents that are not there. @throws AgentCreationError, StoppedError, TimeoutError: then it is to be taken back */
  async make(ms: number): Promise<void> {
    const late = new Set<string>()
    const starts: Promise<void>[] = []
    for (const [agent, state] of this.#states) {
      const cell = this.#agents.of(agent)
      if (cell.ready) continue
      late.add(agent)
      if (cell.absent) this.#leave(agent, state)
      starts.push(cell.ensure().then(() => void late.delete(agent)))
    }
    if (await within(this.#eventLoop, ms, Promise.all(starts))) return
    const names = [...late].slice(0, NAMED).join(', ')
    const more = late.size > NAMED ? ` and ${late.size - NAMED} more` : ''
    throw new TimeoutError(`${names}${more} could not be made in ${Math.round(ms)} ms: onStart is still at work`)
  }

  /** The agent begins with this state once it is made. */
  #leave(agent: string, state: unknown): void {
    const { unloaded, checkpoints } = this.#agents
    this.#new.set(agent, {
      unloaded: unloaded.has(agent) ? { value: unloaded.get(agent) } : undefined,
      kept: checkpoints.left(agent),
      paused: this.#agents.existing(agent)?.paused === true,
    })
    checkpoints.movedIn(agent)
    unloaded.set(agent, state)
  }

  /** Puts the states into the agents that were there. */
  put(): void {
    for (const [agent, state] of this.#states) {
      const cell = this.#agents.existing(agent)
      if (this.#new.has(agent)) {
        if (cell?.hasState === true) this.#keep(cell)
      } else if (cell?.hasState === true) {
        this.#replaced.set(cell, cell.state)
        cell.state = state
        this.#keep(cell)
      } else this.#leave(agent, state) // it was stopped or unloaded a moment ago: the next one has it
    }
  }

  /** All is as it was; what it made is stopped. */
  async takeBack(): Promise<void> {
    for (const [cell, state] of this.#replaced) {
      if (cell.gone) continue
      cell.state = state
      this.#keep(cell)
    }
    await Promise.all([...this.#new].map(([agent, before]) => this.#unmake(agent, before)))
  }

  async #unmake(agent: string, { unloaded, kept, paused }: Before): Promise<void> {
    const agents = this.#agents
    const cell = agents.of(agent)
    const { reports, admission } = cell.turnHost
    if (admission.closed) return // it goes with the runtime
    await cell.drop(TAKE_BACK_MS).catch(error => reports.unhandled(cell, undefined, error))
    if (unloaded !== undefined) {
      agents.unloaded.set(agent, unloaded.value)
      if (cell.type.checkpoint !== undefined) agents.checkpoints.tell({ agent, state: unloaded })
    } else if (kept !== undefined) {
      agents.checkpoints.remember([kept])
      agents.checkpoints.tell(kept)
    }
    if (paused) agents.of(agent).pause()
  }

  #keep(cell: Cell): void {
    if (cell.type.checkpoint !== undefined) this.#agents.checkpoints.save(cell)
  }
}
