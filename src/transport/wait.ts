// How a loop waits for work: named strategies behind one small interface. All go by the bell, so a sender never needs
// to know which is in use. The rule that all keep: arm the bell first, look for work once more, only then sleep.
import { type Bell, DOZING, PARKED, WAITING } from '../sync/bell.js'

/**
 * `'poll'` (default): looks again at every turn of the event loop for a while, then sleeps until a doorbell message;
 * timers and I/O of agents run as ever. `'park'`: sleeps in `Atomics.wait` when the thread has nothing of its own to
 * wait for (no timer, handle or pending handler), else like `'poll'`. A thread's unref'd timers and native work that
 * Node does not list may then be late by up to 100 ms.
 * @example await createRuntime({ agents: [new URL('./agents.js', import.meta.url)], wait: 'park' })
 */
export type WaitStrategyName = 'poll' | 'park'

/** What a strategy needs to know of the loop that wants to sleep. */
export interface Sleeper {
  readonly bell: Bell
  /** Whether it looks again by itself, soon. */
  readonly doze: boolean
  /** Whether there is work now; asked again after the bell is armed. */
  hasWork(): boolean
  /** Whether turns are at work. */
  pending(): boolean
  /** Links of the loop: each has a port that Node lists. */
  links(): number
}

/** A way to wait. */
export interface WaitStrategy {
  /** @returns true to look for work at once; false when a doorbell message will come */
  sleep(sleeper: Sleeper): boolean
}

const SLICE_MS = 100

class Doorbell implements WaitStrategy {
  sleep(sleeper: Sleeper): boolean {
    sleeper.bell.arm(sleeper.doze ? DOZING : PARKED)
    if (!sleeper.hasWork()) return false
    sleeper.bell.disarm()
    return true
  }
}

class Park implements WaitStrategy {
  readonly #doorbell = new Doorbell()
  #ports = -1

  sleep(sleeper: Sleeper): boolean {
    if (sleeper.pending() || !this.#nothingOfItsOwn(sleeper.links())) return this.#doorbell.sleep(sleeper)
    sleeper.bell.arm(WAITING)
    if (sleeper.bell.called() || sleeper.hasWork()) sleeper.bell.disarm()
    else sleeper.bell.wait(SLICE_MS)
    return true
  }

  /** Node lists what keeps the event loop busy; ports of the thread itself are what is listed when it first sleeps. */
  #nothingOfItsOwn(links: number): boolean {
    const resources = process.getActiveResourcesInfo()
    if (this.#ports < 0) this.#ports = resources.filter(kind => kind === 'MessagePort').length - links
    return resources.length <= this.#ports + links && resources.every(kind => kind === 'MessagePort')
  }
}

/** Makes the strategy of that name. */
export function waitStrategy(name: WaitStrategyName): WaitStrategy {
  return name === 'park' ? new Park() : new Doorbell()
}
