// The routes on their way to the loops. What it keeps: when it resolves, every loop knows what was registered when it was asked for;
// to each loop goes what it does not know yet, and all that changes while it is told of something goes together.

import type { Loop } from '../loop/loop.js'
import type { House } from '../sync/status.js'
import type { LoopHandle, Mesh } from './mesh.js'
import type { Registry } from './registry.js'

/** Has the loops know the routes. */
export class Rerouting {
  readonly #mesh: Mesh
  readonly #registry: Registry
  readonly #host: Loop
  readonly #house: House
  /** The version of the table that a loop was given last. */
  readonly #known = new WeakMap<LoopHandle, number>()
  /** What a loop is being told. */
  readonly #now = new WeakMap<LoopHandle, Promise<void>>()
  /** What it is told next, by when nothing of it is read yet. */
  readonly #next = new WeakMap<LoopHandle, Promise<void>>()

  constructor(mesh: Mesh, registry: Registry, host: Loop, house: House) {
    this.#mesh = mesh
    this.#registry = registry
    this.#host = host
    this.#house = house
  }

  everywhere(): Promise<void> {
    return this.#mesh.everywhere(loop => this.#tell(loop))
  }

  #tell(loop: LoopHandle): Promise<void> {
    const waiting = this.#next.get(loop)
    if (waiting !== undefined) return waiting
    const before = this.#now.get(loop)?.catch(() => {}) ?? Promise.resolve()
    const next = before.then(() => {
      this.#next.delete(loop)
      const now = this.#give(loop)
      this.#now.set(loop, now)
      return now
    })
    this.#next.set(loop, next)
    return next
  }

  async #give(loop: LoopHandle): Promise<void> {
    await this.written(loop, Number.POSITIVE_INFINITY)
    const change = this.#registry.since(this.#known.get(loop))
    await loop.order(control => ('types' in change ? control.route(change) : control.reroute(change)))
    this.#known.set(loop, change.version)
  }

  /** When all that was sent from here to a loop is in its ring; or after `ms`. An order that comes then can have it taken in. */
  async written(loop: LoopHandle, ms: number): Promise<void> {
    if (loop.index === 0) return
    const sent = this.#host.peers.of(loop.index).sending()
    const end = this.#house.now() + ms
    while (!sent() && this.#house.now() <= end) await loop.order(control => control.takeIn())
  }
}
