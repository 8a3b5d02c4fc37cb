// The agents that are measured. Loaded on the threads; the single loop loads the same module.
import { threadId } from 'node:worker_threads'
import { agent, event, request } from 'ringreeve'
import { type Driven, type DriveOptions, drive, driveUntil } from './drive.js'
import { Noise } from './listeners.js'
import { type PumpOptions, pump } from './pump.js'
import { spin } from './work.js'

// ---- CPU-bound ------------------------------------------------------------------------------------------------------
export const Spin = request<number, number>('spin')
export const Where = request<void, number>('where')
export const SpinAll = request<{ keys: string[]; blocks: number; left: Int32Array }, void>('spin-all')

/** On every thread; its key decides which. */
export const worker = agent('worker')
  .on(Spin, blocks => spin(blocks))
  .on(Where, () => threadId)

/** Sends to workers, on its own thread and others, until nothing is left to send. Keeps one message per key in flight. */
export const driver = agent('driver')
  .on(SpinAll, async ({ keys, blocks, left }, ctx) => {
    const lane = async (key: string) => {
      while (Atomics.sub(left, 0, 1) > 0) await ctx.send(Spin, blocks, key)
    }
    await Promise.all(keys.map(lane))
  })
  .on(Where, () => threadId)

// ---- envelopes: two types pinned to a thread each, so to different ones while there are two -----------------------
export const Echo = request<unknown, unknown>('echo')
export const Drive = request<DriveOptions & { to: string; body: unknown }, Driven>('drive')
export const Talk = request<{ to: string; inFlight: number; shared: Int32Array }, void>('talk')

export const callee = agent('callee', { threads: 1, concurrency: 'interleaved' })
  .on(Echo, body => body)
  .on(Where, () => threadId)

export const caller = agent('caller', { threads: 1 })
  .on(Drive, ({ to, body, ...options }, ctx) => drive(() => ctx.send(Echo, body, to), options))
  .on(Talk, ({ to, inFlight, shared }, ctx) => driveUntil(() => ctx.send(Echo, undefined, to), inFlight, shared))
  .on(Where, () => threadId)

// ---- one way: a source and a sink pinned to a thread each --------------------------------------------------------
export const Frame = event<unknown>('frame')
export const Pump = request<PumpOptions & { to: string }, number>('pump')
export const Arrivals = request<Int32Array<SharedArrayBuffer>, void>('arrivals')

export const sink = agent('sink', {
  threads: 1,
  subscriptions: ['sink'],
  state: () => ({ arrived: new Int32Array(new SharedArrayBuffer(4)) }),
})
  .on(Frame, (_, { state }) => {
    Atomics.add(state.arrived, 0, 1)
  })
  .on(Arrivals, (arrived, { state }) => {
    state.arrived = arrived
  })
  .on(Where, () => threadId)

export const source = agent('source', { threads: 1 })
  .on(Pump, ({ to, ...options }, ctx) => pump({ send: body => ctx.publish(Frame, body, { topic: to }) }, options))
  .on(Where, () => threadId)

// ---- fan-out: publishes from a thread -----------------------------------------------------------------------------
export const Cry = request<{ topic: string; events: number; body: unknown }, void>('cry')

export const crier = agent('crier', { threads: 1 }).on(Cry, async ({ topic, events, body }, ctx) => {
  for (let i = 0; i < events; i++) await ctx.publish(Noise, body, { topic })
})
