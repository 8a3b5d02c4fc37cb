// An agent module in TypeScript, as the threads load it: types that can be erased, no build step.
import { agent, request } from 'ringreeve'

export interface Words {
  readonly text: string
  readonly least: number
}

export const Count = request<Words, Record<string, number>>('count')

export const counter = agent('counter').on(Count, ({ text, least }) => {
  const counts = new Map<string, number>()
  for (const [word] of text.toLowerCase().matchAll(/\p{L}+/gu)) counts.set(word, (counts.get(word) ?? 0) + 1)
  const often = [...counts].filter(([, n]) => n >= least).sort(([, a], [, b]) => b - a)
  return Object.fromEntries(often)
})
