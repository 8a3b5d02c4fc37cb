// Fork-Join Throughput: one agent sends 10,000 messages to each of 60, by turns. What it costs to keep many mailboxes
// fed. Checks that each got all of them, in order.
import { agent, event, request } from 'ringreeve'
import { expect, Later, many, program, work } from './program.js'

const Fork = request<{ join: string; workers: string[]; messages: number }, { joined: number; wrong: number }>('fork')
const Work = event<{ n: number; of: number; join: string }>('work')
const Joined = event<{ wrong: number }>('joined')

const STEPS = 4

export const forker = agent('forker', {
  concurrency: 'interleaved',
  subscriptions: ['forker'],
  state: () => ({ left: 0, wrong: 0, end: new Later() }),
})
  .on(Fork, async ({ join, workers, messages }, ctx) => {
    const { state } = ctx
    state.left = workers.length
    for (let n = 0; n < messages; n++)
      for (const topic of workers) await ctx.publish(Work, { n, of: messages, join }, { topic })
    await state.end.promise
    return { joined: workers.length - state.left, wrong: state.wrong }
  })
  .on(Joined, ({ wrong }, { state }) => {
    state.wrong += wrong
    if (--state.left === 0) state.end.resolve()
  })

export const forkWorker = agent('fork-worker', {
  subscriptions: ['fork-worker'],
  state: () => ({ got: 0, wrong: 0, result: 0 }),
}).on(Work, ({ n, of, join }, ctx) => {
  const { state } = ctx
  if (n !== state.got++) state.wrong++
  state.result = work(STEPS)
  if (state.got === of) void ctx.publish(Joined, { wrong: state.wrong }, { topic: join })
})

export const forkJoinThroughput = program(
  'Fork-Join Throughput',
  import.meta.url,
  {
    published: { messages: 10_000, agents: 60 },
    brief: { messages: 1_000, agents: 60 },
    small: { messages: 50, agents: 10 },
  },
  async (runtime, { messages, agents }, tag, clock) => {
    const join = `forker/${tag}`
    const workers = many('fork-worker', tag, agents)
    const { joined, wrong } = await clock.time(() => runtime.send(Fork, { join, workers, messages }, join))
    expect('agents that got all', joined, agents)
    expect('messages out of order', wrong, 0)
    return messages * agents + agents
  },
)
