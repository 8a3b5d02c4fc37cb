// The machine: what a runtime takes from outside of itself: threads, channels between them, time, chance. What goes past it
// has no part in what agents do: times in the log, signals, the heap and core time of threads, their stacks.
// A runtime on a machine that gives these by a plan does the same thing each time (test/simulation).
import { MessageChannel } from 'node:worker_threads'
import { type EventLoop, ownEventLoop } from '../loop/base/event-loop.js'
import { monotonic } from '../sync/status.js'
import type { Executor, ExecutorOptions } from './executor.js'
import { Threads } from './threads.js'

/** What a runtime is built on. */
export interface Machine {
  /** Of the calling thread. */
  readonly eventLoop: EventLoop
  /** Whole milliseconds of a clock that all threads share and nobody can set. */
  steady(): number
  /** From 0 to 1, without 1. */
  random(): number
  channel(): MessageChannel
  executor(options: ExecutorOptions): Executor
}

/** The machine that this process runs on. */
export const realMachine: Machine = {
  eventLoop: ownEventLoop,
  steady: monotonic,
  random: Math.random,
  channel: () => new MessageChannel(),
  executor: options => new Threads(options),
}
