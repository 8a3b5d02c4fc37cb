// Agents that take memory: outside their state, where recycling helps, and within it, where it does not.
import { agent, event, request } from 'ringreeve'

export const Leak = request<number, number>('leak')
export const Hoard = request<number, number>('hoard')
export const Look = request<void, { n: number; stops: number; starts: number; restarts: number; ticks: number }>('look')
export const Relay = request<{ to: string; kb: number }, number>('relay')
export const Noted = event<number>('noted')
export const Attach = request<{ begun: Int32Array; release: Int32Array }, void>('attach')
export const Spin = request<{ begun: Int32Array; release: Int32Array }, void>('spin')
export const Odd = request<void, void>('odd')
export const Once = request<number, number>('once')

const ballast: unknown[] = []
/** Numbers on the heap, so many kilobytes of them. */
const load = (kb: number): number[] => new Array(kb * 128).fill(1.5)
const state = () => ({ n: 0, stops: 0, starts: 0, restarts: 0, ticks: 0 })

export const leaky = agent('leaky', { state, subscriptions: ['noted'], checkpoint: 'on-demand' })
  .onStart(ctx => {
    ctx.state.starts++
  })
  .onStop(ctx => {
    ctx.state.stops++
  })
  .onRestart(ctx => {
    ctx.state.restarts++
  })
  .on(Leak, (kb, ctx) => {
    ballast.push(load(kb))
    return ++ctx.state.n
  })
  .on(Noted, (_, ctx) => {
    ctx.state.n++
  })
  .on(Look, (_, ctx) => ctx.state)
  .on(Spin, ({ begun, release }) => {
    Atomics.store(begun, 0, 1)
    while (Atomics.load(release, 0) === 0);
  })
/** Leaks, and is gone. */
export const brief = agent('brief').on(Once, (kb, ctx) => {
  ballast.push(load(kb))
  ctx.stop()
  return ballast.length
})
/** Does something of itself. */
export const ticking = agent('ticking', { state })
  .every(5, ctx => {
    ctx.state.ticks++
  })
  .on(Look, (_, ctx) => ctx.state)
/** Calls that come back to the thread that they come from, and one that does not end. */
export const relay = agent('relay', { concurrency: 'interleaved' })
  .on(Relay, async ({ to, kb }, ctx) => {
    await ctx.publish(Noted, 1, { topic: 'noted/quiet' })
    return ctx.send(Leak, kb, to)
  })
  .on(Attach, async ({ begun, release }) => {
    Atomics.store(begun, 0, 1)
    while (Atomics.load(release, 0) === 0) await new Promise(resolve => setTimeout(resolve, 1))
  })
export const hoarder = agent('hoarder', { state: () => ({ all: [] as number[][] }) }).on(Hoard, (kb, ctx) =>
  ctx.state.all.push(load(kb)),
)
export const odd = agent('odd', { state: () => ({ f: undefined as (() => void) | undefined }) }).on(Odd, (_, ctx) => {
  ctx.state.f = () => {}
})
