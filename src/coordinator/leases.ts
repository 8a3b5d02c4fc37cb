// Who can still reach which shared memory. What it keeps: memory goes back to the pool once, and only when each loop that
// had it has let go of it: its thread was seen to exit, or the loop said that it has detached. A thread that does not exit
// (a zombie) never lets go, so what it may still write to is never anybody else's.
import type { MemoryPool } from '../sync/pool.js'

/** Memory that some loops share. */
interface Lease<Holder> {
  readonly memory: readonly SharedArrayBuffer[]
  readonly of: readonly Holder[]
  readonly holders: Set<Holder>
}

/** The shared memory of one run of a runtime. */
export class Leases<Holder> {
  readonly #pool: MemoryPool
  readonly #leases = new Set<Lease<Holder>>()
  /** Leases of each piece. */
  readonly #counts = new Map<SharedArrayBuffer, number>()

  constructor(pool: MemoryPool) {
    this.#pool = pool
  }

  /** These loops have this memory. Other loops may have parts of it too. */
  grant(memory: readonly SharedArrayBuffer[], ...of: readonly Holder[]): void {
    this.#leases.add({ memory, of, holders: new Set(of) })
    for (const piece of memory) this.#counts.set(piece, (this.#counts.get(piece) ?? 0) + 1)
  }

  /** A loop can reach nothing any more of what it shares with `other`; without `other`: nothing at all. */
  letGo(holder: Holder, other?: Holder): void {
    for (const lease of this.#leases) {
      if (other !== undefined && !lease.of.includes(other)) continue
      if (!lease.holders.delete(holder) || lease.holders.size > 0) continue
      this.#leases.delete(lease)
      for (const piece of lease.memory) this.#giveUp(piece)
    }
  }

  #giveUp(piece: SharedArrayBuffer): void {
    const left = (this.#counts.get(piece) as number) - 1
    if (left > 0) {
      this.#counts.set(piece, left)
      return
    }
    this.#counts.delete(piece)
    this.#pool.give(piece)
  }
}
