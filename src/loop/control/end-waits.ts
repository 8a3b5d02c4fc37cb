// Carries out what the coordinator has found of waits that wait for themselves. What it keeps: only what is there still is ended.
import { CallCycleError, type RingreeveError } from '../../agent/errors.js'
import type { Verdict, Waits } from '../base/waits.js'

/** Who has messages in queues. */
interface Queues {
  readonly waits: Waits
  existing(agent: string): { refuse(key: string, error: RingreeveError): void } | undefined
}

/** Who holds messages back for agents elsewhere. */
interface Holding {
  refuse(agent: string, key: string, error: RingreeveError): void
}

/** Ends waits on one loop. */
export function endWaits(verdicts: readonly Verdict[], agents: Queues, peers: readonly (Holding | undefined)[]): void {
  for (const { wait, text, cycle, behind } of verdicts) {
    const { key, what, name } = wait
    const agent = wait.at[0] as string
    const error = new CallCycleError(text, cycle, { agent, message: name })
    if (what === 'room') agents.waits.rooms.get(key)?.(behind)
    else if (what === 'queued') agents.existing(agent)?.refuse(key, error)
    else for (const peer of peers) peer?.refuse(agent, key, error)
  }
}
