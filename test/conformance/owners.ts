// Agents whose turns are given up while what they began goes on.
import { agent, event, request } from 'ringreeve'

export const Order = request<{ begun: Int32Array; cleaned: Int32Array }, void>('order')
export const Place = request<{ placed: Int32Array; release: Int32Array }, string>('place')
export const Both = request<{ begun: Int32Array }, void>('both')
export const Release = request<void, string>('release')
export const Heard = request<void, string[]>('heard')
export const Life = request<void, number>('life')
export const Placed = event<string>('placed')
export const Sold = event<{ hang: Int32Array; release: Int32Array }>('sold')

const opened = async (word: Int32Array) => {
  while (Atomics.load(word, 0) === 0) await new Promise<void>(resolve => setTimeout(resolve, 1))
}
let made = 0

export const shop = agent('shop')
  .on(Order, async ({ begun, cleaned }, ctx) => {
    await ctx.publish(Placed, 'placed', { topic: 'orders/x' })
    Atomics.store(begun, 0, 1)
    try {
      await ctx.sleep(60_000)
    } finally {
      await ctx.publish(Placed, 'failed', { topic: 'orders/x' })
      await ctx.publish(Placed, 'told', { topic: 'orders/x', until: 'handled' })
      const { signal } = new AbortController()
      if ((await ctx.send(Release, undefined, 'books/x', { signal })) === 'released') Atomics.store(cleaned, 0, 1)
    }
  })
  .on(Place, async ({ placed, release }, ctx) => {
    await ctx.publish(Sold, { hang: placed, release }, { topic: 'sold/x' })
    await opened(release)
    return ctx.cancelled ? 'given up' : 'placed'
  })
  .on(Both, async ({ begun }, ctx) => {
    const late = ctx.send(Order, { begun, cleaned: new Int32Array(1) }, 'shop/inner')
    const limited = ctx.send(Order, { begun, cleaned: new Int32Array(1) }, 'shop/limited', { timeout: 50_000 })
    const handled = ctx.publish(Placed, 'never', { topic: 'shelf/x', until: 'handled' })
    await ctx.sleep(60_000) // what is rejected meanwhile would have been awaited after this
    await Promise.all([late, limited, handled])
  })

export const books = agent('books', { subscriptions: ['orders'], state: (): string[] => [] })
  .on(Placed, (what, ctx) => void ctx.state.push(what))
  .on(Release, () => 'released')
  .on(Heard, (_, ctx) => ctx.state)

/** Is long at what it hears. */
export const shelf = agent('shelf', { subscriptions: ['shelf', 'sold'] })
  .on(Placed, (_, ctx) => ctx.sleep(60_000))
  .on(Sold, ({ hang, release }) => {
    Atomics.add(hang, 0, 1)
    return opened(release) // it does not ask whether it is wanted, so the wish that it came with is its only one
  })

/** Hears the same event, and goes on with it. */
export const clerk = agent('clerk', { subscriptions: ['sold'], state: (): string[] => [] })
  .on(Sold, async ({ hang, release }, ctx) => {
    Atomics.add(hang, 0, 1)
    await opened(release)
    ctx.state.push(ctx.cancelled ? 'given up' : 'sold')
  })
  .on(Heard, (_, ctx) => ctx.state)

/** Counts how often its thread was begun, at least as far as it had to be made again. */
export const witness = agent('witness', { state: () => ++made }).on(Life, (_, ctx) => ctx.state)
