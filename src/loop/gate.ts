// The gate that holds back what the application sends: before the runtime has begun, and while state is saved or loaded.
// What it keeps: what was held goes in the order in which it was sent, and before anything that is sent later.
import { Queue } from '../transport/queue.js'

/** Whoever needs quiet closes it; it opens when the last of them opens it. */
export class Gate {
  #closers = 0
  readonly #held = new Queue<() => void>()

  get closed(): boolean {
    return this.#closers > 0
  }

  close(): void {
    this.#closers++
  }

  open(): void {
    if (this.#closers === 0 || --this.#closers > 0) return
    for (let next = this.#held.shift(); next !== undefined; next = this.#held.shift()) next()
  }

  /** Opens it whoever has closed it: the loop has stopped, and what was held is to be told so. */
  give(): void {
    this.#closers = Math.min(this.#closers, 1)
    this.open()
  }

  /** Sends once it is open. @param send never throws; everything is in its promise */
  hold<T>(send: () => Promise<T>): Promise<T> {
    return new Promise(resolve => this.#held.push(() => resolve(send())))
  }
}
