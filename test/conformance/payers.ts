// Money moves all the time, by ticks and by a loop: whenever nothing is under way the sum of all accounts is 0.
import { agent, type Context, request } from 'ringreeve'

export const Credit = request<number, void>('credit')

const pay = async (ctx: Pick<Context<{ total: number }>, 'state' | 'send'>, to: string): Promise<void> => {
  ctx.state.total -= 1
  await ctx.send(Credit, 1, to)
}
const state = () => ({ total: 0 })

export const payee = agent('payee', { state }).on(Credit, (n, ctx) => {
  ctx.state.total += n
})
export const payer = agent('payer', { state })
  .every(1, ctx => pay(ctx, 'payee/w-2'))
  .loop(async (ctx, stopSignal) => {
    while (!stopSignal.aborted) await pay(ctx, 'payee/w-3')
  })
