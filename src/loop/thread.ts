// What runs on a worker thread: one loop, for the life of one task of the pool. The task ends when the loop is told
// to end; when the thread dies instead, the pool settles the task with an error, which is how the coordinator knows.

import { createRequire } from 'node:module'
import { type MessagePort, threadId } from 'node:worker_threads'
import type { Endpoint } from 'comlink'
import { setImmediate } from '../base/real-time.js'
import { CancelFlags } from '../sync/cancel.js'
import { systemThread } from '../sync/cpu.js'
import { House, Status } from '../sync/status.js'
import type { WaitStrategyName } from '../transport/wait.js'
import { ownEventLoop, within } from './base/event-loop.js'
import { LoopControl } from './control/control.js'
import { Deserted } from './control/deserted.js'
import { speakLast } from './control/last-words.js'
import { refuseRuntimes } from './control/modules.js'
import { Loop } from './loop.js'

// required, not imported: every thread loads this, and to import CommonJS would have each thread compile Node's analyser of
// CommonJS exports first (10 ms and more)
const Comlink = createRequire(import.meta.url)('comlink') as typeof import('comlink')

/** How long a thread that ends waits for what it has printed to be taken. */
const PRINT_MS = 500

/** What a thread is told when it begins. */
export interface ThreadTask {
  readonly index: number
  readonly life: number
  readonly loops: number
  readonly house: { readonly memory: SharedArrayBuffer; readonly built: number }
  readonly status: SharedArrayBuffer
  readonly flags: SharedArrayBuffer
  readonly wait: WaitStrategyName
  readonly paused: boolean
  readonly log: boolean
  readonly unhandled: boolean
  readonly unheard: boolean
  readonly recycleAt: number
  readonly senderContext: boolean
  readonly control: MessagePort
}

/** Runs one loop until it is told to end. */
export default function run(task: ThreadTask): Promise<void> {
  return new Promise(resolve => {
    const { control, house, status, flags, ...options } = task
    const own = new Status(status)
    own.systemThread = systemThread()
    own.thread = threadId
    const loop = new Loop({
      ...options,
      house: new House(house.memory, house.built),
      status: own,
      flags: new CancelFlags(flags),
    })
    refuseRuntimes()
    speakLast(control, () => loop.agents.atWork())
    class ThreadControl extends LoopControl {
      override end(): void {
        super.end()
        // after this answer has left, and what was printed: then the port may go, and the thread
        void printed().then(() => {
          control.close()
          resolve()
        })
      }
    }
    Comlink.expose(new ThreadControl(loop, { deserted: new Deserted(), status: own }), control as unknown as Endpoint)
    loop.scheduler.rung()
  })
}

/** What this thread has printed goes by the calling one, which may be busy, but not for ever. */
async function printed(): Promise<void> {
  const through = [process.stdout, process.stderr].map(
    stream => new Promise<void>(done => stream.write('', () => done())),
  )
  await within(ownEventLoop, PRINT_MS, Promise.all(through))
  await new Promise(resolve => setImmediate(resolve))
}
