// One-way traffic: bodies are sent as fast as the way takes them, at most a window of them ahead of the receiver, who
// counts what arrived in shared memory. The same code drives every way, from the host and from threads, so that only
// the way differs; and nothing is counted that did not arrive.
import { setImmediate } from 'node:timers/promises'

/** Something that takes bodies one way. */
export interface Pipe {
  /** Sends a body; what it returns is awaited. */
  send(body: unknown): void | Promise<unknown>
  /** Sends what was kept back. */
  flush?(): void
}

/** What is sent. Made at both ends from its name, so that it need not be sent to the sender. */
export type BodyName = 'none' | 'small' | number

export interface PumpOptions {
  readonly body: BodyName
  readonly ms: number
  /** Word 0 counts the bodies that arrived. */
  readonly arrived: Int32Array
}

/** Bytes that may be ahead of the receiver, and bodies. */
const AHEAD_BYTES = 8 * 2 ** 20
const AHEAD = 4_096

export function makeBody(body: BodyName): unknown {
  if (body === 'none') return undefined
  if (body === 'small') return { id: 1_234_567, name: 'a small message', score: 2.5, kind: 'measurement', done: true }
  return new Uint8Array(body).fill(7)
}

export function bodyBytes(body: BodyName): number {
  return typeof body === 'number' ? body : body === 'small' ? 100 : 0
}

/** Bodies that are sent by turns: a structured clone would write the same one only once into an array. */
function makeBodies(body: BodyName): unknown[] {
  return Array.from({ length: bodyBytes(body) > 65_536 ? 8 : BATCH }, () => makeBody(body))
}

/** Sends for a while, then waits until all has arrived. @returns bodies per second */
export async function pump(pipe: Pipe, { body, ms, arrived }: PumpOptions): Promise<number> {
  const payloads = makeBodies(body)
  const window = Math.max(8, Math.min(AHEAD, Math.floor(AHEAD_BYTES / (bodyBytes(body) + 64))))
  const often = bodyBytes(body) >= 65_536 ? 0 : 15
  const before = Atomics.load(arrived, 0)
  const began = performance.now()
  let sent = 0
  while ((sent & often) !== 0 || performance.now() - began < ms) {
    while (((sent - Atomics.load(arrived, 0) + before) | 0) >= window) {
      pipe.flush?.()
      await setImmediate()
    }
    const sending = pipe.send(payloads[sent % payloads.length])
    if (sending !== undefined) await sending
    sent++
  }
  pipe.flush?.()
  while (((Atomics.load(arrived, 0) - before) | 0) < sent) await setImmediate()
  return sent / ((performance.now() - began) / 1_000)
}

/** Bodies in one array, where they are sent in arrays; fewer of the largest. */
export const BATCH = 64

/** `postMessage`, one by one or in arrays. */
export function portPipe(port: { postMessage(value: unknown): void }, inArrays: boolean, body: BodyName): Pipe {
  if (!inArrays) return { send: one => port.postMessage(one) }
  const batch = bodyBytes(body) > 65_536 ? 4 : BATCH
  let kept: unknown[] = []
  const flush = () => {
    if (kept.length === 0) return
    port.postMessage(kept)
    kept = []
  }
  return {
    send: one => {
      if (kept.push(one) === batch) flush()
    },
    flush,
  }
}
