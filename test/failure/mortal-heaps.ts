// A handler that takes all the heap there is, in one of several ways; and that its thread is there again.
import { agent, request } from 'ringreeve'

export const Fill = request<string, void>('fill')
export const Noted = request<void, string>('noted')

export const filler = agent('filler')
  .on(Fill, how => {
    const all: unknown[] = []
    if (how === 'objects') for (;;) all.push({ a: [1, 2, 3], b: `${all.length}` })
    if (how === 'arrays') for (;;) all.push(new Array(1_000).fill(all.length))
    if (how === 'numbers') for (;;) all.push(new Array(32_768).fill(1.5))
    const map = new Map<number, number>()
    if (how === 'map') for (;;) map.set(map.size, map.size)
  })
  .on(Noted, () => 'noted')
