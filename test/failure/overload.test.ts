// Overload: producers that are faster than their consumer, under each policy. Nothing is uncounted: what was sent is
// what was handled, what was refused and what was dropped; queues stay within bounds; answers of others still come.
// `RINGREEVE_CHAOS=60` makes it a minute each, looks at the memory, and prints what it counted.

import { setTimeout as sleep } from 'node:timers/promises'
import { createRuntime, OverloadedError, type Runtime } from 'ringreeve'
import { describe, expect, it } from 'vitest'
import * as flood from './flood.js'

const seconds = Number(process.env.RINGREEVE_CHAOS ?? 1)
const url = new URL('./flood.js', import.meta.url)
const RING = 65_536
/** What may be on its way to an agent beside its mailbox of 64: a ring of the smallest frames, and what is held back. */
const ON_THE_WAY = RING / 40

interface Flooded {
  readonly requests: number
  readonly answered: number
  readonly refused: number
  readonly events: number
  readonly pings: number
  readonly most: number
}

/** Requests and events in one order, as fast as the policy lets them; at most 200 requests are waited for at a time. */
async function run(runtime: Runtime, type: string): Promise<Flooded> {
  let [requests, answered, refused, events, pings, most, early] = [0, 0, 0, 0, 0, 0, 0]
  const open = new Set<Promise<void>>()
  const ask = (n: number): void => {
    requests++
    const one = runtime.send(flood.Job, n, `${type}/x`).then(
      () => void answered++,
      error => {
        if (!(error instanceof OverloadedError)) throw error
        refused++
      },
    )
    open.add(one)
    void one.finally(() => open.delete(one))
  }
  const end = performance.now() + seconds * 1_000
  let n = 0
  while (performance.now() < end) {
    for (let i = 0; i < 50; i++, n++) {
      if (n % 2 === 0) ask(n)
      else {
        events++
        await runtime.publish(flood.Item, n, { topic: `${type}/x` })
      }
    }
    expect(await runtime.send(flood.Ping, undefined, 'ponger/x')).toBe('pong')
    pings++
    most = Math.max(most, runtime.stats().unprocessed)
    while (open.size > 200) await Promise.race(open)
    if (early === 0 && end - performance.now() < seconds * 700) early = process.memoryUsage.rss()
  }
  await Promise.all(open)
  await runtime.idle()
  if (seconds >= 30) {
    const grown = process.memoryUsage.rss() - early
    const counted = { type, threads: runtime.threads, seconds, requests, answered, refused, events, pings, most }
    process.stdout.write(`overload: ${JSON.stringify(counted)}, ${(grown / 1e6).toFixed(0)} MB more\n`)
    expect(grown).toBeLessThan(100e6)
  }
  return { requests, answered, refused, events, pings, most }
}

for (const threads of [1, 2]) {
  describe(`a producer that is faster than its consumer (${threads})`, () => {
    const options = { threads, agents: [url], ringBytes: RING }
    const timeout = seconds * 1_000 + 30_000

    it("'wait': all is handled, in order", { timeout }, async () => {
      await using runtime = await createRuntime(options)
      const sent = await run(runtime, 'waiting')
      expect(await runtime.send(flood.Handled, undefined, 'waiting/x')).toMatchObject({
        events: sent.events,
        requests: sent.requests,
        disorder: 0,
      })
      expect(sent).toMatchObject({ answered: sent.requests, refused: 0 })
      expect(sent.most).toBeLessThan(64 + ON_THE_WAY)
      expect(sent.pings).toBeGreaterThan(0)
    })

    for (const type of ['rejecting', 'dropping']) {
      it(`'${type}': handled, refused and dropped add up`, { timeout }, async () => {
        await using runtime = await createRuntime(options)
        const sent = await run(runtime, type)
        const handled = await runtime.send(flood.Handled, undefined, `${type}/x`)
        const dropped = runtime.stats().loops.reduce((sum, loop) => sum + loop.dropped, 0)
        if (seconds >= 30) process.stdout.write(`overload: handled ${JSON.stringify(handled)}, dropped ${dropped}\n`)
        expect(handled.requests).toBe(sent.answered)
        expect(sent.answered + sent.refused).toBe(sent.requests)
        expect(handled.requests + handled.events + dropped).toBe(sent.requests + sent.events)
        expect(dropped).toBeGreaterThan(sent.refused) // else nothing but requests was refused
        expect(handled.disorder).toBe(0)
        expect(sent.most).toBeLessThan(64 + ON_THE_WAY)
        expect(sent.pings).toBeGreaterThan(0)
      })
    }
  })
}

it('who awaits what it sends is never refused, however many do', async () => {
  const all = 80_000 // of whom the ring takes some, and more than 65,536 wait
  await using runtime = await createRuntime({ threads: 2, agents: [url], unhandledErrors: 'throw' })
  const open = new Int32Array(new SharedArrayBuffer(4))
  const admitting = runtime.send(flood.Admit, open, 'door/x')
  for (let n = 0; n < all; n++) await runtime.publish(flood.Go, undefined, { topic: `crowd/${n}` })
  while (runtime.stats().loops.every(({ running }) => running < 70_000)) await sleep(5)
  Atomics.store(open, 0, 1)
  await admitting
  await runtime.idle()
  expect(await runtime.send(flood.Inside, undefined, 'door/x')).toBe(all)
})
