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

/** A full mailbox of calls that come back: all of them are refused, and then there is room. */
export const small = agent('small', { mailbox: { capacity: 1 } })
  .on(Handled, (_, ctx) =>
    Promise.all([1, 2, 3].map(n => ctx.trySend(Through, n, 'mirror/x'))).then(
      all => all.filter(({ ok }) => !ok).length,
    ),
  )
  .on(More, n => n)
export const mirror = agent('mirror', { concurrency: 'interleaved' }).on(Through, (n, ctx) =>
  ctx.send(More, n, 'small/x'),
)

export const walker = agent('walker', { concurrency: 4 }).on(Walk, async (depth, ctx) => {
  await ctx.sleep(1)
  return depth === 0 ? 1 : 1 + (await ctx.send(Walk, depth - 1, 'walker/x'))
})
