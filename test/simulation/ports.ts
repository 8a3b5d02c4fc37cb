// Message ports of the simulated machine. What they keep: messages of one port come in order, some time after they were
// sent; one that was sent arrives, also when its sender ends at once; nothing arrives at a port that was closed.
import type { SimThread, World } from './world.js'

type Listener = (message: unknown) => void
/** In place of a message: the other end was closed. */
const CLOSED = Symbol('closed')

/** One end of a channel. */
export class SimPort {
  readonly name: string
  readonly #world: World
  #other: SimPort | undefined
  #owner: SimThread | undefined
  #inbox: { readonly message: unknown; readonly at: number }[] = []
  #listener: Listener | undefined
  #closed = false

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
  }

  join(other: SimPort): void {
    this.#other = other
    other.#other = this
  }

  /** The port is a thread's from now on. */
  moveTo(thread: SimThread): void {
    if (this.#closed) return
    this.#leave()
    if (thread.over) return this.close()
    this.#owner = thread
    thread.ports.push(this)
  }

  postMessage(message: unknown, transfer: readonly ArrayBuffer[] = []): void {
    const other = this.#other as SimPort
    const copy: unknown = structuredClone(message, { transfer: [...transfer] })
    if (this.#open && other.#open) other.#put(copy)
    this.#world.moments.mark()
  }

  /** Sends what cannot be cloned. */
  hand(message: unknown): void {
    const other = this.#other as SimPort
    if (this.#open && other.#open) other.#put(message)
  }

  on(_: 'message', listener: Listener): void {
    this.#listener = listener
  }

  /** When its next message has come. */
  get due(): number {
    const [next] = this.#inbox
    if (next === undefined) return Number.POSITIVE_INFINITY
    return this.#listener === undefined && next.message !== CLOSED ? Number.POSITIVE_INFINITY : next.at
  }

  deliver(): void {
    const next = this.#inbox.shift()
    if (next?.message === CLOSED) this.close()
    else if (next !== undefined) this.#listener?.(next.message)
  }

  receive(): { readonly message: unknown } | undefined {
    return this.#inbox[0]?.message === CLOSED ? undefined : this.#inbox.shift()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#inbox = []
    this.#leave()
    const other = this.#other as SimPort
    if (!other.#closed) other.#put(CLOSED) // once it has what was sent
  }

  get #open(): boolean {
    return !this.#closed && this.#owner?.over !== true
  }

  #put(message: unknown): void {
    const { pace } = this.#world
    const last = this.#inbox.at(-1)?.at ?? 0
    const at = Math.max(last, this.#world.now + this.#world.chance() * pace.port)
    this.#inbox.push({ message, at })
  }

  #leave(): void {
    const ports = this.#owner?.ports ?? []
    if (ports.includes(this)) ports.splice(ports.indexOf(this), 1)
  }
}
