// Agents that keep what they were given, in order; two types, so that one may hear what the other does not. What one does at
// once takes the other its time: to begin, to handle, to end; and its mailbox is soon full.
import { agent, event, request } from 'ringreeve'

export const Put = request<number, number>('put')
export const Told = event<number>('told')
export const List = request<void, readonly number[]>('list')
export const Crash = request<void, void>('crash')
const soon = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const state = () => ({ list: [] as number[] })

export const left = agent('left', { state, unloadAfter: 1, checkpoint: { everyMessages: 1 } })
  .on(Put, (n, ctx) => ctx.state.list.push(n))
  .on(Told, (n, ctx) => void ctx.state.list.push(n))
  .on(List, (_, ctx) => ctx.state.list)
  .on(Crash, () => process.exit(1))

export const right = agent('right', {
  state: () => soon().then(state),
  mailbox: { capacity: 3 },
  checkpoint: { everyMessages: 1 },
})
  .onStart(soon)
  .on(Put, async (n, ctx) => {
    if (n % 2 === 1) await soon()
    return ctx.state.list.push(n)
  })
  .on(Told, async (n, ctx) => {
    if (n % 3 === 1) await soon()
    ctx.state.list.push(n)
  })
  .on(List, (_, ctx) => ctx.state.list)
  .on(Crash, () => process.exit(1))
  .onStop(soon)
