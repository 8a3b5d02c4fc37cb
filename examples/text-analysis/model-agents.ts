// The same agents as in agents.ts, but a language model does the reading. It may have the keywords computed by an agent
// of ours, as a tool. Client and model come from the environment, as the `openai` package reads it.
import OpenAI from 'openai'
import { agent, request } from 'ringreeve'
import { dispatched, follow } from 'ringreeve/dispatch'
import { languageModel, tool } from 'ringreeve/llm'
import { z } from 'zod'
import { Analysed, Summarised, TextArrived } from './events.js'
import { keywords, prose, wordsOf } from './rank.js'

export { combiner } from './agents.js'

const Keywords = request('keywords', { input: z.object({ text: z.string() }), output: z.array(z.string()) })

/** Computes, so it is on a thread; for the model it is a tool. */
export const ranker = agent('ranker').on(Keywords, ({ text }) => keywords(text, 5))

const model = languageModel({
  client: new OpenAI(),
  model: process.env.MODEL ?? 'gpt-4.1-mini',
  behaviour: 'You are a text analyst.',
  tools: [tool(Keywords, { to: 'ranker/x', description: 'The words that a text is about, computed.' })],
})

/** A model does not compute here, it waits: so one agent may have several questions under way. */
export const analyzer = agent('analyzer', { concurrency: 8 }).on(dispatched(TextArrived), async ({ payload }, ctx) => {
  const text = prose(payload.text).slice(0, 4_000)
  const analysis = await model.object(ctx, {
    prompt: `What is this text about, and how easy to read is it (Flesch reading ease)? ${text}`,
    schema: z.object({ ease: z.number(), keywords: z.array(z.string()) }),
  })
  return follow(Analysed, { words: wordsOf(text).length, ...analysis })
})

export const summarizer = agent('summarizer', { concurrency: 8 }).on(
  dispatched(TextArrived),
  async ({ payload }, ctx) => {
    const text = prose(payload.text).slice(0, 4_000)
    let summary = ''
    await model.text(ctx, {
      prompt: `Summarise this text in one sentence: ${text}`,
      onText: piece => {
        summary += piece
      },
    })
    return follow(Summarised, { sentences: [summary] })
  },
)
