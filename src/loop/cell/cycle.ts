// Calls that come back to who waits for them. A request carries the chain of turns that wait for it; if it comes to an agent all of
// whose permitted turns are in that chain, it can have its turn only when one of them ends. Whether that turn waits for it cannot be
// known: a handler need not await what it sends. What it keeps: so it waits like any other message, and when it has waited for
// a second and the turns are still open it is refused, with the chain in the message; nothing is paid for before.
import { CallCycleError } from '../../agent/errors.js'
import { chainText } from '../base/chain.js'
import type { Alarm, Clock } from '../base/clock.js'
import type { Message } from '../base/message.js'

/** How long a call may wait behind the turns of its own chain. */
const CYCLE_MS = 1_000

/** An agent that a call has come back to. */
export interface Suspect {
  readonly text: string
  /** Refuses the message if it still waits for turns of its own chain. */
  refuseCycle(message: Message): void
}

/** The calls of one loop that may wait for themselves. */
export class Cycles {
  readonly #clock: Clock
  /** The agent that has an address now. */
  readonly #agentOf: (text: string) => Suspect | undefined
  /** In the order in which they came, which is that in which they are due. */
  #waiting: { readonly agent: string; readonly message: Message; readonly at: number }[] = []
  #alarm: Alarm | undefined

  constructor(clock: Clock, agentOf: (text: string) => Suspect | undefined) {
    this.#clock = clock
    this.#agentOf = agentOf
  }

  /** A message waits behind turns that may wait for it. */
  watch(agent: string, message: Message): void {
    this.#waiting.push({ agent, message, at: this.#clock.now() + CYCLE_MS })
    if (this.#alarm === undefined) this.#lookIn(CYCLE_MS)
  }

  /** The loop has stopped. */
  end(): void {
    this.#waiting = []
    this.#alarm?.cancel()
    this.#alarm = undefined
  }

  #lookIn(ms: number): void {
    this.#alarm = this.#clock.after(ms, this.#look)
  }

  readonly #look = (): void => {
    this.#alarm = undefined
    const now = this.#clock.now()
    const due = this.#waiting.filter(({ at }) => at <= now)
    this.#waiting = this.#waiting.filter(({ at }) => at > now)
    for (const { agent, message } of due) this.#agentOf(agent)?.refuseCycle(message)
    const [next] = this.#waiting
    if (next !== undefined && this.#alarm === undefined) this.#lookIn(next.at - now)
  }
}

/** The error of a call that comes back to an agent. @param hook the hook that waits for it; undefined: its turns do */
export function cycleOf(
  { name, chain }: Message,
  agent: string,
  type: string,
  hook: 'onStart' | 'onStop' | undefined,
): CallCycleError {
  const instead = hook === 'onStart' ? 'after onStart, from a handler or ctx.after' : 'before the agent stops'
  const advice =
    hook === undefined
      ? `Answer first, or give '${type}' concurrency 'callchain'`
      : `Its ${hook} is not over before that: send ${instead}`
  const cycle = [...chainText(chain), agent]
  const text = `'${name}' for ${agent} would wait for itself: ${cycle.join(' → ')}. ${advice}`
  return new CallCycleError(text, cycle, { agent, message: name })
}
