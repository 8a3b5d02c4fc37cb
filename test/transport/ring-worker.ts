// One end of a ring on a thread of its own, for the stress test: it writes or takes a number of frames at random sizes
// and speeds, and sleeps (or spins) when it can do no more. It reports what it did, or the first thing that was wrong.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Bell, PARKED, WAITING } from '#ringreeve/sync/bell.js'
import { Status } from '#ringreeve/sync/status.js'
import { RingReader, RingWriter } from '#ringreeve/transport/ring.js'
import { checkFrame, frameSize, random, writeFrame } from './frames.js'

/** What a worker is told. */
export interface RingTask {
  readonly role: 'producer' | 'consumer'
  readonly ring: SharedArrayBuffer
  /** Status blocks of this end and of the other one, for their bells. */
  readonly own: SharedArrayBuffer
  readonly other: SharedArrayBuffer
  /** Between the two ends, for doorbells. */
  readonly port: MessagePort
  readonly frames: number
  readonly seed: number
  readonly sleep: 'spin' | 'wait' | 'doorbell'
  /** Frames between two pauses, on average. */
  readonly pauseEvery: number
}

/** What a worker reports. */
export interface RingReport {
  readonly frames: number
  readonly sleeps: number
  readonly error: string | undefined
}

const task = workerData as RingTask
const next = random(task.seed)
const own = new Bell(new Status(task.own))
const other = new Bell(new Status(task.other))
const nap = new Int32Array(new SharedArrayBuffer(4))
const SPINS = 200

function pause(): void {
  if (next(task.pauseEvery) === 0) Atomics.wait(nap, 0, 0, next(20) / 10)
}

function wake(): void {
  if (other.ring()) task.port.postMessage(0)
}

interface End {
  /** Works as far as it can. @returns whether everything is done */
  work(): boolean
  /** Whether there is something to do after all; asked once the bell is armed. */
  look(): boolean
}

class Producer implements End {
  readonly #ring = new RingWriter(task.ring)
  #written = 0
  #unshown = 0
  #size = 0

  work(): boolean {
    while (this.#written < task.frames) {
      if (this.#size === 0) this.#size = frameSize(next, this.#ring.maxFrame)
      if (!writeFrame(this.#ring, this.#written, this.#size)) {
        this.#show()
        return false
      }
      this.#size = 0
      this.#written++
      if (this.#unshown-- === 0) {
        this.#show()
        this.#unshown = next(64)
        pause()
      }
    }
    this.#show()
    return true
  }

  look(): boolean {
    return !this.#ring.wantSpace(this.#ring.maxFrame)
  }

  #show(): void {
    if (this.#ring.show()) wake()
  }
}

class Consumer implements End {
  readonly #ring = new RingReader(task.ring)
  #taken = 0
  readonly #take = (offset: number): void => checkFrame(this.#ring.words, offset, this.#taken++)

  work(): boolean {
    while (!this.#ring.empty) {
      this.#ring.drain(1 + next(64), this.#take)
      if (this.#ring.spaceWanted()) wake()
      pause()
    }
    return this.#taken === task.frames
  }

  look(): boolean {
    return !this.#ring.empty
  }
}

let sleeps = 0
const end: End = task.role === 'producer' ? new Producer() : new Consumer()

function finish(error?: unknown): void {
  const report: RingReport = { frames: task.frames, sleeps, error: error === undefined ? undefined : String(error) }
  parentPort?.postMessage(report)
  task.port.close()
}

function spin(): void {
  while (!end.work()) {
    sleeps++
    for (let i = 0; !end.look(); i++) if (i > SPINS) Atomics.wait(nap, 0, 0, 0.1)
  }
}

function wait(): void {
  while (!end.work()) {
    own.arm(WAITING)
    if (end.look()) own.disarm()
    else {
      sleeps++
      own.wait(Number.POSITIVE_INFINITY) // a wake-up that is lost hangs here, and fails the test
    }
  }
}

function untilDoorbell(): void {
  try {
    while (!end.work()) {
      own.arm(PARKED)
      if (!end.look()) {
        sleeps++
        return
      }
      own.disarm()
    }
    finish()
  } catch (error) {
    finish(error)
  }
}

if (task.sleep === 'doorbell') {
  task.port.on('message', () => {
    own.disarm()
    untilDoorbell()
  })
  untilDoorbell()
} else {
  try {
    if (task.sleep === 'spin') spin()
    else wait()
    finish()
  } catch (error) {
    finish(error)
  }
}
