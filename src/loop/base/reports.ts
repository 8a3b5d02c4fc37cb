// What a loop tells the host, which owns the runtime: its event log, errors that nobody waits for, checkpoints, dead
// letters. What it keeps: reports go in order, in the lane of answers, which nothing fills up for ever; an error is told
// of even if it cannot cross threads; and one that nobody listens to is not lost in silence.

import { CancelledError, lineOf, StoppedError, stackOf, textOf } from '../../agent/errors.js'
import type { TopicId } from '../../agent/ids.js'
import { TIMER } from '../../agent/message.js'
import { wallNow } from '../../base/real-time.js'
import type { Letter, LogEntry } from '../../observe/log.js'
import { Observer } from '../../observe/observer.js'
import { emitWarning, type Warning, Warnings } from '../../observe/warning.js'
import { LogBatch, type LogLane } from './log-batch.js'
import type { Message, Origin, Parcel } from './message.js'

/** Reports that may wait for a host that is slower than its threads; more are left out. */
const MAX_REPORTS = 16_384
/** There are few of them, whatever an application does, and nobody says them again: they are never left out. */
const never: ReadonlySet<Report['kind']> = new Set(['broken', 'stop', 'warning', 'stuck', 'full'])

/** An agent that lived on a thread, and the state it asked to keep. */
export interface Kept {
  readonly agent: string
  /** Undefined: nothing but that it was there. */
  readonly state?: { readonly value: unknown }
  /** It was stopped: nothing of it is to come back. */
  readonly gone?: true
}

/** Bytes of the heap of a thread. */
export interface Heap {
  readonly used: number
  /** When it is to be recycled. */
  readonly threshold: number
}

/**
 * What threads tell the host: entries of the event log, an error that nobody waits for, or one that ends the runtime, a checkpoint,
 * a dead letter, a warning, a link that makes no sense, a heap that is full, turns that seem to wait for themselves.
 */
export type Report =
  | { readonly kind: 'log'; readonly entries: readonly LogEntry[] }
  | { readonly kind: 'unhandled'; readonly error: unknown }
  | { readonly kind: 'kept'; readonly kept: Kept }
  | { readonly kind: 'dead'; readonly letter: Letter }
  | { readonly kind: 'broken'; readonly loop: number; readonly life: number; readonly why: string }
  | { readonly kind: 'stop'; readonly agent: string; readonly error: unknown }
  | { readonly kind: 'warning'; readonly warning: Warning }
  | { readonly kind: 'stuck' }
  | { readonly kind: 'full'; readonly loop: number; readonly life: number; readonly heap: Heap }

/** The way of reports to the host, for a loop that is not the host's. */
export interface HostLane {
  /** Frames that wait for the host; undefined while there is no way to it. */
  readonly behind: number | undefined
  /** @param written called once it can be shown, if it has to wait for room @throws DataCloneError */
  tell(report: Report, written?: () => void): void
  /** There is something to show. */
  sentOut(): void
}

/** What of errors and entries is wanted. */
interface Wanted {
  /** Entries for the event log. */
  readonly log: boolean
  /** Errors that nobody waits for. */
  readonly unhandled: boolean
}

/** The reports of one loop. */
export class Reports implements LogLane {
  /** Takes an entry for the event log; undefined while none are wanted. */
  readonly note: ((entry: LogEntry) => void) | undefined
  /** Host only: takes the reports of all loops. */
  onReport: ((report: Report) => void) | undefined
  readonly observer: Observer
  readonly index: number
  readonly #origin: Origin
  readonly #wanted: Wanted
  readonly #host: HostLane
  readonly #batch: LogBatch | undefined
  readonly #warnings: Warnings
  /** Reports that wait for the host. */
  #waiting = 0
  /** Errors that nobody waited for and that were left out. */
  #leftOut = 0

  /** @param host the way to it; the host itself has none and needs none */
  constructor(index: number, origin: Origin, wanted: Wanted, host: HostLane) {
    this.index = index
    this.#origin = origin
    this.#wanted = wanted
    this.#host = host
    if (wanted.log) {
      const batch = index === 0 ? undefined : new LogBatch(this)
      this.#batch = batch
      this.note = batch === undefined ? entry => this.take([entry]) : entry => batch.add(entry)
    }
    this.#warnings = new Warnings(index === 0 ? emitWarning : warning => this.#report({ kind: 'warning', warning }))
    this.observer = new Observer(index, this.note, warning => this.warn(warning))
  }

  /** Shows what was noted. */
  flush(): void {
    this.#batch?.flush()
    if (this.#leftOut === 0 || this.#waiting >= MAX_REPORTS) return
    const error = new Error(`${this.#leftOut} errors were left out: the calling loop was behind`)
    this.#leftOut = 0
    this.#report({ kind: 'unhandled', error })
  }

  // ---- as the log's lane ------------------------------------------------------------------------------------------

  /** Frames that wait for the host; undefined while there is no way to it. */
  get behind(): number | undefined {
    return this.#host.behind
  }

  sentOut(): void {
    this.#host.sentOut()
  }

  /** Entries of the event log are ready for the host. */
  take(entries: readonly LogEntry[]): void {
    this.#report({ kind: 'log', entries })
  }

  // ---- what is told -----------------------------------------------------------------------------------------------

  /** An error that no caller waits for. */
  unhandled(agent: { readonly text: string } | undefined, message: Message | undefined, error: unknown): void {
    const { observer, index } = this
    if (agent === undefined) observer.failed({ text: `loop ${index}` }, message, error)
    if (this.#wanted.unhandled) {
      if (!(error instanceof CancelledError)) this.#report({ kind: 'unhandled', error }) // else as somebody wished
    } else if (!this.#wanted.log && !observer.hears('error')) this.#unheard(agent?.text, message, error)
  }

  /** Nobody listens to errors: they must not go by unseen. The first of each kind stands for the others. */
  #unheard(agent: string | undefined, message: Message | undefined, error: unknown): void {
    if (error instanceof StoppedError || error instanceof CancelledError) return // as somebody wished
    const where = agent ?? `loop ${this.index}`
    const kind = `${agent?.slice(0, agent.indexOf('/'))} ${message?.name}`
    const what = message === undefined || message.name === TIMER ? '' : `'${message.name}' failed at `
    const detail = stackOf(error) || undefined
    this.warn({ code: 'RINGREEVE_ERROR', kind, text: `${what}${where}: ${lineOf(error)}`, detail })
  }

  /** Something that must not go by unseen, and nobody listens. */
  warn(warning: Warning): void {
    this.#warnings.warn(warning)
  }

  /** An agent's own loop or timer failed, and its `onError` says that this ends the runtime. */
  stopRuntime(agent: string, error: unknown): void {
    this.#report({ kind: 'stop', agent, error })
  }

  /** What comes from that loop makes no sense: one of the two ends has to begin again, and it is not the host. */
  broken({ peer, life }: { readonly peer: number; readonly life: number }, error: Error): void {
    if (peer === 0) throw error
    this.#report({ kind: 'broken', loop: peer, life, why: error.message })
  }

  /** A message is not given to anybody any more. */
  dead(letter: Letter): void {
    try {
      this.tellHost({ kind: 'dead', letter }, letter.reason === 'poison')
    } catch (error) {
      this.unhandled(undefined, undefined, error) // its payload cannot cross threads
    }
  }

  /** An event that nobody hears. */
  unheard(parcel: Parcel, topic: TopicId): void {
    this.dead({
      reason: 'no subscriber',
      detail: `nobody hears ${topic}`,
      time: wallNow(),
      message: parcel.name,
      messageId: parcel.id ?? `${this.#origin.text}.${parcel.sequence}`,
      sender: parcel.sender,
      recipient: undefined,
      topic: topic.toString(),
      payload: parcel.payload,
    })
  }

  // ---- on their way -----------------------------------------------------------------------------------------------

  /** A report of any loop arrived at the host. */
  reported(report: Report): void {
    this.onReport?.(report)
  }

  /**
   * @param written called once the report can be shown, if it has to wait for room
   * @returns false when the host is too far behind, unless it must be told
   * @throws DataCloneError
   */
  tellHost(report: Report, must = false, written?: () => void): boolean {
    if (this.index === 0) {
      this.reported(report)
      return true
    }
    const host = this.#host
    if (host.behind === undefined) return false
    if (this.#waiting >= MAX_REPORTS && !must && !never.has(report.kind)) return false
    let left = false // it is on its way
    let counted = false
    host.tell(report, () => {
      left = true
      if (counted) this.#waiting--
      written?.()
    })
    counted = !left && (host.behind ?? 0) > 0
    if (counted) this.#waiting++
    return true
  }

  #report(report: Report): void {
    try {
      if (!this.tellHost(report) && report.kind === 'unhandled') this.#leftOut++
    } catch {
      // what was thrown holds something that cannot cross threads; that it was thrown must be known all the same
      if ('error' in report) this.#report({ ...report, error: new Error(textOf(report.error)) })
    }
  }
}
