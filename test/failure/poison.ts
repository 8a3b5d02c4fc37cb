// An agent that ends its thread the first so many times that it is asked, one that never yields, one that passes on.
import { agent, request } from 'ringreeve'

export const Brittle = request<{ runs: Int32Array; failures: number }, string>('brittle')
export const Relay = request<{ runs: Int32Array; failures: number; to: string }, string>('relay')

export const brittle = agent('brittle').on(Brittle, ({ runs, failures }) => {
  const run = Atomics.add(runs, 0, 1) + 1
  if (run <= failures) process.exit(9)
  return `after ${run}`
})
export const spinner = agent('spinner', { deadline: 40 }).on(Brittle, ({ runs }) => {
  Atomics.add(runs, 0, 1)
  while (true);
})
export const relay = agent('relay').on(Relay, ({ to, ...rest }, ctx) =>
  ctx.send(Brittle, rest, to, { idempotent: true }),
)
