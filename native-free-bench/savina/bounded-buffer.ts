// Bounded Buffer: 40 producers and 40 consumers, a buffer of 50 between them, and work at both ends. Checks that every
// item was consumed, once, and that the buffer never held more than it may.
import { agent, event, request } from 'ringreeve'
import { expect, Later, many, program, work } from './program.js'

interface Order {
  readonly producers: string[]
  readonly consumers: string[]
  readonly items: number
  readonly buffer: number
  readonly cost: number
}

const Produce = event<{ store: string; items: number; cost: number }>('produce')
const Item = event<{ producer: string; n: number; last: boolean }>('item')
const Consume = event<{ n: number; store: string; cost: number }>('consume')
const Free = event<{ consumer: string; n: number }>('free')
const Open = request<Order, { consumed: number; sum: number; most: number }>('open')

/** Rounds of work for a cost of 1, as in the paper. */
const ROUNDS = 100

export const store = agent('store', {
  concurrency: 'interleaved',
  subscriptions: ['store'],
  state: () => ({
    order: undefined as Order | undefined,
    held: [] as number[],
    idle: [] as string[],
    blocked: [] as string[],
    producing: 0,
    consumed: 0,
    sum: 0,
    most: 0,
    end: new Later(),
  }),
})
  .on(Open, async (order, ctx) => {
    const { state } = ctx
    const { items, cost } = order
    state.order = order
    state.idle = [...order.consumers]
    state.producing = order.producers.length
    for (const topic of order.producers) await ctx.publish(Produce, { store: `${ctx.id}`, items, cost }, { topic })
    await state.end.promise
    return { consumed: state.consumed, sum: state.sum, most: state.most }
  })
  .on(Item, ({ producer, n, last }, ctx) => {
    const { state } = ctx
    const { items, cost, buffer } = state.order!
    const consumer = state.idle.pop()
    if (consumer === undefined) state.most = Math.max(state.most, state.held.push(n))
    else void ctx.publish(Consume, { n, store: `${ctx.id}`, cost }, { topic: consumer })
    if (last) state.producing--
    // each producer that is at work may bring one more
    else if (state.held.length + state.producing - state.blocked.length > buffer) state.blocked.push(producer)
    else void ctx.publish(Produce, { store: `${ctx.id}`, items, cost }, { topic: producer })
  })
  .on(Free, ({ consumer, n }, ctx) => {
    const { state } = ctx
    const { items, cost, producers } = state.order!
    state.consumed++
    state.sum += n
    if (state.consumed === producers.length * items) return state.end.resolve()
    const next = state.held.shift()
    if (next === undefined) state.idle.push(consumer)
    else void ctx.publish(Consume, { n: next, store: `${ctx.id}`, cost }, { topic: consumer })
    const producer = state.blocked.shift()
    if (producer !== undefined) void ctx.publish(Produce, { store: `${ctx.id}`, items, cost }, { topic: producer })
  })

export const maker = agent('maker', {
  subscriptions: ['maker'],
  state: id => ({ address: `maker/${id.key}`, made: 0, result: 0 }),
}).on(Produce, ({ store, items, cost }, ctx) => {
  const { state } = ctx
  state.result = work(cost * ROUNDS)
  state.made++
  void ctx.publish(Item, { producer: state.address, n: state.made, last: state.made === items }, { topic: store })
})

export const eater = agent('eater', {
  subscriptions: ['eater'],
  state: id => ({ address: `eater/${id.key}`, result: 0 }),
}).on(Consume, ({ n, store, cost }, ctx) => {
  ctx.state.result = work(cost * ROUNDS)
  void ctx.publish(Free, { consumer: ctx.state.address, n }, { topic: store })
})

export const boundedBuffer = program(
  'Bounded Buffer',
  import.meta.url,
  {
    published: { buffer: 50, producers: 40, consumers: 40, items: 1_000, cost: 25 },
    brief: { buffer: 50, producers: 40, consumers: 40, items: 100, cost: 25 },
    small: { buffer: 5, producers: 4, consumers: 4, items: 25, cost: 2 },
  },
  async (runtime, { buffer, producers, consumers, items, cost }, tag, clock) => {
    const order = { producers: many('maker', tag, producers), consumers: many('eater', tag, consumers) }
    const { consumed, sum, most } = await clock.time(() =>
      runtime.send(Open, { ...order, items, buffer, cost }, `store/${tag}`),
    )
    expect('items consumed', consumed, producers * items)
    expect('sum of their numbers', sum, (producers * items * (items + 1)) / 2)
    if (most > buffer) throw new Error(`the buffer held ${most} items, and it may hold ${buffer}`)
    return 4 * producers * items
  },
)
