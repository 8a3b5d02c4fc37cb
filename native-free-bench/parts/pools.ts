// What one would take instead, each with one thread whose task gives nothing back: piscina, tinypool, comlink,
// workerpool and poolifier. Their calls are all answered, so what they do one way is what they do there and back.
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { MessageChannel, Worker } from 'node:worker_threads'
import { type Endpoint, wrap } from 'comlink'
import { Piscina } from 'piscina'
import { FixedThreadPool } from 'poolifier'
import { Tinypool } from 'tinypool'
import workerpool from 'workerpool'

/** Calls tasks on one thread. */
export interface Pool extends AsyncDisposable {
  readonly name: string
  run(body: unknown): Promise<unknown>
}

const filename = (name: string) => fileURLToPath(new URL(name, import.meta.url))

function piscina(name: string, concurrentTasksPerWorker: number): Pool {
  const pool = new Piscina({
    filename: filename('./sink-task.js'),
    minThreads: 1,
    maxThreads: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    concurrentTasksPerWorker,
  })
  return { name, run: body => pool.run(body), [Symbol.asyncDispose]: () => pool.destroy() }
}

function tinypool(): Pool {
  const pool = new Tinypool({ filename: filename('./sink-task.js'), minThreads: 1, maxThreads: 1 })
  return { name: 'tinypool', run: body => pool.run(body), [Symbol.asyncDispose]: () => pool.destroy() }
}

function comlink(): Pool {
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(filename('./sink-comlink.js'), { workerData: port2, transferList: [port2] })
  const remote = wrap<{ sink(body: unknown): void }>(port1 as unknown as Endpoint)
  return {
    name: 'comlink',
    run: body => remote.sink(body),
    [Symbol.asyncDispose]: async () => {
      port1.close()
      await worker.terminate()
    },
  }
}

function ofWorkerpool(): Pool {
  const pool = workerpool.pool(filename('./sink-workerpool.js'), {
    minWorkers: 1,
    maxWorkers: 1,
    workerType: 'thread',
  })
  return {
    name: 'workerpool',
    // it returns promises of its own kind
    run: body => new Promise((resolve, reject) => void pool.exec('sink', [body]).then(resolve, reject)),
    [Symbol.asyncDispose]: async () => void (await pool.terminate()),
  }
}

function poolifier(): Pool {
  const pool = new FixedThreadPool<unknown, unknown>(1, filename('./sink-poolifier.js'))
  return { name: 'poolifier', run: body => pool.execute(body), [Symbol.asyncDispose]: () => pool.destroy() }
}

/** What a pool may take to end. One that never said it had was seen to keep a run for ever, all of its threads gone. */
const END_MS = 5_000

function ending(pool: Pool): Pool {
  const end = () => Promise.race([pool[Symbol.asyncDispose](), setTimeout(END_MS, undefined, { ref: false })])
  return { ...pool, [Symbol.asyncDispose]: async () => void (await end()) }
}

/** All of them, started. */
export function pools(): Pool[] {
  const all = [
    piscina('piscina', 1),
    piscina('piscina, 64 a thread', 64),
    tinypool(),
    comlink(),
    ofWorkerpool(),
    poolifier(),
  ]
  return all.map(ending)
}
