// Agents that ask a model, loaded on the threads. Where the model is comes with the message.
import OpenAI from 'openai'
import { agent, request, StoppedError } from 'ringreeve'
import { languageModel, tool } from 'ringreeve/llm'
import { z } from 'zod'

export const Think = request<
  { url: string; prompt: string; stream?: boolean; timeout?: number },
  { text: string; pieces: string[] }
>('think')
export const Judge = request<{ url: string; prompt: string }, { mood: string; score: number }>('judge')
export const Compute = request<{ url: string; prompt: string; stream?: boolean; maxSteps?: number }, string>('compute')
export const Add = request('sum.of', { input: z.object({ a: z.number(), b: z.number() }), output: z.number() })
export const Never = request('never', { input: z.object({}), output: z.number() })
/** Gives up by itself. */
export const GiveUp = request('give-up', { input: z.object({ how: z.string() }), output: z.number() })

const clientOf = (url: string) => new OpenAI({ baseURL: url, apiKey: 'none' })
const tools = [
  tool(Add, { to: 'adder/x', description: 'Adds two numbers.' }),
  tool(Never, { to: 'adder/x', description: 'Never answers.' }),
  tool(GiveUp, { to: 'quitter/x', description: 'Gives up.' }),
]

export const adder = agent('adder', { concurrency: 'interleaved' })
  .on(Add, ({ a, b }) => {
    if (a < 0) throw new Error('only what is above zero')
    return a + b
  })
  .on(Never, () => new Promise<number>(() => {}))

export const quitter = agent('quitter').on(GiveUp, ({ how }, ctx) => {
  if (how === 'stopped') throw new StoppedError('the shop is closed')
  return ctx.send(Never, {}, 'adder/y', { signal: AbortSignal.timeout(1) })
})

export const thinker = agent('thinker', { concurrency: 'interleaved' })
  .on(Think, async ({ url, prompt, stream, timeout }, ctx) => {
    const pieces: string[] = []
    const model = languageModel({
      client: clientOf(url),
      model: 'm',
      behaviour: 'Be brief.',
      ...(timeout && { timeout }),
    })
    const text = await model.text(ctx, { prompt, ...(stream && { onText: (piece: string) => pieces.push(piece) }) })
    return { text, pieces }
  })
  .on(Judge, ({ url, prompt }, ctx) =>
    languageModel({ client: clientOf(url), model: 'm', retries: 1 }).object(ctx, {
      prompt,
      schema: z.object({ mood: z.string(), score: z.number() }),
    }),
  )
  .on(Compute, ({ url, prompt, stream, maxSteps }, ctx) =>
    languageModel({ client: clientOf(url), model: 'm', tools, ...(maxSteps && { maxSteps }) }).text(ctx, {
      prompt,
      ...(stream && { onText: () => {} }),
    }),
  )
