// What runs the loops beside the calling one, as the coordinator sees it. What whoever runs them keeps: a life that has
// ended runs nothing any more (unless it is said to be a zombie), and every order that it has not carried out fails.
import type { ResourceLimits } from 'node:worker_threads'
import type { OpenTurn } from '../loop/cell/agents.js'
import type { Orders } from '../loop/control/orders.js'
import type { ThreadTask } from '../loop/thread.js'
import type { Bell } from '../sync/bell.js'
import type { CancelFlags } from '../sync/cancel.js'
import type { Status } from '../sync/status.js'

/** How a life ended. */
export interface Ending {
  readonly why: string
  /** The turns that it left open; undefined when the thread could not say. */
  readonly turns: readonly OpenTurn[] | undefined
  /** Of the error that ended the thread, if it could say. */
  readonly stack: string | undefined
  /** The thread was told to go and has not gone: it is inside a native call. It is left behind. */
  readonly zombie: boolean
}

/** One life of one loop. */
export interface ThreadLife {
  readonly index: number
  readonly life: number
  readonly status: Status
  readonly flags: CancelFlags
  readonly bell: Bell
  /** Resolves when the life is over. Never rejects. */
  readonly ended: Promise<Ending>
  /** Whether it is. */
  readonly over: boolean
  /** Resolves when the thread was seen to exit: nothing of it can touch shared memory then. A zombie's may never do. */
  readonly exited: Promise<void>
  /** Gives an order. @throws ThreadLostError when the life ends first */
  order<T>(work: (control: Orders) => Promise<T> | T): Promise<T>
  /** Ends it, whatever it is doing. */
  kill(why: string): void
}

/** What all lives are told. */
export interface ExecutorOptions {
  readonly threads: number
  readonly resourceLimits: ResourceLimits | undefined
  readonly task: Omit<ThreadTask, 'index' | 'life' | 'status' | 'flags' | 'control'>
}

/** Runs the lives. */
export interface Executor {
  /** Begins a life of loop `index`. It is ready when its first order is answered. */
  spawn(index: number): ThreadLife
  /** Threads that were told to go and have not gone. */
  readonly zombies: number
  /** Ends all threads. Never waits longer than two seconds. */
  destroy(): Promise<void>
}
