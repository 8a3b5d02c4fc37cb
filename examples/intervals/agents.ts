// A sensor that measures every 100 ms, beside a loop that recalibrates it; an alarm that waits before it raises itself.
// Both live on threads; everything that they do of themselves they do there, as turns of their own.
import { agent, event, request } from 'ringreeve'

export const Measured = event<{ value: number; offset: number }>('measured')
export const Raised = event<{ after: number }>('raised')
export const Failed = request<void, void>('failed')

export const sensor = agent('sensor', { state: () => ({ ticks: 0, offset: 0, broken: false }) })
  .onStart(ctx => console.log(`${ctx.id} is warmed up`))
  .every(100, async ctx => {
    ctx.state.ticks++
    if (ctx.state.broken && ctx.state.ticks % 2 === 0) throw new Error('no reading') // reported; the interval goes on
    await ctx.publish(Measured, { value: ctx.state.ticks * 10, offset: ctx.state.offset })
  })
  .loop(async ctx => {
    for (;;) {
      await ctx.sleep(250) // throws when the agent stops, which ends the loop
      ctx.state.offset++
    }
  })
  .on(Failed, (_, ctx) => {
    ctx.state.broken = true
  })
  .onStop(ctx => console.log(`${ctx.id} is switched off after ${ctx.state.ticks} ticks`))

export const alarm = agent('alarm', {
  state: () => ({ seen: 0 }),
  subscriptions: ['default'],
  unloadAfter: 400, // without a message for so long it is unloaded; its state stays
})
  .onStart(ctx => console.log(`${ctx.id} is loaded and has seen ${ctx.state.seen} values`))
  .on(Measured, ({ value }, ctx) => {
    ctx.state.seen++
    if (value < 50) return
    const timer = ctx.after(80, later => later.publish(Raised, { after: value }))
    if (value > 50) timer.cancel() // raised once is enough
  })
  .onStop(ctx => console.log(`${ctx.id} ends and has seen ${ctx.state.seen} values`))
