// The ring between two threads at full speed, with every way to sleep, and with producers that are killed at any
// moment: whatever happens, the consumer sees whole frames, in order, up to the shown tail, and is always woken.
import { once } from 'node:events'
import { MessageChannel, Worker } from 'node:worker_threads'
import { afterAll, describe, expect, it } from 'vitest'
import { Bell } from '#ringreeve/sync/bell.js'
import { Status } from '#ringreeve/sync/status.js'
import { createRing, RingGauge, RingReader } from '#ringreeve/transport/ring.js'
import { checkFrame, random } from './frames.js'
import type { VictimTask } from './ring-victim.js'
import type { RingReport, RingTask } from './ring-worker.js'

const workerFile = new URL('./ring-worker.js', import.meta.url)
const victimFile = new URL('./ring-victim.js', import.meta.url)
const seed = Date.now() | 0
const HANG = 120_000

const open = new Set<Worker>()
afterAll(() => Promise.all([...open].map(worker => worker.terminate())))

function start(file: URL, options: ConstructorParameters<typeof Worker>[1] = {}): Worker {
  const worker = new Worker(file, options)
  open.add(worker)
  worker.once('exit', () => open.delete(worker))
  return worker
}

/** Sends frames from one thread to another. */
async function run(sleep: RingTask['sleep'], frames: number, capacity: number, pauseEvery: number) {
  const ring = createRing(capacity)
  const [producer, consumer] = [new Status().memory, new Status().memory]
  const { port1, port2 } = new MessageChannel()
  const shared = { ring, frames, sleep, pauseEvery }
  const tasks: RingTask[] = [
    { ...shared, role: 'producer', own: producer, other: consumer, port: port1, seed },
    { ...shared, role: 'consumer', own: consumer, other: producer, port: port2, seed: seed ^ 1 },
  ]
  const reports = tasks.map(async workerData => {
    const worker = start(workerFile, { workerData, transferList: [workerData.port] })
    const [report] = (await once(worker, 'message')) as [RingReport]
    return report
  })
  const [sent, taken] = (await Promise.all(reports)) as [RingReport, RingReport]
  const gauge = new RingGauge(ring)
  const awake = [producer, consumer].map(memory => new Bell(new Status(memory)).awake)
  return { sent, taken, awake, left: (gauge.tail - gauge.head) | 0 }
}

describe(`millions of frames from thread to thread (seed ${seed})`, () => {
  // the same ring and the same frames each time; what differs is the waking, and that is tried thousands of times in each
  const ways: { readonly sleep: RingTask['sleep']; readonly capacity: number; readonly frames: number }[] = [
    { sleep: 'spin', capacity: 32_768, frames: 1_000_000 },
    { sleep: 'wait', capacity: 16_384, frames: 2_000_000 },
    { sleep: 'doorbell', capacity: 16_384, frames: 3_000_000 },
  ]
  for (const { sleep, capacity, frames } of ways) {
    it(`${frames / 1e6} million arrive whole and in order, ends that can do no more ${sleep === 'spin' ? 'spin' : `sleep (${sleep})`}`, {
      timeout: HANG,
    }, async () => {
      const { sent, taken, awake, left } = await run(sleep, frames, capacity, 1_000)
      expect([sent.error, taken.error]).toEqual([undefined, undefined])
      expect([sent.frames, taken.frames, left]).toEqual([frames, frames, 0])
      expect(awake).toEqual([true, true])
      if (sleep !== 'spin') expect(sent.sleeps + taken.sleeps).toBeGreaterThan(1_000)
    })
  }
})

describe(`a producer that is killed (seed ${seed})`, () => {
  it('leaves whole frames up to the shown tail, and nothing else', { timeout: HANG }, async () => {
    const KILLS = 32
    const TORN = 4
    const next = random(seed)
    const begin = () => {
      const worker = start(victimFile)
      return { worker, ready: once(worker, 'message') }
    }
    const pool = Array.from({ length: 3 }, begin)
    let frames = 0
    let unshown = 0
    let torn = 0
    for (let kills = 0; kills < KILLS || torn < TORN; kills++) {
      const { worker, ready } = pool.shift() as ReturnType<typeof begin>
      pool.push(begin())
      await ready
      const task: VictimTask = { ring: createRing(65_536), progress: new SharedArrayBuffer(4), seed: next(2 ** 31) }
      const reader = new RingReader(task.ring)
      const gauge = new RingGauge(task.ring)
      let taken = 0
      const take = (offset: number): void => checkFrame(reader.words, offset, taken++)
      worker.postMessage(task)
      while (taken === 0) {
        reader.drain(1, take)
        await new Promise(resolve => setImmediate(resolve))
      }
      for (let left = next(20_000); left > 0; left--) reader.drain(1 + next(8), take)
      let exited = false
      worker.once('exit', () => {
        exited = true
      })
      void worker.terminate()
      // goes on until it is dead, so that the ring is not full and the kill falls on a writer at work
      while (!exited) {
        for (let i = 0; i < 100; i++) reader.drain(64, take)
        await new Promise(resolve => setImmediate(resolve))
      }
      while (!reader.empty) reader.drain(64, take)
      expect(gauge.head).toBe(gauge.tail)
      const progress = Atomics.load(new Int32Array(task.progress), 0)
      const begun = (progress >> 1) + (progress & 1)
      expect(taken).toBeLessThanOrEqual(begun)
      frames += taken
      if (begun > taken) unshown++
      if (progress % 2 === 0) torn++
    }
    // the kills were what they were meant to be: some caught frames that were not shown, some the middle of a frame
    expect(frames).toBeGreaterThan(KILLS)
    expect(unshown).toBeGreaterThan(0)
  })
})
