// Sends with a time limit. The limit holds for the whole send, also for what comes before the message leaves; when it is
// over the caller is told at once, and the callee by its signal, as if the caller had aborted one.

import { checkMs } from '../../agent/check.js'
import type { SendOptions } from '../../agent/context.js'
import { TimeoutError } from '../../agent/errors.js'
import type { AgentId } from '../../agent/ids.js'
import { follow, type GivesUp, promised } from '../base/cancellation.js'
import type { Clock } from '../base/clock.js'

/**
 * Runs `send` with a signal that aborts when `options.timeout` is over, or with the signal of the options.
 * @param sender see {@link promised}
 */
export function limited(
  clock: Clock,
  sender: GivesUp | undefined,
  name: string,
  recipient: AgentId | string,
  { timeout = 0, signal, ...options }: SendOptions,
  send: (options: SendOptions) => Promise<unknown>,
): Promise<unknown> {
  const limit = new Promise((resolve, reject) => {
    checkMs(`send '${name}': timeout`, timeout, 1)
    const controller = new AbortController()
    const give = (): void => controller.abort(signal?.reason)
    if (signal?.aborted === true) give()
    const unfollow = signal === undefined || signal.aborted ? undefined : follow(signal, give)
    const alarm = clock.after(timeout, () => {
      const agent = `${recipient}`
      const error = new TimeoutError(`'${name}' for ${agent} was not answered in ${timeout} ms`, {
        agent,
        message: name,
      })
      reject(error) // first: what the abort rejects with comes too late
      controller.abort(error)
    })
    const done = (): void => {
      alarm.cancel()
      unfollow?.()
    }
    send({ ...options, signal: controller.signal })
      .then(resolve, reject)
      .finally(done)
  })
  return promised(sender, limit)
}
