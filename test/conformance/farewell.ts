// Agents that have something to say when they end, and one that hears it and has no end of its own.
import { agent, event, request } from 'ringreeve'

export const Begin = request<void, number>('begin')
export const Total = event<{ from: string; total: number }>('total')
export const Bye = request<string, void>('bye')
/** Count themselves. */
export const Order = event<Int32Array>('order')
export const Ask = request<Int32Array, string>('ask')
/** What was heard, in shared memory: the number of totals, their sum, byes. */
export const Hear = request<Int32Array, void>('hear')

export const counter = agent('counter', { state: () => ({ n: 0 }) })
  .on(Begin, (_, ctx) => ++ctx.state.n)
  .onStop(async ctx => {
    await ctx.sleep(2)
    await ctx.publish(Total, { from: `${ctx.id}`, total: ctx.state.n }, { topic: 'totals/all' })
    await ctx.send(Bye, `${ctx.id}`, 'archive/all')
    if (ctx.id.key === 'bad') throw new Error(`${ctx.id} is bad`)
    if (ctx.id.key === 'worse') throw new Error(`${ctx.id} is worse`)
  })

export const spoilt = agent('spoilt')
  .on(Begin, () => 0)
  .onStop(ctx => {
    throw new Error(`${ctx.id} is bad`)
  })

/** Tells the other of its kind that it ends, once: who is told is made anew by that, and ends again. */
export const twin = agent('twin', { state: () => ({ told: false }) })
  .on(Begin, () => 0)
  .on(Bye, (_, ctx) => {
    ctx.state.told = true
  })
  .onStop(ctx => {
    // neither waits for the other's answer, which would come when that has ended
    if (!ctx.state.told) void ctx.trySend(Bye, `${ctx.id}`, `twin/${ctx.id.key === 'a' ? 'b' : 'a'}`)
  })

export const archive = agent('archive', {
  subscriptions: ['totals'],
  state: () => ({ words: undefined as Int32Array | undefined }),
})
  .on(Hear, (words, ctx) => {
    ctx.state.words = words
  })
  .on(Total, ({ total }, ctx) => {
    if (ctx.state.words === undefined) return
    Atomics.add(ctx.state.words, 0, 1)
    Atomics.add(ctx.state.words, 1, total)
  })
  .on(Bye, (_, ctx) => {
    if (ctx.state.words !== undefined) Atomics.add(ctx.state.words, 2, 1)
  })

/** Where an agent that is being made says how far it is: it can be given no words. */
export const HEARD_FROM = 'beginning'
function say(what: string): void {
  const channel = new BroadcastChannel(HEARD_FROM)
  channel.unref()
  channel.postMessage(what)
}

/** Takes its time to be made, and does not go on when it is told to end. */
export const beginning = agent('beginning', { subscriptions: ['orders'] })
  .onStart(async ctx => {
    say('begins')
    if (ctx.id.key === 'sleep') await ctx.sleep(50)
    else if (ctx.id.key === 'send') await ctx.send(Begin, undefined, 'slow/x')
    else {
      const ms = ctx.id.key === 'signal' ? 50 : 2 ** 31 - 1
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, ms)
        ctx.signal.addEventListener('abort', () => {
          clearTimeout(timer)
          say('is told')
          reject(ctx.signal.reason)
        })
      })
    }
  })
  .on(Order, handled => void Atomics.add(handled, 0, 1))
  .on(Ask, handled => {
    Atomics.add(handled, 0, 1)
    return 'answered'
  })
export const slow = agent('slow').on(Begin, async () => {
  await new Promise<void>(resolve => setTimeout(resolve, 50))
  return 1
})
