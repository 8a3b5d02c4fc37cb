// Entries of the event log on their way from a thread to the host. What it keeps: they go in order, many in one frame,
// and no later than the loop shows what it did; when the host is far behind they are left out, and it is told how many.
import { wallNow } from '../../base/real-time.js'
import type { LogEntry } from '../../observe/log.js'

/** Entries of one frame: so many fit into a ring of ordinary size. */
const FRAME = 64
/** Entries that may wait for a host that is slower than its threads. */
const MOST = 16_384

/** Where entries go. */
export interface LogLane {
  readonly index: number
  /** Frames that wait for the host; undefined while there is no way to it. */
  readonly behind: number | undefined
  /** There is something to show. */
  sentOut(): void
  take(entries: readonly LogEntry[]): void
}

/** Collects the entries of one thread. */
export class LogBatch {
  readonly #lane: LogLane
  #entries: LogEntry[] = []
  #leftOut = 0

  constructor(lane: LogLane) {
    this.#lane = lane
  }

  add(entry: LogEntry): void {
    this.#entries.push(entry)
    if (this.#entries.length >= FRAME) this.flush()
    else if (this.#entries.length === 1) this.#lane.sentOut()
  }

  /** Writes what there is, unless a frame can still grow because others wait before it. */
  flush(): void {
    const entries = this.#entries
    if (entries.length === 0 && this.#leftOut === 0) return
    const { behind = MOST, index } = this.#lane
    if (behind > 0 && entries.length < FRAME) return
    this.#entries = []
    if (behind >= MOST / FRAME) {
      this.#leftOut += entries.length
      return
    }
    if (this.#leftOut > 0) {
      const reason = `${this.#leftOut} entries of the event log were left out: the calling loop was behind`
      entries.unshift({ event: 'drop', loop: index, time: wallNow(), reason })
      this.#leftOut = 0
    }
    this.#lane.take(entries)
  }
}
