// Big: 120 agents, each sends 20,000 pings, every time to another one at random, and waits for its pong. Many to many.
// Checks that each agent got the pongs of its own pings, and that as many pings arrived as were sent.
import { agent, event, request } from 'ringreeve'
import { expect, Later, many, nextRandom, program } from './program.js'

interface Tally {
  readonly pings: number
  readonly wrong: number
}

const Run = request<{ players: string[]; pings: number }, void>('run')
const Begin = event<{ players: string[]; self: number; pings: number; umpire: string }>('begin')
const Ping = event<{ from: string; n: number }>('ping')
const Pong = event<number>('pong')
const Ready = event('ready')
const Heard = request<void, Tally>('heard')

export const umpire = agent('umpire', {
  concurrency: 'interleaved',
  subscriptions: ['umpire'],
  state: () => ({ left: 0, end: new Later() }),
})
  .on(Run, async ({ players, pings }, ctx) => {
    ctx.state.left = players.length
    for (const [self, topic] of players.entries())
      await ctx.publish(Begin, { players, self, pings, umpire: `${ctx.id}` }, { topic })
    await ctx.state.end.promise
  })
  .on(Ready, (_, { state }) => {
    if (--state.left === 0) state.end.resolve()
  })

export const player = agent('player', {
  subscriptions: ['player'],
  state: id => ({
    address: `player/${id.key}`,
    players: [] as string[],
    self: 0,
    left: 0,
    umpire: '',
    random: 1,
    pings: 0,
    wrong: 0,
  }),
})
  .on(Begin, ({ players, self, pings, umpire }, ctx) => {
    const { state } = ctx
    Object.assign(state, { players, self, umpire, left: pings, random: self + 1 })
    void ctx.publish(Ping, { from: state.address, n: pings }, { topic: other(state) })
  })
  .on(Ping, ({ from, n }, ctx) => {
    ctx.state.pings++
    void ctx.publish(Pong, n, { topic: from })
  })
  .on(Pong, (n, ctx) => {
    const { state } = ctx
    if (n !== state.left--) state.wrong++
    if (state.left > 0) void ctx.publish(Ping, { from: state.address, n: state.left }, { topic: other(state) })
    else void ctx.publish(Ready, undefined, { topic: state.umpire })
  })
  .on(Heard, (_, { state: { pings, wrong } }) => ({ pings, wrong }))

/** Any player but oneself. */
function other(state: { players: string[]; self: number; random: number }): string {
  state.random = nextRandom(state.random)
  const n = (state.random >> 8) % (state.players.length - 1)
  return state.players[n < state.self ? n : n + 1]!
}

export const big = program(
  'Big',
  import.meta.url,
  {
    published: { agents: 120, pings: 20_000 },
    brief: { agents: 120, pings: 1_000 },
    small: { agents: 20, pings: 50 },
  },
  async (runtime, { agents, pings }, tag, clock) => {
    const players = many('player', tag, agents)
    await clock.time(() => runtime.send(Run, { players, pings }, `umpire/${tag}`))
    const tallies = await Promise.all(players.map(id => runtime.send(Heard, undefined, id)))
    expect(
      'pings that arrived',
      tallies.reduce((n, one) => n + one.pings, 0),
      agents * pings,
    )
    expect(
      'pongs that were not for the last ping',
      tallies.reduce((n, one) => n + one.wrong, 0),
      0,
    )
    return 2 * agents * pings
  },
)
