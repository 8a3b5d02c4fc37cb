// The async contexts (AsyncLocalStorage) of senders, if they are wanted: a handler then runs in that of who sent its message on the same
// loop. What it keeps: what came from another loop, ticks and hooks run in nobody's. To remember a context costs as much as a small
// message, so nothing of this is there unless it is asked for.
import { AsyncResource } from 'node:async_hooks'
import type { Message } from './message.js'

/** In whose contexts messages are handled. */
export class Contexts {
  /** Call where it is sent. */
  remember(message: Message): void {
    // AsyncLocalStorage.snapshot() does the same and takes several times as long
    message.context = new AsyncResource('ringreeve.message', { requireManualDestroy: true })
  }

  run<T>(message: Message, work: () => T): T {
    return message.context === undefined ? work() : message.context.runInAsyncScope(work)
  }
}
