// Two agents on threads of their own that play back and forth, counting in memory that the test can see.
import { agent, request } from 'ringreeve'

export const Play = request<{ count: Int32Array; stop: Int32Array }, void>('play')
export const Partner = request<number, number>('partner')
export const player = agent('player', { threads: 1 }).on(Play, async ({ count, stop }, ctx) => {
  while (Atomics.load(stop, 0) === 0) {
    await ctx.send(Partner, Atomics.load(count, 0), 'partner/x')
    Atomics.add(count, 0, 1)
  }
})
export const partner = agent('partner', { threads: 1 }).on(Partner, n => n + 1)
