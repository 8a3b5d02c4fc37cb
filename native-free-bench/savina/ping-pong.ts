// PingPong: two agents, each on a thread of its own where there are two, send one message to and fro. What one message
// takes when nothing else is under way. Checks that each ball came back in its turn.
import { agent, event, request } from 'ringreeve'
import { expect, Later, program } from './program.js'

const Start = request<{ to: string; pings: number }, { returned: number; wrong: number }>('start')
const Ping = event<number>('ping')
const Pong = event<number>('pong')

export const pinger = agent('pinger', {
  threads: 1,
  concurrency: 'interleaved',
  subscriptions: ['pinger'],
  state: () => ({ to: '', left: 0, returned: 0, wrong: 0, end: new Later<{ returned: number; wrong: number }>() }),
})
  .on(Start, ({ to, pings }, ctx) => {
    ctx.state.to = to
    ctx.state.left = pings
    void ctx.publish(Ping, pings, { topic: to })
    return ctx.state.end.promise
  })
  .on(Pong, (n, ctx) => {
    const { state } = ctx
    state.returned++
    if (n !== state.left) state.wrong++
    if (--state.left > 0) void ctx.publish(Ping, state.left, { topic: state.to })
    else state.end.resolve({ returned: state.returned, wrong: state.wrong })
  })

export const ponger = agent('ponger', { threads: 1, subscriptions: ['ponger'] }).on(Ping, (n, ctx) => {
  void ctx.publish(Pong, n, { topic: `${ctx.sender}` })
})

export const pingPong = program(
  'PingPong',
  import.meta.url,
  { published: { pings: 40_000 }, brief: { pings: 10_000 }, small: { pings: 200 } },
  async (runtime, { pings }, tag, clock) => {
    await Promise.all([runtime.get(`pinger/${tag}`, { lazy: false }), runtime.get(`ponger/${tag}`, { lazy: false })])
    const { returned, wrong } = await clock.time(() =>
      runtime.send(Start, { to: `ponger/${tag}`, pings }, `pinger/${tag}`),
    )
    expect('pongs that came', returned, pings)
    expect('pongs out of order', wrong, 0)
    return 2 * pings
  },
)
