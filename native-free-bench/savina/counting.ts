// Counting: one agent sends a million increments to another and then asks for the count. What one message costs when
// they come in one long row. Checks that none was lost, none came twice, and the question came after all of them.
import { agent, event, request } from 'ringreeve'
import { expect, program } from './program.js'

const Count = request<{ counter: string; messages: number }, { count: number; wrong: number }>('count')
const Increment = event<number>('increment')
const Retrieve = request<void, { count: number; wrong: number }>('retrieve')

export const producer = agent('count-producer', { threads: 1 }).on(Count, async ({ counter, messages }, ctx) => {
  for (let i = 0; i < messages; i++) await ctx.publish(Increment, i, { topic: counter })
  return ctx.send(Retrieve, undefined, counter)
})

export const counter = agent('counter', {
  threads: 1,
  subscriptions: ['counter'],
  state: () => ({ count: 0, wrong: 0 }),
})
  .on(Increment, (n, { state }) => {
    if (n !== state.count++) state.wrong++
  })
  .on(Retrieve, (_, ctx) => ctx.state)

export const counting = program(
  'Counting',
  import.meta.url,
  { published: { messages: 1_000_000 }, brief: { messages: 100_000 }, small: { messages: 5_000 } },
  async (runtime, { messages }, tag, clock) => {
    const { count, wrong } = await clock.time(() =>
      runtime.send(Count, { counter: `counter/${tag}`, messages }, `count-producer/${tag}`),
    )
    expect('count', count, messages)
    expect('increments out of order', wrong, 0)
    return messages + 2
  },
)
