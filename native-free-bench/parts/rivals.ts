// What Node itself and Piscina offer for the same job: a worker thread that answers requests over a MessagePort, two
// such threads that talk to each other, bare threads that only compute, and Piscina as it comes.
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Driven, DriveOptions } from './drive.js'
import { PortCaller } from './port-caller.js'
import type { PortOrder } from './port-thread.js'

const threadFile = new URL('./port-thread.js', import.meta.url)

/** Worker threads, each with a port from the host that answers requests. */
export class PortThreads implements AsyncDisposable {
  readonly #workers: Worker[]
  readonly #orders: PortCaller[]
  readonly #ports: MessagePort[] = []

  private constructor(workers: Worker[]) {
    this.#workers = workers
    this.#orders = workers.map((_, i) => new PortCaller(this.#connect(i)))
  }

  static async start(threads: number): Promise<PortThreads> {
    const workers = Array.from({ length: threads }, () => new Worker(threadFile))
    await Promise.all(workers.map(worker => once(worker, 'online')))
    return new PortThreads(workers)
  }

  /** Sends a body to the first thread; resolves with the echo. */
  echo(body: unknown): Promise<unknown> {
    return this.#orders[0]!.call(body)
  }

  /** Lets the first thread drive the second, over a port between the two. */
  async join(): Promise<{
    drive(options: DriveOptions, body: unknown): Promise<Driven>
    talk(inFlight: number, shared: Int32Array): Promise<void>
  }> {
    const { port1, port2 } = new MessageChannel()
    this.#workers[0]!.postMessage({ kind: 'call', port: port1 } satisfies PortOrder, [port1])
    this.#workers[1]!.postMessage({ kind: 'serve', port: port2 } satisfies PortOrder, [port2])
    const order = this.#orders[0]!
    return {
      drive: (options, body) => order.call({ kind: 'drive', options, body }) as Promise<Driven>,
      talk: (inFlight, shared) => order.call({ kind: 'talk', inFlight, shared }) as Promise<void>,
    }
  }

  /** Every thread does its share of `messages` times the work, told once. This is all that the machine has to give. */
  async computeAll(blocks: number, messages: number): Promise<void> {
    const threads = this.#orders.length
    const share = (i: number) => Math.floor(messages / threads) + (i < messages % threads ? 1 : 0)
    await Promise.all(this.#orders.map((order, i) => order.call({ kind: 'compute', blocks, times: share(i) })))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const port of this.#ports) port.close()
    await Promise.all(this.#workers.map(worker => worker.terminate()))
  }

  #connect(i: number): MessagePort {
    const { port1, port2 } = new MessageChannel()
    this.#workers[i]!.postMessage({ kind: 'serve', port: port2 } satisfies PortOrder, [port2])
    this.#ports.push(port1)
    return port1
  }
}

/**
 * Piscina with its defaults, but for the number of threads.
 * @param concurrentTasksPerWorker tasks that a thread is sent ahead; its default is 1
 */
export function pool(threads: number, concurrentTasksPerWorker = 1): Piscina {
  const filename = fileURLToPath(new URL('./pool-task.js', import.meta.url))
  const idleTimeout = Number.POSITIVE_INFINITY
  return new Piscina({ filename, minThreads: threads, maxThreads: threads, idleTimeout, concurrentTasksPerWorker })
}
