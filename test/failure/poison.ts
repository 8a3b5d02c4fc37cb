// An agent that ends its thread the first so many times that it is asked, one that never yields, one that passes on.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { agent, request } from 'ringreeve'

export const Brittle = request<{ runs: Int32Array; failures: number }, string>('brittle')
/** Makes a Date of what is sent as text. */
const dated: StandardSchemaV1<{ runs: Int32Array; at: string }, { runs: Int32Array; at: Date }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: value => ({ value: { ...(value as { runs: Int32Array }), at: new Date((value as { at: string }).at) } }),
  },
}
export const Dated = request('dated', { input: dated })
export const Relay = request<{ runs: Int32Array; failures: number; to: string }, string>('relay')

export const brittle = agent('brittle')
  .on(Brittle, ({ runs, failures }) => {
    const run = Atomics.add(runs, 0, 1) + 1
    if (run <= failures) process.exit(9)
    return `after ${run}`
  })
  .on(Dated, ({ runs, at }) => {
    if (Atomics.add(runs, 0, 1) < 2) process.exit(9)
    return at.getUTCFullYear()
  })
export const spinner = agent('spinner', { deadline: 40 }).on(Brittle, ({ runs }) => {
  Atomics.add(runs, 0, 1)
  while (true);
})
export const relay = agent('relay').on(Relay, ({ to, ...rest }, ctx) =>
  ctx.send(Brittle, rest, to, { idempotent: true }),
)
