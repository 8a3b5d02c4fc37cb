// The beginning of an agent, as long as it is being made. What it keeps: who waits for it is told once, whether it was made, failed
// or was given up; and nothing that a start given up does later is taken for the agent's.
import { later } from '../../agent/edge.js'
import { AgentCreationError, type RingreeveError, textOf, UnknownAgentError } from '../../agent/errors.js'
import type { AgentId } from '../../agent/ids.js'
import type { Message } from '../base/message.js'
import type { Kept } from '../base/reports.js'
import type { HostedType } from '../hosted.js'
import type { Housing } from './housing.js'
import { HookTurn, type TurnAgent } from './turn.js'
import { Waiting } from './waiting.js'

/** An agent that is being made. */
export class Beginning {
  /** The message that makes it, unless that was told already that it is not wanted. */
  first: Message | undefined
  /** The turn of `onStart`, while it is at work. */
  hook: HookTurn | undefined
  /** Whether the agent is to stop as soon as it is there. */
  thenEnd = false
  /** Whether it is not waited for any more. */
  over = false
  /** If it fails, the next attempt has this. */
  readonly asItWas: Begun['asItWas']
  #unwanted: RingreeveError | undefined
  /** The same: who waits for it waits for `onStart`, whatever it is told meanwhile. */
  readonly #behind: Message | undefined
  /** Who waits for it to be made. */
  readonly made = new Waiting()

  /** @param asItWas see {@link Begun} */
  constructor(first: Message | undefined, asItWas: Begun['asItWas']) {
    this.asItWas = asItWas
    this.first = first
    this.#behind = first
  }

  /** Tells the hook at work, or that is to begin, that the agent is to stop. */
  tell(reason: RingreeveError): void {
    this.#unwanted = reason
    this.hook?.giveUp(reason)
  }

  /**
   * Waits for the state and runs the hooks.
   * @param left what a life before has left of it
   * @returns the state that it begins with
   */
  async run(
    agent: TurnAgent,
    { onStart, onRestart }: HostedType['spec'],
    state: unknown,
    left: Kept | undefined,
  ): Promise<unknown> {
    agent.state = await state
    if (this.over) return undefined
    const turn = new HookTurn(agent, 'onStart', this.#behind)
    this.hook = turn
    if (this.#unwanted !== undefined) turn.ownCancellation().cancel(this.#unwanted)
    try {
      await agent.turnHost.aside(() => onStart?.(turn))
      if (left?.state !== undefined) agent.state = structuredClone(left.state.value) // the next attempt has it as it was
      if (left !== undefined) await agent.turnHost.aside(() => onRestart?.(turn))
    } finally {
      turn.open = false
      this.hook = undefined
    }
    return agent.state
  }
}

/** What an agent begins with. */
export interface Begun {
  readonly state: unknown
  /** The same, if that takes time. */
  readonly late: Promise<unknown> | undefined
  /** The state of one that was unloaded, which `onStart` may change before it fails. */
  readonly asItWas: { readonly value: unknown } | undefined
}

/** @throws what the factory of the state throws */
export function beginsWith({ text, type, lifeHost, turnHost }: Housing, id: AgentId): Begun {
  const { onStart, options } = type.spec
  const { unloaded } = lifeHost
  if (unloaded.has(text)) {
    const state = unloaded.get(text)
    return { state, late: undefined, asItWas: onStart && copyOf(state) }
  }
  const state = options.state && turnHost.aside(() => options.state?.(id))
  return { state, late: later(state), asItWas: undefined }
}

/** Why an agent of a type that names its keys cannot be made. */
export function noSuchKey(id: AgentId, { keys }: HostedType): UnknownAgentError {
  const agent = id.toString()
  const known = [...(keys ?? [])].join(', ')
  return new UnknownAgentError(`there is no agent ${agent}; keys of '${id.type}' are: ${known}`, { agent })
}

/** That an agent could not be made. */
export function notMade(agent: string, cause: unknown): AgentCreationError {
  return new AgentCreationError(`agent ${agent} could not be made: ${textOf(cause)}`, { agent, cause })
}

/** A copy of a state, for an attempt that fails. Of plain data only: what has methods would have none. */
function copyOf(state: unknown): { readonly value: unknown } | undefined {
  const made = typeof state === 'object' && state !== null ? Object.getPrototypeOf(state)?.constructor : undefined
  if (![undefined, Object, Array, Map, Set].includes(made)) return undefined
  try {
    return { value: structuredClone(state) }
  } catch {
    return undefined // no snapshot could have it either
  }
}
