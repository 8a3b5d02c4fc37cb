// A module whose top-level await waits for what cannot come. A process of its own Node would end, with exit code 13, once nothing
// is left in the event loop; a thread of ours always has the ports by which it is told things. So these do not count while it
// is asked: then Node's `beforeExit` says just that. What it keeps: the thread is never without its ports when Node looks
// whether to end it; and ports that came later, which may be the module's, do count.
import { MessagePort } from 'node:worker_threads'
import { ownEventLoop, within } from '../base/event-loop.js'

/** Then it is asked once more: Node does not count timers that were unref'd, nor `Atomics.waitAsync`. */
const AGAIN_MS = 2_000

/** Knows when nothing on this thread could end a wait. */
export class Deserted {
  /** Those of the library and of the pool: they were there when the first module began to load. */
  #ports: readonly MessagePort[] | undefined
  /** Of each module that is asked for: what to tell when nothing is left. One listener of `beforeExit` serves all. */
  readonly #asking = new Set<() => void>()

  /** @returns whether all that could end `loading` was over before that was; never more than it takes */
  async before(loading: Promise<unknown>): Promise<boolean> {
    const ended = loading.then(
      () => false,
      () => false,
    )
    if (!(await this.#asked(ended)) || (await within(ownEventLoop, AGAIN_MS, ended))) return false
    return this.#asked(ended)
  }

  async #asked(ended: Promise<boolean>): Promise<boolean> {
    this.#ports ??= activePorts()
    let stay = (): void => {}
    const deserted = new Promise<boolean>(resolve => {
      stay = () => resolve(true)
    })
    if (this.#asking.size === 0) process.on('beforeExit', this.#empty)
    this.#asking.add(stay)
    for (const port of this.#ports) port.unref()
    try {
      return await Promise.race([ended, deserted])
    } finally {
      this.#asking.delete(stay)
      if (this.#asking.size === 0) {
        process.off('beforeExit', this.#empty)
        for (const port of this.#ports) port.ref()
      }
    }
  }

  /** Nothing is left that Node would wait for. It goes on because of the ports. */
  readonly #empty = (): void => {
    for (const port of this.#ports ?? []) port.ref()
    for (const stay of this.#asking) stay()
  }
}

/** Bun and Deno do not have what is asked for here; then nothing is ever found to be deserted. */
function activePorts(): MessagePort[] {
  const { _getActiveHandles: active } = process as { _getActiveHandles?: () => unknown[] }
  return (active?.() ?? []).filter(handle => handle instanceof MessagePort)
}
