// What happens to a text on its way. Its correlation id is the name of the text.
import { event } from 'ringreeve'
import { z } from 'zod'

export const TextArrived = event('text-arrived', { payload: z.object({ text: z.string().min(1) }) })
export const Analysed = event<Analysis>('analysed')
export const Summarised = event<{ readonly sentences: readonly string[] }>('summarised')
export const Combined = event<Report>('combined')

export interface Analysis {
  readonly words: number
  /** Flesch reading ease: about 100 for very easy, below 30 for very hard. */
  readonly ease: number
  readonly keywords: readonly string[]
}

export interface Report {
  readonly name: string
  readonly analysis: Analysis | undefined
  readonly summary: readonly string[]
}
