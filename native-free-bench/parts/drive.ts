// Driving a contender: so many requests are kept in flight for so long; every answer is followed by the next request.
// The same code drives agents, MessagePorts and Piscina, on the host as on a thread, so that only the way differs.
import { setTimeout as sleep } from 'node:timers/promises'

export interface DriveOptions {
  readonly ms: number
  readonly inFlight: number
  /** Milliseconds of rest after each answer: the other side falls asleep. */
  readonly rest?: number
}

export interface Driven {
  /** Requests answered per second. */
  readonly rate: number
  /** Round trips in microseconds; measured with one request in flight only. */
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

/** Drives for a while. */
export async function drive(send: () => Promise<unknown>, options: DriveOptions): Promise<Driven> {
  const { ms, inFlight } = options
  const began = performance.now()
  if (inFlight === 1) return await oneByOne(send, options)
  const end = began + ms
  let answers = 0
  let over = false
  const lane = async () => {
    while (!over) {
      await send()
      // the clock is not free, so it is not read for every answer
      if ((++answers & 15) === 0) over = performance.now() >= end
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return { rate: answers / ((performance.now() - began) / 1000), p50: Number.NaN, p99: Number.NaN, p999: Number.NaN }
}

async function oneByOne(send: () => Promise<unknown>, { ms, rest }: DriveOptions): Promise<Driven> {
  const micros: number[] = []
  const end = performance.now() + ms
  let busy = 0
  while (true) {
    const sent = performance.now()
    if (sent >= end) break
    await send()
    const took = performance.now() - sent
    micros.push(took * 1000)
    busy += took
    if (rest !== undefined) await sleep(rest)
  }
  micros.sort((a, b) => a - b)
  const at = (share: number) => micros[Math.min(micros.length - 1, Math.floor(share * micros.length))]!
  return { rate: micros.length / (busy / 1000), p50: at(0.5), p99: at(0.99), p999: at(0.999) }
}

/** Drives until word 1 of `shared` is set; word 0 counts the answers, for who cannot ask. */
export async function driveUntil(send: () => Promise<unknown>, inFlight: number, shared: Int32Array): Promise<void> {
  const lane = async () => {
    while (Atomics.load(shared, 1) === 0) {
      await send()
      Atomics.add(shared, 0, 1)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
}
