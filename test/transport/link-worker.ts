// The far end of a link, on a thread of its own: it checks the letters that come on the work lane and sends each back
// on the answer lane, the way it came.
import { parentPort, workerData } from 'node:worker_threads'
import { Status } from '#ringreeve/sync/status.js'
import type { LinkParts } from '#ringreeve/transport/link.js'
import { Pump, post, read } from './letters.js'

/** What the worker is told. */
export interface EchoTask {
  readonly parts: LinkParts
  /** Its own status block. */
  readonly own: SharedArrayBuffer
  readonly letters: number
}

const { parts, own, letters } = workerData as EchoTask
let taken = 0
const pump = new Pump(parts, new Status(own), (link, ...frame) => {
  const { number, way, size } = read(...frame)
  if (number !== taken++) throw new Error(`letter ${number} came where ${taken - 1} was due`)
  post(link.answers.out, number, way, size)
  if (taken === letters) setImmediate(() => parentPort?.postMessage({ sleeps: pump.sleeps }))
})
pump.run()
