// The threads, as Piscina owns them: one long-lived task per thread, which is one life of one loop. What it keeps: a
// life has ended only when its task is settled and its thread is gone, or was given two seconds to go and is then
// counted as a zombie; every order to a loop is raced with the end of that life, since Comlink alone would wait for ever.
import { fileURLToPath } from 'node:url'
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type TransferListItem,
  type Worker,
} from 'node:worker_threads'
import * as Comlink from 'comlink'
import { Piscina } from 'piscina'
import { ThreadLostError } from '../agent/errors.js'
import { ownEventLoop, within } from '../loop/base/event-loop.js'
import { type LastWords, lastWordsOf } from '../loop/control/last-words.js'
import type { Orders } from '../loop/control/orders.js'
import type { ThreadTask } from '../loop/thread.js'
import { Bell } from '../sync/bell.js'
import { CancelFlags } from '../sync/cancel.js'
import { Status } from '../sync/status.js'
import type { Ending, Executor, ExecutorOptions, ThreadLife } from './executor.js'
import { ThreadStages } from './thread-stage.js'

const EXIT_MS = 2_000
const threadFile = new URL('../loop/thread-door.cjs', import.meta.url)

/** One life of one loop on a thread. */
class PoolThread implements ThreadLife {
  readonly index: number
  readonly life: number
  readonly status = new Status()
  readonly flags = new CancelFlags()
  readonly bell = new Bell(this.status)
  readonly ended: Promise<Ending>
  readonly exited: Promise<void>
  exit!: () => void
  /** Node's thread, once it has answered an order. */
  worker: Worker | undefined
  readonly stage = new ThreadStages()
  readonly #threads: Threads
  readonly #control: Comlink.Remote<Orders>
  readonly #abort = new AbortController()
  #why: string | undefined
  /**
   * Who waits for an order, to be told when the life ends. One more reaction to `ended` for each would stay as long as the
   * thread, and so would what the order was answered.
   */
  readonly #waiting = new Set<(error: ThreadLostError) => void>()

  /** @param begin runs the life's task; settles when the task does */
  constructor(
    threads: Threads,
    index: number,
    life: number,
    port: MessagePort,
    begin: (self: PoolThread, signal: AbortSignal) => Promise<string>,
  ) {
    this.index = index
    this.life = life
    this.exited = new Promise(resolve => {
      this.exit = resolve
    })
    this.#threads = threads
    this.#control = Comlink.wrap<Orders>(port as unknown as Comlink.Endpoint)
    let last: LastWords | undefined
    const hear = (message: unknown): void => {
      last ??= lastWordsOf(message)
    }
    port.on('message', hear)
    this.ended = begin(this, this.#abort.signal).then(async why => {
      this.stage.to('settles')
      const zombie = !(await threads.gone(this))
      for (let rest = receiveMessageOnPort(port); rest !== undefined; rest = receiveMessageOnPort(port)) {
        hear(rest.message)
      }
      port.off('message', hear) // a closed port may live long, and this life must not
      this.#control[Comlink.releaseProxy]() // or Comlink keeps what was asked last and never answered, with all of this
      port.close()
      return { why: this.#why ?? why, turns: last?.turns, stack: last?.stack, zombie }
    })
    void this.ended.then(({ why }) => {
      for (const fail of this.#waiting) fail(this.#lost(why))
    })
  }

  get over(): boolean {
    return this.stage.over
  }

  async order<T>(work: (control: Orders) => Promise<T> | T): Promise<T> {
    if (this.over) throw this.#lost((await this.ended).why)
    const done = work(this.#control)
    this.bell.interrupt()
    let fail!: (error: ThreadLostError) => void
    const lost = new Promise<never>((_, reject) => {
      fail = reject
    })
    this.#waiting.add(fail)
    try {
      const value = await Promise.race([done, lost])
      this.stage.to('answers')
      this.#threads.seen(this)
      return value
    } finally {
      this.#waiting.delete(fail)
    }
  }

  #lost(why: string): ThreadLostError {
    return new ThreadLostError(`thread ${this.index} was lost: ${why}`, true, { thread: this.index })
  }

  kill(why: string): void {
    this.#why ??= why
    this.stage.to('killed')
    this.#threads.seen(this)
    this.#abort.abort(why)
  }
}

/** The pool. */
export class Threads implements Executor {
  readonly #options: ExecutorOptions
  readonly #pool: Piscina<ThreadTask, void>
  #lives = 0
  /** Fails a life whose thread has not answered yet: one that cannot even start is reported by the pool. */
  readonly #open = new Map<PoolThread, (error: unknown) => void>()
  readonly #zombies = new Set<PoolThread>()

  constructor(options: ExecutorOptions) {
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
      ...preloads(process.execArgv),
    })
    this.#pool.on('error', error => {
      for (const [life, fail] of this.#open) if (life.stage.now === 'booting') fail(error)
    })
  }

  spawn(index: number): ThreadLife {
    const { port1, port2 } = new MessageChannel()
    return new PoolThread(this, index, ++this.#lives, port1, async (self, signal) => {
      const { life, status, flags } = self
      const task = { ...this.#options.task, index, life, status: status.memory, flags: flags.memory, control: port2 }
      const boot = new Promise<never>((_, reject) => this.#open.set(self, reject))
      try {
        const transferList = [port2 as unknown as TransferListItem] as never
        await Promise.race([this.#pool.run(task, { transferList, signal }), boot])
        return 'its loop ended'
      } catch (error) {
        return reason(error)
      } finally {
        this.#open.delete(self)
      }
    })
  }

  /** A life answered, or is to end: its thread is known from now on, if it ever began. */
  seen(life: PoolThread): void {
    const id = life.status.thread
    if (life.worker !== undefined || id === 0) return
    life.worker = this.#pool.threads.find(worker => worker.threadId === id)
    life.worker?.once('exit', life.exit)
  }

  /** Waits for the thread of a life whose task is settled to be gone. @returns false if it has not gone in time */
  async gone(life: PoolThread): Promise<boolean> {
    const { worker } = life
    const none = worker === undefined || worker.threadId < 0 || this.#pool.threads.includes(worker)
    // not once() of node:events: it rejects with what the thread may still throw, or runs out of, on its way out
    const exit = none ? undefined : new Promise<void>(resolve => worker.once('exit', () => resolve()))
    if (exit === undefined || (await within(ownEventLoop, EXIT_MS, exit))) {
      life.stage.to('gone')
      return true
    }
    life.stage.to('stuck')
    this.#zombies.add(life)
    worker?.unref()
    void exit.then(() => {
      this.#zombies.delete(life)
      life.stage.to('gone')
    })
    return false
  }

  get zombies(): number {
    return this.#zombies.size
  }

  async destroy(): Promise<void> {
    await within(ownEventLoop, EXIT_MS, this.#pool.destroy())
  }
}

/** Node refuses on a thread what it takes for the process: a preload beside `--input-type`. There the preloads go alone. */
function preloads(args: readonly string[]): { execArgv?: string[] } {
  if (!args.some(arg => arg.startsWith('--input-type'))) return {}
  const execArgv = args.flatMap((arg, at) => {
    const [, with_] = /^(?:--import|--require|-r)(=.*)?$/s.exec(arg) ?? [arg, null]
    if (with_ === null) return []
    return with_ === undefined ? [arg, args[at + 1] as string] : [arg]
  })
  return execArgv.length === 0 ? {} : { execArgv }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const exit = /^worker exited with code: (\d+)$/.exec(error.message)
  if (exit !== null) return `it exited with code ${exit[1]}`
  const cause = error.name === 'AbortError' && error.cause !== undefined ? `: ${String(error.cause)}` : ''
  const code = (error as { code?: unknown }).code
  return `${error.name}: ${error.message}${cause}${code === undefined ? '' : ` (${String(code)})`}`
}
