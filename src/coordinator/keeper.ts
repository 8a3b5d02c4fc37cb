// What the coordinator keeps of agents on threads: that they were there, and their last checkpoint. It outlives every
// thread; it ends with the run of the runtime.
import type { Kept } from '../loop/base/reports.js'

/** The last checkpoint of each agent. */
export class Keeper {
  readonly #kept = new Map<string, Kept>()

  /** Takes a checkpoint. That an agent is there does not take away what it kept before; that it was stopped does. */
  take(kept: Kept): void {
    if (kept.gone) this.#kept.delete(kept.agent)
    else if (kept.state !== undefined || !this.#kept.has(kept.agent)) this.#kept.set(kept.agent, kept)
  }

  /** What is kept of the agents that `lives` there. */
  of(lives: (agent: string) => boolean): Kept[] {
    return [...this.#kept.values()].filter(({ agent }) => lives(agent))
  }
}
