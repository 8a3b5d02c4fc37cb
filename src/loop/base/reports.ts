// What a loop tells the host, which owns the runtime: its event log, errors that nobody waits for, checkpoints, dead
// letters. What it keeps: reports go in order, in the lane of answers, which nothing fills up for ever; an error is told
// of even if it cannot cross threads; and one that nobody listens to is not lost in silence.
import { CancelledError, StoppedError, textOf } from '../../agent/errors.js'
import type { TopicId } from '../../agent/ids.js'
import { TIMER } from '../../agent/message.js'
import type { Letter, LogEntry } from '../../observe/log.js'
import { Kind } from '../../transport/frame.js'
import type { Link } from '../../transport/link.js'
import type { Cell } from '../cell/cell.js'
import type { Kept } from '../cell/checkpoints.js'
import type { Heap } from '../control/heap.js'
import type { Loop, LoopOptions } from '../loop.js'
import type { Parcel } from '../peer/peer.js'
import { LogBatch, type LogLane } from './log-batch.js'
import type { Message } from './message.js'

/** Reports that may wait for a host that is slower than its threads; more are left out. */
const MAX_REPORTS = 16_384
/** Kinds of errors that are told of where nobody listens. */
const MAX_WARNINGS = 100

/** What threads tell the host: entries of the event log, an error that nobody waits for, or one that ends the runtime, a checkpoint, a dead letter, a link that makes no sense, a heap that is full. */
export type Report =
  | { readonly kind: 'log'; readonly entries: readonly LogEntry[] }
  | { readonly kind: 'unhandled'; readonly error: unknown }
  | { readonly kind: 'kept'; readonly kept: Kept }
  | { readonly kind: 'dead'; readonly letter: Letter }
  | { readonly kind: 'broken'; readonly loop: number; readonly life: number; readonly why: string }
  | { readonly kind: 'stop'; readonly error: unknown }
  | { readonly kind: 'full'; readonly loop: number; readonly life: number; readonly heap: Heap }

/** The reports of one loop. */
export class Reports implements LogLane {
  /** Takes an entry for the event log; undefined while none are wanted. */
  readonly note: ((entry: LogEntry) => void) | undefined
  /** Host only: takes the reports of all loops. */
  onReport: ((report: Report) => void) | undefined
  readonly #loop: Loop
  readonly #options: Pick<LoopOptions, 'log' | 'unhandled'>
  readonly #batch: LogBatch | undefined
  readonly #warned = new Set<string>()

  constructor(loop: Loop, options: Pick<LoopOptions, 'log' | 'unhandled'>) {
    this.#loop = loop
    this.#options = options
    if (!options.log) return
    const batch = loop.index === 0 ? undefined : new LogBatch(this)
    this.#batch = batch
    this.note = batch === undefined ? entry => this.take([entry]) : entry => batch.add(entry)
  }

  /** Shows what was noted. */
  flush(): void {
    this.#batch?.flush()
  }

  // ---- as the log's lane ------------------------------------------------------------------------------------------

  get index(): number {
    return this.#loop.index
  }

  /** Frames that wait for the host; undefined while there is no way to it. */
  get behind(): number | undefined {
    return this.#loop.peer(0).link?.answers.out.backlog
  }

  sentOut(): void {
    this.#loop.sentOut()
  }

  /** Entries of the event log are ready for the host. */
  take(entries: readonly LogEntry[]): void {
    this.#report({ kind: 'log', entries })
  }

  // ---- what is told -----------------------------------------------------------------------------------------------

  /** An error that no caller waits for. */
  unhandled(cell: Cell | undefined, message: Message | undefined, error: unknown): void {
    const { observer, index } = this.#loop
    if (cell === undefined) observer.failed({ text: `loop ${index}` }, message, error)
    if (this.#options.unhandled) this.#report({ kind: 'unhandled', error })
    else if (!this.#options.log && !observer.hears('error')) this.#warn(cell, message, error)
  }

  /** Nobody listens to errors: they must not go by unseen. The first of each kind stands for the others. */
  #warn(cell: Cell | undefined, message: Message | undefined, error: unknown): void {
    if (error instanceof StoppedError || error instanceof CancelledError) return // as somebody wished
    const where = cell?.text ?? `loop ${this.#loop.index}`
    const kind = `${cell?.id.type} ${message?.name}`
    if (this.#warned.has(kind) || this.#warned.size >= MAX_WARNINGS) return
    this.#warned.add(kind)
    const what = message === undefined || message.name === TIMER ? '' : `'${message.name}' failed at `
    const why = error instanceof Error ? `${error.name}: ${error.message}` : textOf(error)
    const text = `${what}${where}: ${why} (told once; a log in the options of createRuntime tells of all)`
    process.emitWarning(text, {
      type: 'RingreeveWarning',
      ...(error instanceof Error && { detail: error.stack ?? '' }),
    })
  }

  /** An agent's own loop or timer failed, and its `onError` says that this ends the runtime. */
  stopRuntime(error: unknown): void {
    this.#report({ kind: 'stop', error })
  }

  /** What comes from that loop makes no sense: one of the two ends has to begin again, and it is not the host. */
  broken({ peer, life }: Link, error: Error): void {
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
  unheard(message: string, parcel: Parcel, topic: TopicId): void {
    this.dead({
      reason: 'no subscriber',
      detail: `nobody hears ${topic}`,
      time: Date.now(),
      message,
      messageId: parcel.id ?? `${this.#loop.origin}.${parcel.sequence}`,
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

  /** @returns false when the host is too far behind, unless it must be told. @throws DataCloneError */
  tellHost(report: Report, must = false): boolean {
    if (this.#loop.index === 0) {
      this.reported(report)
      return true
    }
    const host = this.#loop.peer(0)
    if (host.link === undefined || (!must && host.link.answers.out.backlog >= MAX_REPORTS)) return false
    host.control(host.link, Kind.REPORT, 0, 0, report)
    return true
  }

  #report(report: Report): void {
    try {
      this.tellHost(report)
    } catch {
      // what was thrown holds something that cannot cross threads; that it was thrown must be known all the same
      if ('error' in report) this.#report({ kind: report.kind, error: new Error(textOf(report.error)) })
    }
  }
}
