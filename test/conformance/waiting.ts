// Agents that wait for each other: for room, and for answers.
import { agent, event, request } from 'ringreeve'

export const Produce = request<number, string>('produce')
export const More = request<number, number>('more')
export const Through = request<number, number>('through')
export const Walk = request<number, number>('walk')
export const Handled = request<void, number>('handled')
export const Item = event<number>('item')

export const producer = agent('producer', { threads: 1 })
  .on(Produce, async (n, ctx) => {
    for (let i = 0; i < n; i++) await ctx.publish(Item, i, { topic: 'items/x' })
    return 'all published'
  })
  .on(More, n => n * 2)

/** Asks who publishes, directly or by way of another, while its mailbox is full. */
export const consumer = agent('consumer', {
  subscriptions: ['items'],
  mailbox: { capacity: 4 },
  state: () => ({ handled: 0 }),
})
  .on(Item, async (n, ctx) => {
    if (n % 2 === 0) await ctx.send(More, n, 'producer/x')
    else await ctx.send(Through, n, 'broker/x')
    ctx.state.handled++
  })
  .on(Handled, (_, ctx) => ctx.state.handled)

export const broker = agent('broker').on(Through, (n, ctx) => ctx.send(More, n, 'producer/x'))

export const Bounce = request<string, number>('bounce')
export const Mirror = request<{ n: number; to: string }, number>('mirror')

/** A full mailbox of calls that come back: all of them are refused, and then there is room. */
export const small = agent('small', { mailbox: { capacity: 1 } })
  .on(Bounce, async (mirror, ctx) => {
    const to = ctx.id.toString()
    const all = await Promise.all([1, 2, 3].map(n => ctx.trySend(Mirror, { n, to }, mirror)))
    return all.filter(({ ok }) => !ok).length
  })
  .on(More, n => n)
export const mirror = agent('mirror', { concurrency: 'interleaved' }).on(Mirror, ({ n, to }, ctx) =>
  ctx.send(More, n, to),
)

export const Go = request<number, string>('go')
export const Fill = request<{ n: number; to: string }, void>('fill')
export const Back = request<string, string>('back')
export const Ping = request<void, string>('ping')
export const Job = request<void, void>('job')

/** Its queue is full, for whoever sends from elsewhere, when a call comes back to it. */
const thronged = (type: string, concurrency: 'serial' | 'callchain') =>
  agent(type, { concurrency, mailbox: { capacity: 4 } })
    .on(Go, async (n, ctx) => {
      await ctx.send(Fill, { n, to: ctx.id.toString() }, 'filler/2')
      await ctx.sleep(50) // so that they are known to be too many
      const back = await ctx.trySend(Back, ctx.id.toString(), 'asker/2')
      return back.ok ? back.value : (back.error as Error).name
    })
    .on(Ping, () => 'pong')
    .on(Job, () => {})
export const plain = thronged('plain', 'serial')
export const chained = thronged('chained', 'callchain')
export const filler = agent('filler').on(Fill, ({ n, to }, ctx) => {
  ctx.after(0, later => {
    for (let i = 0; i < n; i++) void later.send(Job, undefined, to)
  })
})
export const asker = agent('asker').on(Back, (to, ctx) => ctx.send(Ping, undefined, to))

export const walker = agent('walker', { concurrency: 4 }).on(Walk, async (depth, ctx) => {
  await ctx.sleep(1)
  return depth === 0 ? 1 : 1 + (await ctx.send(Walk, depth - 1, 'walker/x'))
})
