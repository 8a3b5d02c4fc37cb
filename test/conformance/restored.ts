// Agents that note what state they begin with; one cannot be made, and one never is.
import { agent, request } from 'ringreeve'

interface State {
  n: number
  seen: string[]
}

export const Seen = request<void, State>('seen')

export const restoring = agent('restored', { state: (): State => ({ n: 0, seen: [] }) })
  .onStart(async ctx => {
    if (ctx.id.key === 'broken') throw new Error('not today')
    if (ctx.id.key === 'hangs') await new Promise(() => {})
    ctx.state.seen.push(`start ${ctx.state.n}`)
  })
  .every(3_600_000, ctx => void ctx.state.seen.push(`tick ${ctx.state.n}`))
  .loop(async ctx => void ctx.state.seen.push(`loop ${ctx.state.n}`))
  .on(Seen, (_, ctx) => ctx.state)

export const keyed = agent('keyed', { keys: ['known'] }).on(Seen, () => ({ n: 0, seen: [] }))
