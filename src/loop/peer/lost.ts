// What is told of a thread that was lost: whether the handler may have run, and what can be done.
import { ThreadLostError } from '../../agent/errors.js'
import type { Waiter } from './waiter.js'

/** @param what what was asked of the thread */
export function lostError(
  thread: number,
  why: string,
  maybeExecuted: boolean,
  what?: Pick<Waiter, 'agent' | 'name'>,
  forGood = false,
): ThreadLostError {
  const handler = what === undefined ? 'the handler' : `the handler of '${what.name}' at ${what.agent}`
  const retry = forGood ? 'the thread is not started again' : 'a retry is safe'
  const executed = maybeExecuted ? `${handler} may have run` : `${handler} did not run; ${retry}`
  const details = { thread, agent: what?.agent, message: what?.name }
  return new ThreadLostError(`thread ${thread} was lost: ${why} (${executed})`, maybeExecuted, details, forGood)
}
