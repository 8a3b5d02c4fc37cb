// What came from one life of another loop and can still be cancelled, by the asker's slot. What it keeps: a CANCEL frame meets its
// request, whichever of the two comes first. Each life has one of its own, since the next one gives the same slots again.
import type { Cancellation } from '../base/cancellation.js'
import type { Waiter } from './waiter.js'

/** Who asked. */
export type Asker = Pick<Waiter, 'slot' | 'generation'>

/** What can be cancelled by CANCEL frames of one life. */
export class Inbound {
  readonly #open = new Map<number, { readonly generation: number; readonly cancellation: Cancellation }>()
  /** CANCEL frames of what has not come, or was answered; the next call with the slot has no use for the latter. */
  readonly #early = new Map<number, { readonly generation: number; readonly reason: unknown }>()

  get size(): number {
    return this.#open.size
  }

  /** It has come. */
  begin({ slot, generation }: Asker, cancellation: Cancellation): void {
    const early = this.#early.get(slot)
    if (early !== undefined) {
      this.#early.delete(slot)
      if (early.generation === generation) cancellation.cancel(early.reason)
    }
    this.#open.set(slot, { generation, cancellation })
  }

  /**
   * The lanes are apart: a CANCEL may come before its request, or after its answer. The flag does not always speak for it then: it
   * may be that of a call which began it all, was answered, and has left its slot to another.
   */
  cancel({ slot, generation }: Asker, reason: unknown): void {
    const target = this.#open.get(slot)
    if (target?.generation === generation) target.cancellation.cancel(reason)
    else this.#early.set(slot, { generation, reason })
  }

  /** It has its outcome. */
  end({ slot, generation }: Asker): void {
    if (this.#open.size > 0 && this.#open.get(slot)?.generation === generation) this.#open.delete(slot)
  }
}
