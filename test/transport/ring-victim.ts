// A thread that writes frames for ever, to be killed at any moment. It says in shared memory how far it is, so that the
// test knows what the kill interrupted.
import { parentPort } from 'node:worker_threads'
import { RingWriter } from '#ringreeve/transport/ring.js'
import { fillFrame, random, SHORTEST } from './frames.js'

/** What a victim is told. */
export interface VictimTask {
  readonly ring: SharedArrayBuffer
  /** Twice the number of the frame it is at; one more when that frame is committed. */
  readonly progress: SharedArrayBuffer
  readonly seed: number
}

parentPort?.once('message', (task: VictimTask) => {
  const next = random(task.seed)
  const ring = new RingWriter(task.ring)
  const progress = new Int32Array(task.progress)
  const longest = (ring.maxFrame - SHORTEST) >> 3
  for (let sequence = 0; ; sequence++) {
    const bytes = SHORTEST + 8 * next(next(2) === 0 ? 8 : longest + 1)
    let offset = ring.claim(bytes)
    while (offset < 0) {
      ring.show()
      offset = ring.claim(bytes)
    }
    Atomics.store(progress, 0, 2 * sequence)
    fillFrame(ring.words, offset, sequence, bytes)
    ring.commit(bytes)
    Atomics.store(progress, 0, 2 * sequence + 1)
    if (next(8) === 0) ring.show()
  }
})
parentPort?.postMessage('ready')
