// Supervision as data: who is charged with the end of a thread, when that is too often, how long the next life waits.
// What it keeps: a crash is charged to an agent type when only turns of that type were open, or to the module that did it outside of
// all turns, else to the thread; what is charged too often is given up, and only that. No clock and no chance of its own: both are passed in.
import type { RestartPolicy } from '../agent/options.js'

export const DEFAULT_RESTARTS = { max: 3, within: 10_000, backoff: { min: 50, max: 2_000 } } as const

/** What is to be done after a thread ended. */
export interface Verdict {
  /** The agent type that did it too often: it fails, and the thread goes on without it. */
  readonly failed?: string
  /** The module that did it too often, outside of its agents' turns: so does that. */
  readonly failedModule?: string
  /** The thread ended too often, and no agent type can be blamed. */
  forGood: boolean
  /** Milliseconds to wait before the next life. */
  readonly delay: number
}

/** Remembers the ends of threads. */
export class Supervisor {
  readonly #policy: RestartPolicy
  readonly #now: () => number
  readonly #random: () => number
  readonly #charges = new Map<string, number[]>()

  constructor(policy: RestartPolicy | undefined, now: () => number, random: () => number = Math.random) {
    this.#policy = policy ?? DEFAULT_RESTARTS
    this.#now = now
    this.#random = random
  }

  /**
   * A thread ended.
   * @param agents whose turns were open, as far as is known
   * @param module where the error came from, if from none of these turns
   * @param policyOf the restart policy of an agent type, if it has one of its own
   */
  ended(
    thread: number,
    agents: readonly string[] | undefined,
    module: string | undefined,
    policyOf: (type: string) => RestartPolicy | undefined,
  ): Verdict {
    if (module !== undefined) {
      const recent = this.#charge(`module ${module}`, this.#policy)
      if (recent > this.#policy.max) return { failedModule: module, forGood: false, delay: 0 }
      return { forGood: false, delay: this.#delay(recent, this.#policy) }
    }
    const types = new Set(agents?.map(agent => agent.slice(0, agent.indexOf('/'))))
    const [type] = types
    if (types.size === 1 && type !== undefined) {
      const policy = policyOf(type) ?? this.#policy
      const recent = this.#charge(`type ${type}`, policy)
      if (recent > policy.max) return { failed: type, forGood: false, delay: 0 }
      return { forGood: false, delay: this.#delay(recent, policy) }
    }
    const recent = this.#charge(`thread ${thread}`, this.#policy)
    return { forGood: recent > this.#policy.max, delay: this.#delay(recent, this.#policy) }
  }

  /** @returns how often it was charged lately, this time included */
  #charge(name: string, { within }: RestartPolicy): number {
    const now = this.#now()
    const recent = (this.#charges.get(name) ?? []).filter(time => now - time < within)
    recent.push(now)
    this.#charges.set(name, recent)
    return recent.length
  }

  /** The first time at once, then doubling, each time between half and all of it. */
  #delay(recent: number, { backoff = DEFAULT_RESTARTS.backoff }: RestartPolicy): number {
    if (recent < 2) return 0
    const full = Math.min(backoff.max, backoff.min * 2 ** Math.min(recent - 2, 30))
    return full * (0.5 + this.#random() / 2)
  }
}
