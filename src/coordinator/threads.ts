// The threads, as Piscina owns them: one long-lived task per thread, which is one life of one loop. What it keeps: a
// life has ended only when its task is settled and its thread is gone (or was given two seconds to go); every order
// to a loop is raced with the end of that life, since Comlink alone would wait for ever.
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { MessageChannel, type ResourceLimits, type TransferListItem } from 'node:worker_threads'
import * as Comlink from 'comlink'
import { Piscina } from 'piscina'
import { ThreadLostError } from '../agent/errors.js'
import type { LoopControl } from '../loop/control.js'
import { within } from '../loop/loop.js'
import type { ThreadTask } from '../loop/thread.js'
import { Bell } from '../sync/bell.js'
import { CancelFlags } from '../sync/cancel.js'
import { Status } from '../sync/status.js'

const EXIT_MS = 2_000
const threadFile = new URL('../loop/thread.js', import.meta.url)

/** One life of one loop on a thread. */
export class ThreadLife {
  readonly index: number
  readonly life: number
  readonly status: Status
  readonly flags: CancelFlags
  /** Resolves when the life is over, with the reason. Never rejects. */
  readonly ended: Promise<string>
  readonly bell: Bell
  over = false
  readonly #control: Comlink.Remote<LoopControl>
  readonly #abort: AbortController
  readonly #booted: () => void
  #why: string | undefined

  constructor(
    index: number,
    life: number,
    status: Status,
    flags: CancelFlags,
    bell: Bell,
    control: Comlink.Remote<LoopControl>,
    abort: AbortController,
    ended: Promise<string>,
    booted: () => void,
  ) {
    this.index = index
    this.life = life
    this.status = status
    this.flags = flags
    this.bell = bell
    this.#control = control
    this.#abort = abort
    this.#booted = booted
    this.ended = ended.then(why => {
      this.over = true
      return this.#why ?? why
    })
  }

  /** Gives an order. @throws ThreadLostError when the life ends first */
  async order<T>(work: (control: Comlink.Remote<LoopControl>) => Promise<T>): Promise<T> {
    const done = work(this.#control)
    this.bell.interrupt()
    const lost = this.ended.then(why => {
      throw new ThreadLostError(`thread ${this.index} was lost: ${why}`, true, { thread: this.index })
    })
    lost.catch(() => {})
    const value = await Promise.race([done, lost])
    this.#booted()
    return value
  }

  /** Ends the thread, whatever it is doing. */
  kill(why: string): void {
    this.#why ??= why
    this.#abort.abort(why)
  }
}

/** Options that all threads share. */
export interface ThreadOptions {
  readonly threads: number
  readonly resourceLimits: ResourceLimits | undefined
  readonly task: Omit<ThreadTask, 'index' | 'life' | 'status' | 'flags' | 'control'>
}

/** The pool. */
export class Threads {
  readonly #options: ThreadOptions
  readonly #pool: Piscina<ThreadTask, void>
  #lives = 0
  /** Fails the lives whose threads have not answered yet: a thread that cannot even start is reported by the pool. */
  readonly #booting = new Set<(error: unknown) => void>()

  constructor(options: ThreadOptions) {
    this.#options = options
    const { threads, resourceLimits } = options
    this.#pool = new Piscina({
      filename: fileURLToPath(threadFile),
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      atomics: 'disabled',
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
    })
    this.#pool.on('error', error => {
      for (const fail of this.#booting) fail(error)
    })
  }

  /** Begins a life of loop `index`. It is ready when its first order is answered. */
  spawn(index: number): ThreadLife {
    const { task } = this.#options
    const life = ++this.#lives
    const status = new Status()
    const flags = new CancelFlags()
    const { port1, port2 } = new MessageChannel()
    const abort = new AbortController()
    const run = this.#pool.run(
      { ...task, index, life, status: status.memory, flags: flags.memory, control: port2 },
      { transferList: [port2 as unknown as TransferListItem] as never, signal: abort.signal },
    )
    const before = new Set(this.#pool.threads)
    let fail!: (error: unknown) => void
    const boot = new Promise<never>((_, reject) => {
      fail = reject
    })
    this.#booting.add(fail)
    const booted = () => void this.#booting.delete(fail)
    const ended = Promise.race([run, boot]).then(
      () => 'its loop ended',
      error => reason(error),
    )
    const gone = ended.then(async why => {
      booted()
      await this.#gone(before)
      port1.close()
      return why
    })
    const control = Comlink.wrap<LoopControl>(port1 as unknown as Comlink.Endpoint)
    return new ThreadLife(index, life, status, flags, new Bell(status), control, abort, gone, booted)
  }

  /** Ends all threads. Never waits longer than two seconds. */
  async destroy(): Promise<void> {
    await within(EXIT_MS, this.#pool.destroy())
  }

  /** Waits for threads that have left the pool to be gone. */
  async #gone(before: ReadonlySet<{ readonly threadId: number }>): Promise<void> {
    const kept = new Set<unknown>(this.#pool.threads)
    const leaving = [...before].filter(worker => !kept.has(worker) && worker.threadId >= 0)
    await within(EXIT_MS, Promise.all(leaving.map(worker => once(worker as never, 'exit'))))
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.name === 'AbortError' && error.cause !== undefined ? `: ${String(error.cause)}` : ''
  const code = (error as { code?: unknown }).code
  return `${error.message}${cause}${code === undefined ? '' : ` (${String(code)})`}`
}
