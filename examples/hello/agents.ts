// An agent type: what it is asked, what it announces, and its handler. This module is loaded on the threads; whoever
// talks to the agent imports it for its message types.
import { createHash } from 'node:crypto'
import { agent, event, request } from 'ringreeve'
import { z } from 'zod'

export const Digest = request('digest', {
  input: z.object({ text: z.string(), rounds: z.number() }),
  output: z.string(),
})
export const Hashed = event<{ total: number }>('hashed')

export const hasher = agent('hasher', { state: () => ({ total: 0 }) }).on(Digest, async ({ text, rounds }, ctx) => {
  ctx.state.total += 1
  await ctx.publish(Hashed, { total: ctx.state.total })
  return slowHash(text, rounds, () => ctx.cancelled)
})

/** CPU-bound on purpose. It never yields, and still ends early when nobody wants the answer any more. */
function slowHash(text: string, rounds: number, cancelled: () => boolean): string {
  let hash = text
  for (let i = 0; i < rounds && !cancelled(); i++) hash = createHash('sha256').update(hash).digest('hex')
  return hash.slice(0, 16)
}
