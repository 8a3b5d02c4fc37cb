// The agents that compute, loaded on the threads. Each handles one kind of event and returns what follows from it.
import { agent } from 'ringreeve'
import { aggregator, dispatched, follow, pick } from 'ringreeve/dispatch'
import { Analysed, Combined, Summarised, TextArrived } from './events.js'
import { keywords, prose, sentencesOf, summary, wordsOf } from './rank.js'

/** How hard the text is to read, and what it is about. */
export const analyzer = agent('analyzer').on(dispatched(TextArrived), ({ payload }) => {
  const text = prose(payload.text)
  const words = wordsOf(text)
  const syllables = words.reduce((sum, word) => sum + Math.max(1, word.match(/[aeiouy]+/g)?.length ?? 0), 0)
  const sentences = Math.max(1, sentencesOf(text).length)
  const ease = 206.835 - 1.015 * (words.length / sentences) - 84.6 * (syllables / Math.max(1, words.length))
  return follow(Analysed, { words: words.length, ease, keywords: keywords(text, 5) })
})

/** Its two most telling sentences. */
export const summarizer = agent('summarizer').on(dispatched(TextArrived), ({ payload }) =>
  follow(Summarised, { sentences: summary(prose(payload.text), 2) }),
)

/** Waits for both results of a text, whichever comes first. */
export const combiner = aggregator('combiner', {
  needs: [Analysed, Summarised],
  timeout: 30_000,
  combine: ({ correlationId, events }) =>
    follow(Combined, {
      name: correlationId,
      analysis: pick(events, Analysed),
      summary: pick(events, Summarised)?.sentences ?? [],
    }),
})
