// Requests and answers over a MessagePort, as one would write it by hand: a number for each request, and what waits
// for its answer by that number.
import type { MessagePort } from 'node:worker_threads'

export interface PortRequest {
  readonly id: number
  readonly body: unknown
}

export class PortCaller {
  readonly #port: MessagePort
  readonly #waiting = new Map<number, (answer: unknown) => void>()
  #id = 0

  constructor(port: MessagePort) {
    this.#port = port
    port.on('message', ({ id, body }: PortRequest) => {
      const resolve = this.#waiting.get(id)
      this.#waiting.delete(id)
      resolve?.(body)
    })
  }

  call(body: unknown): Promise<unknown> {
    return new Promise(resolve => {
      const id = ++this.#id
      this.#waiting.set(id, resolve)
      this.#port.postMessage({ id, body } satisfies PortRequest)
    })
  }
}
