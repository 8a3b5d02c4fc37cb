// A link between two threads: letters with bodies of every kind go there and come back, in order, whole, through rings
// that are full most of the time, with both ends asleep whenever they can do no more.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { random } from './frames.js'
import { linkParts, Pump, post, read, type Way, ways } from './letters.js'
import type { EchoTask } from './link-worker.js'

const seed = Date.now() | 0
const LETTERS = 20_000

it(`letters of every kind come back in order (seed ${seed})`, async () => {
  const { parts, statuses } = linkParts(65_536)
  const workerData: EchoTask = { parts: parts[1], own: statuses[1].memory, letters: LETTERS }
  const worker = new Worker(new URL('./link-worker.js', import.meta.url), { workerData, transferList: [parts[1].port] })
  try {
    const next = random(seed)
    const sent: Way[] = []
    let back = 0
    let finish = (_?: unknown): void => {}
    const all = new Promise(resolve => {
      finish = resolve
    })
    const pump = new Pump(parts[0], statuses[0], (_, ...frame) => {
      const { number, way } = read(...frame)
      if (number !== back || way !== sent[back])
        finish(new Error(`letter ${number} (${way}) came where ${back} was due`))
      if (++back === LETTERS) finish()
    })
    const died = once(worker, 'error').then(([error]) => error)
    const report = once(worker, 'message')
    let most = 0
    while (sent.length < LETTERS) {
      for (let burst = next(400); burst > 0 && sent.length < LETTERS; burst--) {
        const way = next(4) === 0 ? (ways[next(ways.length)] as Way) : 'small'
        const size = way === 'big' ? 9_000 + next(20_000) : next(600)
        post(pump.link.work.out, sent.length, way, size)
        sent.push(way)
      }
      most = Math.max(most, pump.link.work.out.backlog)
      pump.run()
      await new Promise(resolve => (next(3) === 0 ? setTimeout(resolve, next(4)) : setImmediate(resolve)))
    }
    expect(await Promise.race([all, died])).toBeUndefined()
    const [{ sleeps }] = (await report) as [{ sleeps: number }]
    expect(sleeps + pump.sleeps).toBeGreaterThan(10)
    expect(most).toBeGreaterThan(0) // the ring was full at times
    pump.link.close()
  } finally {
    await worker.terminate()
  }
})
