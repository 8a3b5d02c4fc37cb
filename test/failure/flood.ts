// Consumers that are slower than whoever sends to them, one for each policy of a full mailbox.
import { agent, event, request } from 'ringreeve'

export const Item = event<number>('item')
export const Job = request<number, number>('job')
export const Handled = request<void, { events: number; requests: number; disorder: number }>('handled')
export const Ping = request<void, string>('ping')

const SLOW_MS = 0.1

function consumer(type: string, overflow: 'wait' | 'reject' | 'drop-oldest') {
  const work = (state: { last: number; disorder: number }, n: number): void => {
    const end = performance.now() + SLOW_MS
    if (n <= state.last) state.disorder++
    state.last = n
    while (performance.now() < end);
  }
  return agent(type, {
    threads: 1,
    mailbox: { capacity: 64, overflow },
    subscriptions: [type],
    state: () => ({ events: 0, requests: 0, last: -1, disorder: 0 }),
  })
    .on(Item, (n, ctx) => {
      ctx.state.events++
      work(ctx.state, n)
    })
    .on(Job, (n, ctx) => {
      ctx.state.requests++
      work(ctx.state, n)
      return n
    })
}
export const waiting = consumer('waiting', 'wait').on(Handled, (_, ctx) => ctx.state)
export const rejecting = consumer('rejecting', 'reject').on(Handled, (_, ctx) => ctx.state)
export const dropping = consumer('dropping', 'drop-oldest').on(Handled, (_, ctx) => ctx.state)
export const ponger = agent('ponger').on(Ping, () => 'pong')

// A crowd, each of whom sends one event to an agent that lets nobody in for now. Types are placed in the order of their
// names: these two are on different threads.
export const Go = event('go')
export const Enter = event('enter')
export const Admit = request<Int32Array, void>('admit')
export const Inside = request<void, number>('inside')
export const crowd = agent('crowd', { threads: 1, subscriptions: ['crowd'] }).on(Go, async (_, ctx) => {
  await ctx.publish(Enter, undefined, { topic: 'door/x' })
})
export const door = agent('door', { threads: 1, subscriptions: ['door'], state: () => ({ inside: 0 }) })
  .on(Enter, (_, ctx) => {
    ctx.state.inside++
  })
  .on(Admit, async open => {
    while (Atomics.load(open, 0) === 0) await new Promise(resolve => setTimeout(resolve, 1))
  })
  .on(Inside, (_, ctx) => ctx.state.inside)
