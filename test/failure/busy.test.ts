// Promised: a thread that does not come by holds up no other: what ended begins again, and is joined to the busy one in
// order when that comes by.
import { agent, createRuntime } from 'ringreeve'
import { expect, it } from 'vitest'
import { placeOf } from '#ringreeve/routing/table.js'
import { sharedMemory } from '#ringreeve/sync/pool.js'
import { failure, flag, reaches } from '../conformance/engines.js'
import * as busy from './busy.js'

const url = new URL('./busy.js', import.meta.url)
const restarts = { max: 1_000, within: 1_000, backoff: { min: 1, max: 1 } }
const keyOn = (thread: number): string => [...'abcdefgh'].find(key => placeOf(key, 2) === thread - 1) as string
const mortal = `mortal/${keyOn(1)}`
const spinner = `busy/${keyOn(2)}`

it('a thread begins again while another one computes', async () => {
  const ringBytes = 2 ** 16 // of no other test here
  await using runtime = await createRuntime({ threads: 2, agents: [url], restarts, ringBytes })
  const words = { begun: flag(), release: flag() }
  const spin = runtime.send(busy.Spin, { ...words, over: mortal }, spinner)
  await reaches(words.begun, 1)
  for (const n of [1, 3, 5]) {
    expect(await runtime.send(busy.Ping, undefined, mortal)).toBe('pong')
    await runtime.send(busy.Tell, { to: spinner, numbers: [n, n + 1] }, mortal)
    if (n < 5) await failure(runtime.send(busy.End, undefined, mortal))
  }
  let idle = false
  const whenIdle = runtime.idle().then(() => {
    idle = true
  })
  await new Promise(resolve => setTimeout(resolve, 20))
  expect(idle).toBe(false)
  const { bytes } = sharedMemory
  Atomics.store(words.release, 0, 1)
  // both went to the life that it knew: one was taken in there, one never
  expect(await spin).toEqual([true, false].map(maybeExecuted => ({ code: 'ERR_RINGREEVE_THREAD_LOST', maybeExecuted })))
  await whenIdle
  expect(await runtime.send(busy.Taken, undefined, spinner)).toEqual([1, 2, 3, 4, 5, 6])
  expect(sharedMemory.bytes - bytes).toBeGreaterThanOrEqual(2 * 4 * ringBytes) // it has let go of two lives
  const again = { begun: flag(), release: flag() }
  Atomics.store(again.release, 0, 1)
  const next = runtime.send(busy.Spin, { ...again, over: mortal }, spinner).catch(() => {})
  await reaches(again.begun, 1)
  await failure(runtime.send(busy.End, undefined, mortal))
  await next
})

it('a thread that computes for ever holds up neither a new life nor the stop', async () => {
  const runtime = await createRuntime({ threads: 2, agents: [url], restarts })
  const words = { begun: flag(), release: flag() }
  const spin = failure(runtime.send(busy.Spin, { ...words, over: mortal }, spinner))
  await reaches(words.begun, 1)
  await failure(runtime.send(busy.End, undefined, mortal))
  expect(await runtime.send(busy.Ping, undefined, mortal)).toBe('pong')
  await runtime.stop({ drain: false, timeout: 10 })
  expect((await spin).name).toMatch(/StoppedError|ThreadLostError/)
  await runtime.close()
})

it('calls of one life are not cancelled by the flags of another', async () => {
  const relay = agent('relay').on(busy.Relay, ({ to }, ctx) => ctx.send(busy.Unwanted, undefined, to))
  await using runtime = await createRuntime({ threads: 2, agents: [url, relay], restarts })
  await runtime.send(busy.GiveUp, { to: spinner }, mortal)
  const words = { begun: flag(), release: flag() }
  const spin = runtime.send(busy.Spin, { ...words, over: mortal }, spinner)
  await reaches(words.begun, 1)
  await failure(runtime.send(busy.End, undefined, mortal))
  const unwanted = runtime.send(busy.Relay, { by: 'relay/x', to: spinner }, mortal)
  await new Promise(resolve => setTimeout(resolve, 200)) // until it waits in the ring of the busy thread
  Atomics.store(words.release, 0, 1)
  expect(await unwanted).toBe(false)
  await spin
})
