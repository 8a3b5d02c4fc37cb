// The ends of the transport suite's one-way streams: two worker threads and the host, joined by MessagePorts, by
// BroadcastChannels and by bare rings.
import { once } from 'node:events'
import { BroadcastChannel, MessageChannel, type MessagePort, type TransferListItem, Worker } from 'node:worker_threads'
import { createRing } from '#ringreeve/transport/ring.js'
import { type BodyName, bodyBytes, portPipe, pump } from './pump.js'
import type { RingOrder, StreamOrder, Way } from './stream-thread.js'

const counter = () => new Int32Array(new SharedArrayBuffer(4))
/** The largest frame is an eighth of its ring: one for bodies up to 64 KB, and one for the largest. */
const RINGS = [2 ** 20, 16 * 2 ** 20]

/** The threads. */
export class Streams implements AsyncDisposable {
  readonly #workers: readonly [Worker, Worker]
  readonly #hostPort: MessagePort
  readonly #hostBroadcast: BroadcastChannel
  readonly #rings = RINGS.map(bytes => createRing(bytes))
  /** What arrived at the second thread: from the first, and from the host. */
  readonly #arrived = { between: counter(), host: counter() }

  private constructor(workers: readonly [Worker, Worker], hostPort: MessagePort, hostBroadcast: BroadcastChannel) {
    this.#workers = workers
    this.#hostPort = hostPort
    this.#hostBroadcast = hostBroadcast
  }

  /** @param from where the stream begins; it always ends at the second thread */
  static async start(from: 'thread' | 'host'): Promise<Streams> {
    const file = new URL('./stream-thread.js', import.meta.url)
    const workers = [new Worker(file), new Worker(file)] as const
    await Promise.all(workers.map(worker => once(worker, 'online')))
    const { port1, port2 } = new MessageChannel()
    const name = `streams-${process.pid}-${from}-${Math.random()}`
    const broadcast = new BroadcastChannel(name)
    broadcast.unref()
    const streams = new Streams(workers, port1, broadcast)
    const { between, host } = streams.#arrived
    const arrived = from === 'thread' ? between : host
    if (from === 'thread') {
      await streams.#order(0, { kind: 'port', port: port1, arrived: host }, [port1])
      await streams.#order(0, { kind: 'broadcast', name, arrived: undefined })
    }
    await streams.#order(1, { kind: 'port', port: port2, arrived }, [port2])
    await streams.#order(1, { kind: 'broadcast', name, arrived })
    if (from === 'thread') broadcast.close()
    return streams
  }

  /** Bodies per second from thread to thread. */
  between(way: Way, body: BodyName, ms: number): Promise<number> {
    const options = { body, ms, arrived: this.#arrived.between }
    return this.#order(0, { kind: 'send', way, options }) as Promise<number>
  }

  /** Bodies per second from the host to a thread. */
  fromHost(way: Way, body: BodyName, ms: number): Promise<number> {
    const to = way === 'broadcast' ? this.#hostBroadcast : this.#hostPort
    return pump(portPipe(to, way === 'array', body), { body, ms, arrived: this.#arrived.host })
  }

  /** Frames per second through a bare ring, from thread to thread. */
  async ring(body: BodyName, ms: number): Promise<number> {
    const bytes = (bodyBytes(body) + 7) & ~7
    const ringNumber = RINGS.findIndex(size => bytes < size / 8)
    const ring = this.#rings[ringNumber]!
    const order = { ring, ringNumber, bytes, ms, total: counter() } satisfies Omit<RingOrder, 'kind'>
    const [, rate] = await Promise.all([
      this.#order(0, { kind: 'fill', ...order }),
      this.#order(1, { kind: 'drain', ...order }),
    ])
    return rate as number
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hostBroadcast.close()
    this.#hostPort.close()
    await Promise.all(this.#workers.map(worker => worker.terminate()))
  }

  async #order(thread: 0 | 1, order: StreamOrder, transfer: readonly TransferListItem[] = []): Promise<unknown> {
    const worker = this.#workers[thread]
    const answered = once(worker, 'message')
    worker.postMessage(order, transfer)
    const [answer] = (await answered) as [unknown]
    return answer
  }
}
