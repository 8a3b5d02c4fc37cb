// Promised: lives of threads use memory again, so starts, stops and restarts do not add up; and memory that something
// of an earlier life may still touch is nobody else's.
import fc from 'fast-check'
import { createRuntime } from 'ringreeve'
import { expect, it } from 'vitest'
import { Leases } from '#ringreeve/coordinator/leases.js'
import { CancelFlags } from '#ringreeve/sync/cancel.js'
import { MemoryPool, sharedMemory } from '#ringreeve/sync/pool.js'
import { createRing, RingGauge, RingReader, RingWriter } from '#ringreeve/transport/ring.js'
import { failure } from '../conformance/engines.js'
import * as kit from '../conformance/kit.js'
import { writeFrame } from '../transport/frames.js'
import { pipe } from './fifo.js'
import * as slow from './slow.js'

const kitUrl = new URL('../conformance/kit.js', import.meta.url)
/** Pieces of memory that one of two threads shares with the others: rings of two links, and flags. */
const ONE_LIFE = 2 * 4 + 1
const FLAGS = new CancelFlags().memory.byteLength
const restarts = { max: 1_000, within: 1_000, backoff: { min: 1, max: 1 } }

it('restarts of a thread use its rings and flags again', async () => {
  await using runtime = await createRuntime({ threads: 2, agents: [kitUrl], restarts })
  let made = 0
  for (let n = 0; n < 12; n++) {
    await failure(runtime.send(kit.End, { how: n % 2 === 0 ? 'exit' : 'throw' }, `mortal/${n}`))
    const keys = Array.from({ length: 8 }, (_, key) => key)
    const text = `${n}`.repeat(1_000)
    const echoes = keys.map(key => runtime.send(kit.Echo, { key, text }, `echo/${key}`))
    expect(await Promise.all(echoes)).toEqual(keys.map(key => ({ key, text })))
    if (n === 1) made = sharedMemory.made
  }
  expect(made).toBeGreaterThan(0)
  expect(sharedMemory.made).toBeLessThanOrEqual(made + ONE_LIFE) // the other thread may have been late to let go, once
})

it('starts and stops use rings and flags again, also those of another runtime', async () => {
  const round = async (n: number): Promise<void> => {
    const runtime = await createRuntime({ threads: 2, agents: [kitUrl], restarts })
    const last = runtime.send(kit.Slow, { ms: 20, answer: n }, 'echo/x').catch(() => {})
    if (n % 3 === 0) await failure(runtime.send(kit.End, { how: 'exit' }, 'mortal/x'))
    await runtime.close({ drain: n % 2 === 0 })
    await last
  }
  await round(0)
  const { made, bytes } = sharedMemory
  for (let n = 1; n < 8; n++) await round(n)
  const more = sharedMemory.made - made
  expect(more).toBeLessThanOrEqual(1) // flags, if the other thread was late to let go of those before
  expect(sharedMemory.bytes - bytes).toBe(more * FLAGS)
})

it('what a zombie can reach is not used again before it has gone', async () => {
  const ringBytes = 2 ** 17 // of no other test here
  const url = new URL('./slow.js', import.meta.url)
  const fifo = pipe()
  await using runtime = await createRuntime({ threads: 2, agents: [url], ringBytes, restarts })
  await runtime.send(slow.Ping, undefined, 'unwatched/x')
  const { made, bytes } = sharedMemory
  await failure(runtime.send(slow.Native, fifo.path, 'stuck/a'))
  await runtime.send(slow.Ping, undefined, 'unwatched/x')
  await runtime.idle()
  expect(runtime.stats().zombies).toBe(1)
  const rings = 2 * 4
  expect(sharedMemory.made - made).toBeGreaterThanOrEqual(rings)
  expect(sharedMemory.bytes).toBeLessThanOrEqual(bytes)
  fifo[Symbol.dispose]()
  while (runtime.stats().zombies > 0) await new Promise(resolve => setTimeout(resolve, 5))
  expect(sharedMemory.bytes).toBeGreaterThanOrEqual(rings * ringBytes)
})

it('leases: memory goes back once, and only when nobody holds it', () => {
  const step = fc.record({
    do: fc.constantFrom('join', 'exit', 'detach'),
    loop: fc.nat(4),
    other: fc.nat(4),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      /** Who can reach a piece; a piece is in use from its first lease until it is given back. */
      const reach = new Map<SharedArrayBuffer, Set<object>>()
      const returned = new Set<SharedArrayBuffer>()
      const pool = new MemoryPool(2 ** 20)
      pool.give = memory => {
        expect(reach.get(memory)?.size).toBe(0)
        expect(returned.has(memory)).toBe(false)
        returned.add(memory)
      }
      const piece = (...holders: object[]) => {
        const memory = new SharedArrayBuffer(8)
        reach.set(memory, new Set(holders))
        return memory
      }
      const leases = new Leases<object>(pool)
      type Life = { readonly flags: SharedArrayBuffer; readonly links: Map<Life, SharedArrayBuffer> }
      const lives = new Map<number, Life>()
      const exited: Life[] = []
      const leave = (life: Life, other: Life): void => {
        const ring = life.links.get(other)
        if (ring === undefined) return
        life.links.delete(other)
        reach.get(ring)?.delete(life)
        reach.get(other.flags)?.delete(life)
      }
      const exit = (life: Life): void => {
        for (const other of [...life.links.keys()]) leave(life, other)
        reach.get(life.flags)?.delete(life)
        leases.letGo(life)
        exited.push(life)
      }
      for (const { do: what, loop, other } of steps) {
        const life = lives.get(loop)
        if (what === 'join' && life === undefined) {
          const born: Life = { flags: piece(), links: new Map() }
          reach.get(born.flags)?.add(born)
          leases.grant([born.flags], born)
          for (const peer of lives.values()) {
            const ring = piece(born, peer)
            born.links.set(peer, ring)
            peer.links.set(born, ring)
            reach.get(born.flags)?.add(peer)
            reach.get(peer.flags)?.add(born)
            leases.grant([ring, born.flags, peer.flags], born, peer)
          }
          lives.set(loop, born)
        } else if (what === 'exit' && life !== undefined) {
          lives.delete(loop)
          exit(life)
        } else if (what === 'detach' && life !== undefined) {
          const gone = exited[other]
          if (gone === undefined) continue
          leave(life, gone)
          leases.letGo(life, gone)
        }
      }
      for (const life of lives.values()) exit(life)
      expect(returned.size).toBe(reach.size)
    }),
  )
})

it('a ring that is used again begins at nothing, whatever was in it', () => {
  const used = createRing(4_096)
  const writer = new RingWriter(used)
  for (let sequence = 0; writeFrame(writer, sequence, 64); sequence++);
  writer.show()
  writer.wantSpace(64)
  const reader = new RingReader(used)
  reader.drain(3, () => {})
  sharedMemory.give(used)
  const ring = createRing(4_096)
  expect(ring).toBe(used)
  const gauge = new RingGauge(ring)
  expect([gauge.head, gauge.tail]).toEqual([0, 0])
  expect(new RingReader(ring).empty).toBe(true)
  expect(new RingReader(ring).spaceWanted()).toBe(false)
  const next = new RingWriter(ring)
  expect(next.position).toBe(0)
  expect(next.claim(64)).toBe(0)
})

it('flags that are used again are all down', () => {
  const calls = [
    [0, 1],
    [77, 3],
    [262_143, 9],
  ] as const
  const used = new CancelFlags()
  for (const [slot, generation] of calls) used.raise(slot, generation)
  sharedMemory.give(used.memory)
  const flags = new CancelFlags()
  expect(flags.memory).toBe(used.memory)
  for (const [slot, generation] of calls) expect(flags.raised(slot, generation)).toBe(false)
  expect(new Int32Array(flags.memory).every(word => word === 0)).toBe(true)
})

it('the pool keeps no more than it may', () => {
  const pool = new MemoryPool(1_000)
  const pieces = Array.from({ length: 5 }, () => pool.take(400))
  for (const piece of pieces) pool.give(piece)
  expect(pool.bytes).toBe(800)
  expect(pieces).toContain(pool.take(400))
  expect(pool.take(400)).not.toBe(pool.take(400))
  expect(pool).toMatchObject({ bytes: 0, made: 6 })
})
