// What a loop takes from the thread that it is on: turns of its event loop, timers, and messages of its ports. It takes
// them from nowhere else, so whoever makes the loop decides when it goes on and how fast its time passes.
import { AsyncResource } from 'node:async_hooks'
import { availableParallelism } from 'node:os'
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { setImmediate, setTimeout, steadyNow } from '../../base/real-time.js'

/** A timer that is set. Node's own is one. */
export interface Timeout {
  /** Begins again with the same time. */
  refresh(): unknown
  /** Does not keep the process alive. */
  unref(): unknown
  /** It does not go off any more. */
  close(): unknown
}

/** The event loop of one thread. */
export interface EventLoop {
  /** Threads that the machine runs at once. */
  readonly cores: number
  /** Milliseconds with their fractions; only differences on the same thread mean anything. */
  now(): number
  /** Runs `work`, which must not throw, after the code that is running now, before anything else that comes in. */
  soon(work: () => void): void
  /** Runs `work` after what has come in by now. */
  later(work: () => void): void
  /** Runs `work` once, `ms` from now. */
  after(ms: number, work: () => void): Timeout
  /** A message that has come to a port, ahead of its event. */
  receive(port: MessagePort): { readonly message: unknown } | undefined
}

/** Made as this module is loaded: in nobody's context. */
const nobody = new AsyncResource('ringreeve')

/**
 * The same work, in the `AsyncLocalStorage` context of nobody. A loop is woken by whoever sends first, and works for all who have sent:
 * what it runs must not see the context of one of them as its own.
 */
export function inNoContext(work: () => void): () => void {
  return () => nobody.runInAsyncScope(work)
}

/** Runs it at once, in the context of nobody. */
export function inNobodys<T>(work: () => T): T {
  return nobody.runInAsyncScope(work)
}

/** Longer than that Node does not wait at all. */
const LONGEST_MS = 2 ** 31 - 1

/** `queueMicrotask` makes a resource for async hooks each time, which costs more than a small message. */
const settled = Promise.resolve()

/** The event loop of the calling thread. */
export const ownEventLoop: EventLoop = {
  cores: availableParallelism(),
  now: steadyNow,
  soon: work => void settled.then(work),
  later: setImmediate,
  after: (ms, work) => setTimeout(inNoContext(work), Math.min(ms, LONGEST_MS)),
  receive: receiveMessageOnPort,
}

/** Waits for a promise, but no longer than `ms`; `weak`: without keeping the process for it. @returns whether it was there in time */
export async function within(
  eventLoop: EventLoop,
  ms: number,
  promise: Promise<unknown>,
  { weak = false } = {},
): Promise<boolean> {
  let timeout: Timeout | undefined
  const late = new Promise<boolean>(resolve => {
    timeout = eventLoop.after(ms, () => resolve(false))
    if (weak) timeout.unref()
  })
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    timeout?.close()
  }
}
