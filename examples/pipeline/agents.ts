// The stages of a pipeline. Each sends its result to the next as a request and waits for the answer, so a stage has
// room for its next record only when the stages behind it have taken this one.
import { createHash } from 'node:crypto'
import { agent, request } from 'ringreeve'

/** main -> reader: put so many records in, with at most `inFlight` of them anywhere in the pipeline. */
export const Feed = request<{ records: number; inFlight: number; progress: Int32Array }, { most: number }>('feed')
const Parse = request<{ line: string }, void>('parse')
const Score = request<{ name: string; rounds: number }, void>('score')
const Write = request<{ name: string; score: string }, void>('write')
export const Written = request<void, number>('written')

/** Could go on for ever at full speed; what holds it back is that it awaits what it sends. */
export const reader = agent('reader', { threads: 1 }).on(Feed, async ({ records, inFlight, progress }, ctx) => {
  let next = 0
  let most = 0
  const lane = async () => {
    while (next < records && !ctx.cancelled) {
      const n = next++
      Atomics.add(progress, 0, 1)
      most = Math.max(most, Atomics.load(progress, 0) - Atomics.load(progress, 1))
      await ctx.send(Parse, { line: `record-${n};${100 + (n % 50)}` }, 'parser/x')
      Atomics.add(progress, 1, 1)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return { most }
})

/** Quick. `concurrency`: it takes the next record while earlier ones are on their way through the later stages. */
export const parser = agent('parser', { concurrency: 'interleaved' }).on(Parse, async ({ line }, ctx) => {
  const [name = '', rounds = '0'] = line.split(';')
  await ctx.send(Score, { name, rounds: Number(rounds) }, `scorer/${Number(rounds) % 4}`)
})

/** Computes: four of them, spread over the threads. */
export const scorer = agent('scorer', { concurrency: 4 }).on(Score, async ({ name, rounds }, ctx) => {
  let score = name
  for (let i = 0; i < rounds; i++) score = createHash('sha256').update(score).digest('hex')
  await ctx.send(Write, { name, score }, 'writer/x')
})

/** The slow end: like a disk that now and then needs a pause. Takes one record at a time, and four may wait. */
export const writer = agent('writer', { state: () => ({ written: 0 }), mailbox: { capacity: 4 } })
  .on(Write, async (_, ctx) => {
    ctx.state.written += 1
    if (ctx.state.written % 100 === 0) await new Promise(resolve => setTimeout(resolve, 30))
  })
  .on(Written, (_, ctx) => ctx.state.written)
