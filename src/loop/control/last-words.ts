// What a thread says when it ends. What it keeps: an uncaught exception and an unhandled rejection end the thread,
// whatever handlers its modules installed (a swallowed one leaves callers waiting for ever), and a thread that still
// runs JavaScript on its way out says what it leaves undone.
import type { MessagePort } from 'node:worker_threads'
import { stackOf } from '../../agent/errors.js'
import type { OpenTurn } from '../cell/agents.js'

/** The most turns that are named. */
const MOST = 1_000

/** What a thread says last. */
export interface LastWords {
  readonly turns: readonly OpenTurn[]
  /** Of the error that ends it, if one does. */
  readonly stack: string | undefined
}

/** Sees to it that this thread does not end, or fail to end, in silence. Once per thread, before any module is loaded. */
export function speakLast(port: MessagePort, turns: () => Iterable<OpenTurn>): void {
  let spoken = false
  const speak = (stack?: string): void => {
    if (spoken) return
    spoken = true
    const open: OpenTurn[] = []
    for (const turn of turns()) if (open.push(turn) === MOST) break
    port.postMessage({ lastWords: { turns: open, stack } satisfies LastWords })
  }
  const end = (error: unknown): never => {
    speak(stackOf(error)) // who throws from here has no 'exit'
    throw error
  }
  // Thrown from here it reaches the owner of the thread as it is, and what other listeners would make of it does not count.
  // Not by setUncaughtExceptionCaptureCallback(): with it nobody can load node:domain or node:repl, and after them it cannot be set.
  process.prependListener('uncaughtException', end)
  process.prependListener('unhandledRejection', end)
  process.prependOnceListener('exit', () => speak())
}

/** The last words in a message of a control port, if it holds any. */
export function lastWordsOf(message: unknown): LastWords | undefined {
  return (message as { lastWords?: LastWords } | undefined)?.lastWords
}
