// Agents that send in an async context of their own, and say in which they run.
import { AsyncLocalStorage } from 'node:async_hooks'
import { agent, request } from 'ringreeve'

export const Outer = request<number, { inner: string; after: string; outer: string }>('outer')
export const Inner = request<void, string>('inner')
export const Own = request<void, string[]>('own')

export const store = new AsyncLocalStorage<string>()
const here = () => store.getStore() ?? 'none'

export const outer = agent('outer', { concurrency: 'interleaved' }).on(Outer, (n, ctx) => {
  const outer = here()
  return store.run(`${n}`, async () => {
    await ctx.sleep(n % 3)
    const inner = await ctx.send(Inner, undefined, `inner/${n % 2}`)
    return { inner, after: here(), outer }
  })
})
export const inner = agent('inner').on(Inner, here)

/** Ticks and a loop, of an agent that is made by a message that was sent in a context. */
export const worker = agent('worker', { concurrency: 'interleaved', state: () => ({ seen: [] as string[] }) })
  .onStart((ctx: { state: { seen: string[] } }) => void ctx.state.seen.push(`start ${here()}`))
  .every(1, ctx => void ctx.state.seen.push(`tick ${here()}`))
  .loop(async ctx => {
    while (!ctx.signal.aborted) {
      ctx.state.seen.push(`loop ${here()}`)
      await ctx.sleep(1).catch(() => {})
    }
  })
  .on(Own, async (_, ctx) => {
    while (!ctx.state.seen.some(one => one.startsWith('tick'))) await ctx.sleep(1)
    return [...new Set(ctx.state.seen)].sort()
  })
export const maker = agent('maker').on(Own, (_, ctx) => store.run('maker', () => ctx.send(Own, undefined, 'worker/x')))

/** What it does of itself, of whoever makes it and has it stop. */
export const called = agent('called', { state: () => ({ seen: [`state ${here()}`] }) })
  .onStart(async ctx => {
    ctx.state.seen.push(`start ${here()}`)
    await undefined
    ctx.state.seen.push(`start, later ${here()}`)
  })
  .loop(async ctx => {
    ctx.state.seen.push(`loop ${here()}`)
    await ctx.sleep(1).catch(() => {})
    ctx.state.seen.push(`loop, later ${here()}`)
  })
  .every(1, ctx => void ctx.state.seen.push(`tick ${here()}`))
  .onStop(ctx => {
    throw new Error([...new Set(ctx.state.seen), `stop ${here()}`].sort().join())
  })
  .on(Own, async (_, ctx) => {
    const { seen } = ctx.state
    while (!seen.some(one => one.startsWith('tick')) || !seen.some(one => one.startsWith('loop, '))) await ctx.sleep(1)
    return seen
  })
