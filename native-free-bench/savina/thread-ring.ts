// ThreadRing: a token goes round a ring of agents. Where they are spread over threads, half of the hops go from one
// thread to another, with nothing else under way. Checks that every agent saw its share of the hops.
import { agent, event, request } from 'ringreeve'
import { expect, Later, many, program, sum } from './program.js'

const Link = request<{ next: string; keeper: string }, void>('link')
const Token = event<number>('token')
const Hops = request<void, number>('hops')
const Round = request<{ first: string; hops: number }, void>('round')
const Over = event('over')

export const ring = agent('ring', { subscriptions: ['ring'], state: () => ({ next: '', keeper: '', hops: 0 }) })
  .on(Link, ({ next, keeper }, { state }) => {
    state.next = next
    state.keeper = keeper
  })
  .on(Token, (left, ctx) => {
    const { state } = ctx
    state.hops++
    if (left > 1) void ctx.publish(Token, left - 1, { topic: state.next })
    else void ctx.publish(Over, undefined, { topic: state.keeper })
  })
  .on(Hops, (_, ctx) => ctx.state.hops)

export const keeper = agent('ring-keeper', {
  concurrency: 'interleaved',
  subscriptions: ['ring-keeper'],
  state: () => ({ end: new Later() }),
})
  .on(Round, ({ first, hops }, ctx) => {
    void ctx.publish(Token, hops, { topic: first })
    return ctx.state.end.promise
  })
  .on(Over, (_, ctx) => ctx.state.end.resolve())

export const threadRing = program(
  'ThreadRing',
  import.meta.url,
  {
    published: { agents: 100, hops: 100_000 },
    brief: { agents: 100, hops: 20_000 },
    small: { agents: 20, hops: 500 },
  },
  async (runtime, { agents, hops }, tag, clock) => {
    const ids = many('ring', tag, agents)
    const keeper = `ring-keeper/${tag}`
    await Promise.all(ids.map((id, i) => runtime.send(Link, { next: ids[(i + 1) % agents]!, keeper }, id)))
    await clock.time(() => runtime.send(Round, { first: ids[0]!, hops }, keeper))
    const seen = await Promise.all(ids.map(id => runtime.send(Hops, undefined, id)))
    expect('hops', sum(seen), hops)
    for (const [i, n] of seen.entries())
      expect(`hops of agent ${i}`, n, Math.floor(hops / agents) + (i < hops % agents ? 1 : 0))
    return hops + 1
  },
)
