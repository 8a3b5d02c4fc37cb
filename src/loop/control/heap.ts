// How full the heap of this thread is. What it keeps: only what has outlived a full collection counts, so garbage never
// has a thread recycled; and nothing is asked for where little is to be won, so a heap full of state is not recycled
// again and again. Node tells of collections after they happened; a message costs nothing.

import { constants, PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { resourceLimits } from 'node:worker_threads'
import { steadyNow } from '../../base/real-time.js'
import type { Heap } from '../base/reports.js'

const MB = 2 ** 20
/** From 24 on the end of a thread's heap may be that of the process, or, on 26, hang the thread: `failure/heap` shows both. */
export const heapEndIsCaught = Number.parseInt(process.versions.node, 10) < 24
/**
 * The share of a limit at which a thread is recycled if nothing else is said: from 0.8 on V8 gives a heap up when collections
 * in a row free little. Where its end cannot be caught, more is left for what the turns take until the next full collection.
 */
export const RECYCLE_AT = heapEndIsCaught ? 0.7 : 0.5
const SELDOM_MS = 250
/** The part of the threshold that recycling must free to be worth while. */
const WORTH = 1 / 4

/** Watches the heap of the calling thread. */
export class HeapWatch {
  readonly #threshold: number
  /** What the life began with: recycling would bring it back. */
  #base = 0
  #told = 0

  /**
   * @param share of the heap's limit
   * @param full told that the thread is worth recycling; again and again, as long as it is
   */
  constructor(share: number, full: (heap: Heap) => void) {
    this.#threshold = (resourceLimits.maxOldGenerationSizeMb ?? getHeapStatistics().heap_size_limit / MB) * MB * share
    const observer = new PerformanceObserver(list => {
      const entries = list.getEntries() as unknown as readonly { readonly detail: { readonly kind: number } }[]
      if (!entries.some(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR)) return
      const heap = this.now()
      if (heap.used < this.#threshold || heap.used - this.#base < this.#threshold * WORTH) return
      const now = steadyNow()
      if (now - this.#told < SELDOM_MS) return
      this.#told = now
      full(heap)
    })
    observer.observe({ entryTypes: ['gc'] })
  }

  now(): Heap {
    return { used: getHeapStatistics().used_heap_size, threshold: this.#threshold }
  }

  /** Everything of the life before has moved in. */
  begin(): Heap {
    const heap = this.now()
    this.#base = heap.used
    return heap
  }

  /** Whether recycling has freed little. */
  static isLittle(before: Heap, after: Heap): boolean {
    return before.used - after.used < before.threshold * WORTH
  }
}
