// States of the agents of one loop, as a snapshot takes them. What it keeps: a state is a copy, and is plain data; and wherever it
// is at the time (with its agent, unloaded, or left by the life before and not asked for yet) it is saved once.
import { StateError } from '../../agent/errors.js'
import { type AgentId, toAgentId } from '../../agent/ids.js'
import { plainCopy } from '../../agent/plain.js'
import type { Agents } from '../cell/agents.js'
import type { SavedState } from './orders.js'

/** Saves. */
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
}

/** A copy. @throws StateError */
export function plain(id: AgentId, state: unknown): unknown {
  try {
    plainCopy(state, { errors: 'lossy' }) // a structured clone would empty what is refused here, and say nothing
    return structuredClone(state)
  } catch (error) {
    throw new StateError(`the state of ${id} is not plain data: ${(error as Error).message}`, {
      agent: id.toString(),
      cause: error,
    })
  }
}
