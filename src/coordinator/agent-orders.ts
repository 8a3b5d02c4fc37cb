// What the handle of one agent orders: its state and its life, wherever it lives. What it keeps: an order that was given a time limit is
// told of within it, also when the thread that is to carry it out does not come back to its event loop; when it does, it is done.
import type { Handle } from '../agent/context.js'
import { StoppedError, ThreadLostError, TimeoutError } from '../agent/errors.js'
import type { AgentId } from '../agent/ids.js'
import type { MessageType } from '../agent/message.js'
import { type EventLoop, within } from '../loop/base/event-loop.js'
import { unwrap } from '../loop/control/orders.js'
import { plain } from '../loop/control/snapshots.js'
import type { StatefulHandle, StopOptions } from './api.js'
import { saveLimit, stopOptions } from './arguments.js'
import type { Coordinator } from './coordinator.js'

/** How long a loop gets beyond a time limit to say what it could not do in time. */
const GRACE_MS = 1_000

/** What these orders need of their runtime. */
export interface Runs {
  /** The present run. */
  run(): Coordinator
  running(): boolean
  /** When it has stopped, if it is being stopped. */
  stopping(): Promise<void> | undefined
  readonly eventLoop: EventLoop
}

/** A handle that holds the agent's state and life too. */
export function statefulHandle<H extends MessageType>(runs: Runs, handle: Handle<H>): StatefulHandle<H> {
  const { id } = handle
  const text = id.toString()
  return {
    ...handle,
    saveState: async () => {
      const saved = unwrap(await runs.run().order(id, control => control.save(text)))
      return saved[0]?.state
    },
    loadState: async state => {
      plain(id, state) // on every engine alike; across threads it would only be said that it cannot be cloned
      const run = runs.run()
      const version = run.registry.types.get(id.type)?.version ?? 1
      const one = { agent: text, version, state }
      const limit = saveLimit('loadState()')
      const loaded = run.order(id, control => control.restore([one], limit))
      await inTime(runs, id, 'loadState()', limit, loaded)
      unwrap(await loaded)
    },
    stop: options => stop(runs, id, options),
    pause: () => runs.run().order(id, control => control.pauseAgent(text)),
    resume: () => runs.run().order(id, control => control.resumeAgent(text)),
  }
}

async function stop(runs: Runs, id: AgentId, given?: StopOptions): Promise<void> {
  const text = id.toString()
  const { drain, timeout } = stopOptions(`stop() of ${text}`, given)
  const run = runs.run()
  try {
    if (drain) {
      const stopped = run.host.outgoing.stop(id) // at once: in order with what was sent before and after
      stopped.catch(() => {})
      const resumed = run.order(id, control => control.resumeAgent(text)) // or what waits would wait for ever
      if (
        await within(
          runs.eventLoop,
          timeout,
          resumed.then(() => stopped),
        )
      )
        return
    }
    await inTime(runs, id, 'stop()', timeout, run.dropAgent(id, timeout))
  } catch (error) {
    const gone = error instanceof StoppedError || error instanceof ThreadLostError
    if (runs.running() || !gone) throw error
    await runs.stopping() // it stops with all the others, or has
  }
}

/** @throws TimeoutError */
async function inTime(runs: Runs, id: AgentId, what: string, ms: number, order: Promise<unknown>): Promise<void> {
  if (await within(runs.eventLoop, ms + GRACE_MS, order)) return
  const agent = id.toString()
  const { loop: thread } = runs.run().host.directory.of(id)
  throw new TimeoutError(
    `${what} of ${agent} was not done in ${ms} ms, since thread ${thread} does not come back to its event loop; it is done when that does`,
    { agent, thread },
  )
}
