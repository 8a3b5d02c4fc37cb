// What is kept of agents outside their thread. What it keeps: a checkpoint is in the host's ring before the answer of
// the turn that called for it is given, so whoever has that answer finds its effect after a crash; an agent that comes
// back gets its last checkpoint, once, and is told; one that was stopped does not come back.
import { StateError, textOf } from '../../agent/errors.js'
import type { Clock } from '../base/clock.js'
import type { Ledger } from '../base/ledger.js'
import type { Kept, Reports } from '../base/reports.js'
import type { HostedType } from '../hosted.js'
import type { Stage } from './stage.js'

/** An agent whose state may be kept. */
export interface Keepable {
  readonly text: string
  readonly type: HostedType
  readonly state: unknown
  /** Turns since its state was kept last. */
  unkept: number
  readonly gone: boolean
  readonly stage: Stage
}

/** Writes the checkpoints of one loop, and holds those of the life before it. */
export class Checkpoints {
  readonly #reports: Reports
  readonly #clock: Clock
  readonly #ledger: Ledger
  /** Shows the host what was written for it. */
  readonly #show: () => void
  readonly #left = new Map<string, Kept>()
  /** By milliseconds of `everyMs`: agents that changed. */
  readonly #changed = new Map<number, Set<Keepable>>()
  /** Agents that are being made and have asked to be kept: they are when they are there, or not at all. */
  readonly #asked = new Set<Keepable>()
  /** Agents whose last checkpoint waits for room in the host's ring, and when it has it. */
  readonly #late = new Map<Keepable, Promise<void>>()

  constructor(reports: Reports, clock: Clock, ledger: Ledger, show: () => void) {
    this.#reports = reports
    this.#clock = clock
    this.#ledger = ledger
    this.#show = show
  }

  /** Takes what the life before left. */
  remember(kept: readonly Kept[]): void {
    for (const one of kept) this.#left.set(one.agent, one)
  }

  /** States of agents that have not come back yet. */
  get waiting(): Iterable<Kept> {
    return this.#left.values()
  }

  /** What a life before left of this agent. */
  left(agent: string): Kept | undefined {
    return this.#left.get(agent)
  }

  /** The agent has moved in with the state it had: what was kept of it before means nothing. */
  movedIn(agent: string): void {
    this.#left.delete(agent)
  }

  /** This is what is kept of an agent that is not there. */
  tell(kept: Kept): void {
    if (this.#reports.index !== 0) this.#reports.tellHost({ kind: 'kept', kept }, true)
  }

  /** The agent is there: it was made, or came back. */
  begun(cell: Keepable): void {
    this.#left.delete(cell.text)
    const asked = this.#asked.delete(cell)
    if (isKept(cell)) this.#tell(cell, asked)
  }

  /** The agent could not be made. */
  unmade(cell: Keepable): void {
    this.#asked.delete(cell)
  }

  /** The agent was stopped, perhaps before it came back. */
  forget(cell: Keepable): void {
    this.#left.delete(cell.text)
    this.#asked.delete(cell)
    if (!isKept(cell)) return
    for (const changed of this.#changed.values()) changed.delete(cell)
    // whatever the host's backlog, or it would come back; no more of these than agents
    this.tell({ agent: cell.text, gone: true })
  }

  /**
   * A turn of an agent whose type has checkpoints has ended.
   * @returns when its outcome may be given, if not now. A checkpoint that waits for room ends with its thread, but an answer need
   *   not wait with it: the caller may be on this thread, or on another, to which there is room, and tell the world
   */
  turnEnded(cell: Keepable): Promise<void> | undefined {
    this.#count(cell)
    return this.#late.size === 0 ? undefined : this.#late.get(cell)
  }

  #count(cell: Keepable): void {
    const { checkpoint } = cell.type
    if (checkpoint === undefined || checkpoint === 'on-demand' || cell.gone) return
    if ('everyMessages' in checkpoint) {
      if (++cell.unkept >= checkpoint.everyMessages) this.save(cell)
      return
    }
    const { everyMs } = checkpoint
    const changed = this.#changed.get(everyMs)
    if (changed !== undefined) {
      changed.add(cell)
      return
    }
    this.#changed.set(everyMs, new Set([cell]))
    this.#clock.after(everyMs, () => this.#saveChanged(everyMs), { weak: true })
  }

  /** Keeps the state as it is now, unless the agent has stopped. On the calling loop there is nothing to keep it from. */
  save(cell: Keepable): void {
    cell.unkept = 0
    if (cell.stage === 'starting') this.#asked.add(cell)
    else if (!cell.gone) this.#tell(cell, true)
  }

  /** The agent is unloaded, and with its cell goes what says that it changed: so what changed is kept now. */
  unloaded(cell: Keepable): void {
    let changed = cell.unkept > 0
    for (const cells of this.#changed.values()) changed = cells.delete(cell) || changed
    if (changed) this.save(cell)
  }

  #saveChanged(everyMs: number): void {
    const changed = this.#changed.get(everyMs)
    this.#changed.delete(everyMs)
    for (const cell of changed ?? []) this.save(cell)
    this.#ledger.changed()
  }

  #tell(cell: Keepable, withState: boolean): void {
    if (this.#reports.index === 0) return
    try {
      const state = withState ? { state: { value: cell.state } } : {}
      let written: (() => void) | undefined
      const told = this.#reports.tellHost({ kind: 'kept', kept: { agent: cell.text, ...state } }, false, () =>
        written?.(),
      )
      if (!told)
        cell.unkept++ // the host is behind; the next turn tries again
      else if (withState && (this.#reports.behind ?? 0) > 0) {
        const late = new Promise<void>(resolve => {
          written = () => {
            this.#show()
            resolve()
            // behind the answers that wait for it: a later turn's must not go before them
            void late.then(() => {
              if (this.#late.get(cell) === late) this.#late.delete(cell)
            })
          }
        })
        this.#late.set(cell, late)
      }
      this.#show() // now: the answer may go to an agent on this thread, and it to the world
    } catch (error) {
      const text = `the state of ${cell.text} cannot be kept: ${textOf(error)}`
      this.#reports.unhandled(cell, undefined, new StateError(text, { agent: cell.text, cause: error }))
    }
  }
}

function isKept({ type }: Keepable): boolean {
  return type.checkpoint !== undefined || type.spec.onRestart !== undefined
}
