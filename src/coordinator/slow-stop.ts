// Who holds up a stop, in words. What it keeps: whoever asks is answered in a moment, also for loops that do not come by: of these it
// is said that they do not.
import { StoppedError, TimeoutError } from '../agent/errors.js'
import { type EventLoop, within } from '../loop/base/event-loop.js'
import type { Busy } from '../loop/cell/agents.js'
import type { Loop } from '../loop/loop.js'
import type { LoopHandle, Mesh } from './mesh.js'

/** How long loops get to say who is at work, at most. */
const ASK_MS = 200
/** A drain that takes longer is told of. */
const SLOW_MS = 3_000

/** How a loop ended when the runtime stopped. */
export interface LoopEnd {
  readonly index: number
  /** What `onStop` threw. */
  readonly failures: readonly unknown[]
  /** What was not waited for any longer; `'lost'`: the loop did not come by, and nobody knows. */
  readonly left: Busy | 'lost' | undefined
}

/** Tells who holds up the stop of one run. */
export class SlowStop {
  readonly #host: Loop
  readonly #mesh: Mesh
  readonly #eventLoop: EventLoop

  constructor(host: Loop, mesh: Mesh, eventLoop: EventLoop) {
    this.#host = host
    this.#mesh = mesh
    this.#eventLoop = eventLoop
  }

  /**
   * Waits for a drain. Of one that takes long it is told who holds it up; and of one that does not end in time, to all that is
   * dropped, as the reason.
   * @returns whether it was in time
   */
  async drained(ms: number, drain: Promise<unknown>): Promise<boolean> {
    const ask = Math.min(ASK_MS, ms / 2)
    const last = ms - ask
    const first = Math.min(last, SLOW_MS)
    if (await within(this.#eventLoop, first, drain)) return true
    if (last > first) {
      const busy = await this.#busy(ask)
      if (busy !== undefined) this.#tell(`stop() has taken ${first} ms so far`, busy)
      if (await within(this.#eventLoop, last - first - ask, drain)) return true
    }
    const asked = this.#busy(ask) // within the time, which it does not make longer
    if (await within(this.#eventLoop, ask, drain)) return true
    const busy = await asked
    if (busy === undefined) return false
    const why = this.#tell(`the runtime was stopped; stop() had not drained it after ${ms} ms`, busy)
    const { admission } = this.#host
    if (!admission.closed) admission.failWith(new StoppedError(why))
    return false
  }

  /** Tells what the stop did not wait for. @returns an error if agents had no time for their `onStop` */
  left(ends: readonly LoopEnd[]): TimeoutError | undefined {
    const busy = this.#text(ends)
    let count = 0
    for (const { left } of ends) if (left !== undefined && left !== 'lost') count += left.unstopped
    if (busy === undefined && count === 0) return undefined
    const missed = count === 0 ? '' : `; there was no time for the onStop of ${count} agents`
    const text = `the runtime has stopped${missed}${busy === undefined ? '' : `; it did not wait any longer for ${busy}`}`
    this.#host.reports.observer.heldUp('left', text)
    return count === 0 ? undefined : new TimeoutError(text)
  }

  #tell(since: string, busy: string): string {
    const text = `${since}: it waits for ${busy}`
    this.#host.reports.observer.heldUp(since, text)
    return text
  }

  /** Who is at work, asked of all loops for so long; undefined if nobody is known to be. */
  async #busy(ms: number): Promise<string | undefined> {
    const { loops } = this.#mesh
    const found = new Map<number, Busy>()
    const asked = loops.map(async loop => void found.set(loop.index, await busyOn(loop)))
    await within(this.#eventLoop, ms, Promise.allSettled(asked))
    return this.#text(loops.map(({ index }) => ({ index, failures: [], left: found.get(index) ?? 'lost' })))
  }

  #text(ends: readonly LoopEnd[]): string | undefined {
    const parts: string[] = []
    for (const { index, left } of ends) {
      const where = index === 0 ? 'the calling loop' : `thread ${index}`
      if (left === 'lost') parts.push(`${where}, which does not come back to its event loop${this.calls(index)}`)
      else if (left !== undefined && left.agents.length > 0) {
        const more = left.more === 0 ? '' : ` and ${left.more} more`
        parts.push(`${left.agents.join(', ')}${more}, on ${where}`)
      }
    }
    return parts.length === 0 ? undefined : parts.join('; ')
  }

  /** What the calling loop waits for on a thread, as the end of a sentence. */
  calls(thread: number): string {
    const calls = this.#host.peers.callsTo(thread)
    return calls.length === 0 ? '' : `; the calling loop waits there for ${calls.join(', ')}`
  }
}

function busyOn(loop: LoopHandle): Promise<Busy> {
  return loop.order(control => control.busy())
}
