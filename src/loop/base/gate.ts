// The gate that holds back what the application sends: before the runtime has begun, and while state is saved or loaded.
// What it keeps: what was held goes in the order in which it was sent, and before anything that is sent later.
import { Queue } from '../../transport/queue.js'

/** Whoever needs quiet closes it; it opens when the last of them opens it. */
export class Gate {
  #closers = 0
  #given = false
  readonly #held = new Queue<() => void>()

  get closed(): boolean {
    return this.#closers > 0
  }

  close(): void {
    if (!this.#given) this.#closers++
  }

  open(): void {
    if (this.#closers === 0 || --this.#closers > 0) return
    this.#send()
  }

  /** Opens it for good, whoever has closed it: the loop has stopped, and what was held is to be told so. */
  give(): void {
    this.#given = true
    this.#closers = 0
    this.#send()
  }

  /** Sends what was held, up to where it is closed again. */
  #send(): void {
    while (this.#closers === 0) {
      const next = this.#held.shift()
      if (next === undefined) return
      next()
    }
  }

  /** Sends once it is open, behind what was held before. @param send never throws; everything is in its promise */
  hold<T>(send: () => Promise<T>): Promise<T> {
    return new Promise(resolve => this.#held.push(() => resolve(send())))
  }
}
