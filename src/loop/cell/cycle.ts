// Calls that come back to who waits for them. A request carries the chain of turns that wait for it; if it comes to an agent that has
// begun as many turns as it may, and some of them are in that chain, it has its turn only when one of them ends. Whether they wait
// for it cannot be known: a handler need not await what it sends. What it keeps: so it waits like any other message, and when it has
// waited for a second, and all turns at work are in chains of what waits here, it is refused, with the chain in the message.
import { CallCycleError } from '../../agent/errors.js'
import { chainText } from '../base/chain.js'
import type { Message } from '../base/message.js'
import type { Mailbox } from './mailbox.js'
import type { Turn } from './turn.js'

/** Turns at work that are in the chain of a message. */
export function waitingIn({ chain }: Message, agent: string, turns: () => Iterable<Turn>): Turn[] {
  const waiting: Turn[] = []
  for (let node = chain; node !== undefined; node = node.parent) {
    if (node.agent !== agent) continue
    for (const turn of turns()) if (turn.turn === node.turn) waiting.push(turn)
  }
  return waiting
}

/** Whether so many turns at work wait, as it seems, for what is in the mailbox: then none of it may ever begin. */
export function jammed(mailbox: Mailbox, agent: string, turns: () => Iterable<Turn>, limit: number): boolean {
  const waiting = new Set<Turn>()
  for (const message of mailbox.all()) {
    for (const turn of waitingIn(message, agent, turns)) waiting.add(turn)
    if (waiting.size >= limit) return true
  }
  return false
}

/** Whether a turn of one of these agents waits, as it seems, for what is in the mailbox. */
export function askedBy(mailbox: Mailbox, agents: readonly string[]): boolean {
  for (const { chain } of mailbox.all())
    for (let node = chain; node !== undefined; node = node.parent) if (agents.includes(node.agent)) return true
  return false
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
