// Work arriving in different ways: by how much of it each agent gets, and when. Every message computes the same.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Runtime } from 'ringreeve'
import { SpinAll } from './agents.js'

/** Keeps one message per agent in flight until `messages` are handled. @returns seconds */
export async function fromHost(
  send: (to: string) => Promise<unknown>,
  ids: readonly string[],
  messages: number,
): Promise<number> {
  let left = messages
  const lane = async (to: string) => {
    while (left-- > 0) await send(to)
  }
  return timed(() => Promise.all(ids.map(lane)))
}

/** One driving agent on every thread, each sending to agents on all of them; they share what is left to send. */
export function fromAgents(
  runtime: Runtime,
  drivers: readonly string[],
  ids: readonly string[],
  blocks: number,
  messages: number,
): Promise<number> {
  const left = new Int32Array(new SharedArrayBuffer(4))
  left[0] = messages
  const all = () =>
    drivers.map((id, i) => {
      const keys = ids.filter((_, n) => n % drivers.length === i)
      return runtime.send(SpinAll, { keys, blocks, left }, id)
    })
  return timed(() => Promise.all(all()))
}

/** @returns seconds */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1_000
}

/** What came of a load. */
export interface Served {
  readonly seconds: number
  /** From each send to its answer, in milliseconds. */
  readonly took: readonly number[]
}

/** Sends to one agent after the other, `inFlight` at a time. */
export async function steady(
  send: (to: string) => Promise<unknown>,
  order: readonly string[],
  inFlight: number,
): Promise<Served> {
  const took: number[] = []
  let next = 0
  const lane = async () => {
    while (next < order.length) {
      const to = order[next++]!
      const sent = performance.now()
      await send(to)
      took.push(performance.now() - sent)
    }
  }
  const seconds = await timed(() => Promise.all(Array.from({ length: inFlight }, lane)))
  return { seconds, took }
}

/** Sends bursts, each when the one before is answered and after a pause. The pauses do not count. */
export async function bursts(
  send: (to: string) => Promise<unknown>,
  order: readonly string[],
  burst: number,
  pauseMs: number,
): Promise<Served> {
  const took: number[] = []
  let seconds = 0
  for (let first = 0; first < order.length; first += burst) {
    const part = await steady(send, order.slice(first, first + burst), burst)
    seconds += part.seconds
    took.push(...part.took)
    await sleep(pauseMs)
  }
  return { seconds, took }
}

/** `n` of the ids, drawn so that the k-th is 1 / k as likely as the first; the same every time. */
export function zipf(ids: readonly string[], n: number): string[] {
  const until: number[] = []
  let total = 0
  for (let k = 1; k <= ids.length; k++) {
    total += 1 / k
    until.push(total)
  }
  return Array.from({ length: n }, (_, i) => {
    const drawn = spreadOut(i) * total
    return ids[until.findIndex(end => drawn < end)]!
  })
}

/** Numbers from 0 to 1 without clusters or gaps: multiples of the golden ratio. */
export function spreadOut(i: number): number {
  return (i * 0.618_033_988_749_895) % 1
}
