// Agents that keep what they were given, in order; two types, so that one may hear what the other does not, and takes its
// time to begin.
import { agent, event, request } from 'ringreeve'

export const Put = request<number, number>('put')
export const Told = event<number>('told')
export const List = request<void, readonly number[]>('list')
export const Crash = request<void, void>('crash')

function keeper(type: string) {
  return agent(type, { state: () => ({ list: [] as number[] }), checkpoint: { everyMessages: 1 } })
    .on(Put, (n, ctx) => ctx.state.list.push(n))
    .on(Told, (n, ctx) => void ctx.state.list.push(n))
    .on(List, (_, ctx) => ctx.state.list)
    .on(Crash, () => process.exit(1))
}
export const left = keeper('left')
export const right = keeper('right').onStart(() => new Promise(resolve => setImmediate(resolve)))
