// Agents for the soak: some that end their thread, one that is sent millions of messages.
import { agent, event, request } from 'ringreeve'

export const Add = request<number, number>('add')
export const Added = event<number>('added')
export const Sum = request<void, number>('sum')
export const End = request<void, void>('end')

/** Each type lives on one thread, and not on the same. */
const mortal = (type: string) =>
  agent(type, { threads: 1, checkpoint: { everyMessages: 1 }, state: () => ({ n: 0 }) })
    .on(Add, (by, ctx) => (ctx.state.n += by))
    .on(End, () => process.exit(1))
export const one = mortal('one')
export const other = mortal('other')
export const adder = agent('adder', { state: () => ({ n: 0 }), subscriptions: ['added'] })
  .on(Add, (by, ctx) => (ctx.state.n += by))
  .on(Added, (by, ctx) => {
    ctx.state.n += by
  })
  .on(Sum, (_, ctx) => ctx.state.n)
