// Fork-Join Create: 40,000 agents are made by the one message that each of them gets. What it costs to make an agent.
// Checks that every one of them was made and answered, once.
import { agent, event, request } from 'ringreeve'
import { expect, Later, program, work } from './program.js'

const Create = request<{ tag: string; agents: number }, { answers: number; sum: number }>('create')
const Born = event<{ n: number; parent: string }>('born')
const Alive = event<number>('alive')

const STEPS = 8

export const creator = agent('creator', {
  concurrency: 'interleaved',
  subscriptions: ['creator'],
  state: () => ({ left: 0, sum: 0, end: new Later() }),
})
  .on(Create, async ({ tag, agents }, ctx) => {
    const { state } = ctx
    state.left = agents
    for (let n = 0; n < agents; n++)
      await ctx.publish(Born, { n, parent: `${ctx.id}` }, { topic: `newborn/${tag}.${n}` })
    await state.end.promise
    return { answers: agents - state.left, sum: state.sum }
  })
  .on(Alive, (n, { state }) => {
    state.sum += n
    if (--state.left === 0) state.end.resolve()
  })

export const newborn = agent('newborn', {
  subscriptions: ['newborn'],
  state: () => ({ births: 0, result: 0 }),
}).on(Born, ({ n, parent }, ctx) => {
  const { state } = ctx
  state.result = work(STEPS)
  // one that was made twice, or told twice, is worth more than it should be
  return ctx.publish(Alive, ++state.births * n, { topic: parent })
})

export const forkJoinCreate = program(
  'Fork-Join Create',
  import.meta.url,
  { published: { agents: 40_000 }, brief: { agents: 10_000 }, small: { agents: 500 } },
  async (runtime, { agents }, tag, clock) => {
    const { answers, sum } = await clock.time(() => runtime.send(Create, { tag, agents }, `creator/${tag}`))
    expect('agents that answered', answers, agents)
    expect('sum of their numbers', sum, (agents * (agents - 1)) / 2)
    return 2 * agents
  },
)
