// States of the agents of one loop, as a snapshot takes and brings them. What it keeps: a state is a copy, and is plain data;
// wherever it is at the time (with its agent, unloaded, or left by the life before and not asked for yet) it is saved once;
// and of a snapshot nothing is put in before all of it was found good.
import { StateError } from '../../agent/errors.js'
import { type AgentId, toAgentId } from '../../agent/ids.js'
import type { Agents } from '../cell/agents.js'
import type { SavedState } from './orders.js'

/** Saves and restores. */
export class Snapshots {
  readonly #agents: Agents

  constructor(agents: Agents) {
    this.#agents = agents
  }

  /** States of the agents that exist here: of all, or of one. @throws StateError */
  save(agent?: string): SavedState[] {
    const agents = this.#agents
    const wanted = (text: string): boolean => agent === undefined || text === agent
    const left: SavedState[] = []
    for (const { agent: text, state } of agents.checkpoints.waiting) {
      if (state === undefined || !wanted(text)) continue
      left.push({ agent: text, version: agents.type(toAgentId(text).type)?.version as number, state: state.value })
    }
    const away: SavedState[] = []
    for (const [text, state] of agents.unloaded) {
      if (!wanted(text)) continue
      const id = toAgentId(text)
      away.push({ agent: text, version: agents.type(id.type)?.version ?? 1, state: plain(id, state) })
    }
    const here: SavedState[] = []
    for (const cell of agent === undefined ? agents.cells : [agents.existing(agent)]) {
      if (cell?.hasState !== true) continue
      here.push({ agent: cell.text, version: cell.type.version, state: plain(cell.id, cell.state) })
    }
    return [...here, ...away, ...left]
  }

  /** Puts states in; creates the agents that are not there. @throws StateError, and what a migration throws, before any is put in */
  async restore(saved: readonly SavedState[]): Promise<void> {
    const agents = this.#agents
    const ready = saved.map(one => ({ agent: one.agent, state: this.#migrated(one) }))
    for (const { agent, state } of ready) {
      await agents.of(agent).ensure()
      const cell = agents.of(agent) // another one, if the agent was just stopping
      cell.state = state
      if (cell.type.checkpoint !== undefined) agents.checkpoints.save(cell)
    }
  }

  /** Checks states without putting them in. @throws StateError, and what a migration throws */
  check(saved: readonly SavedState[]): void {
    for (const one of saved) this.#migrated(one)
  }

  /** The state as its type has it today. */
  #migrated({ agent, version, state }: SavedState): unknown {
    const { type } = toAgentId(agent)
    const hosted = this.#agents.type(type)
    if (hosted === undefined)
      throw new StateError(`the snapshot has ${agent}, and no agent type '${type}' is registered`, { agent })
    const copy: unknown = structuredClone(state)
    if (version === hosted.version) return copy
    const { migrate } = hosted.spec.options
    if (migrate === undefined || version > hosted.version) {
      throw new StateError(
        `the state of ${agent} has version ${version}; '${type}' is at version ${hosted.version} and has no way from there`,
        { agent },
      )
    }
    return migrate(copy, version)
  }
}

function plain(id: AgentId, state: unknown): unknown {
  try {
    return structuredClone(state)
  } catch (error) {
    throw new StateError(`the state of ${id} is not plain data: ${(error as Error).message}`, {
      agent: id.toString(),
      cause: error,
    })
  }
}
