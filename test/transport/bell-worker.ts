// The other thread of the tests of the bell: a loop that sleeps, one that rings as often as it can, or one that counts.
import { parentPort, workerData } from 'node:worker_threads'
import { Bell, WAITING } from '#ringreeve/sync/bell.js'
import { at, counterNames, Status } from '#ringreeve/sync/status.js'

/** What the worker is told. */
export type BellTask =
  | { readonly role: 'sleeper'; readonly status: SharedArrayBuffer; readonly sleeps: number }
  | {
      readonly role: 'ringer' | 'counter'
      readonly status: SharedArrayBuffer
      /** Word 0: doorbells that were due. Word 1: 1 ends the worker. */
      readonly counts: ArrayBufferLike
    }

const task = workerData as BellTask
const status = new Status(task.status)
const bell = new Bell(status)

if (task.role === 'sleeper') {
  for (let i = 0; i < task.sleeps; i++) {
    bell.arm(WAITING)
    bell.wait(Number.POSITIVE_INFINITY)
  }
  parentPort?.postMessage(task.sleeps)
} else {
  const counts = new Int32Array(task.counts)
  parentPort?.postMessage('ready')
  const counters = new Float64Array(counterNames.length)
  const add = (counter: number): number => (counters[counter] = (counters[counter] as number) + 1)
  while (Atomics.load(counts, 1) === 0) {
    if (task.role === 'ringer') {
      if (bell.ring()) Atomics.add(counts, 0, 1)
    } else {
      const accepted = add(at.accepted)
      if (accepted % 3 === 0) status.showAccepted(accepted)
      add(at.done)
      status.show(counters)
    }
  }
}
