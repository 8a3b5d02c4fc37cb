// Agents that take their time: by waiting, by computing, and inside a native call that nobody can interrupt.
import { pbkdf2Sync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { agent, request } from 'ringreeve'

export const Wait = request<number, void>('wait')
export const Burn = request<number, void>('burn')
export const Work = request<number, number>('work')
export const Native = request<string, void>('native')
export const Crunch = request<void, string>('crunch')
export const Ping = request<void, string>('ping')

const burn = (ms: number): void => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

export const leisurely = agent('leisurely', { softDeadline: 50 })
  .on(Wait, ms => new Promise<void>(resolve => setTimeout(resolve, ms)))
  .on(Burn, burn)
  .on(Crunch, () => pbkdf2Sync('a', 'b', 600_000, 64, 'sha512').toString('hex'))
export const unwatched = agent('unwatched')
  .on(Burn, burn)
  .on(Ping, () => 'pong')
export const steady = agent('steady', { deadline: 60 }).on(Work, rounds => {
  let x = 1
  for (let i = 0; i < rounds; i++) x = Math.imul(x, 1664525) + 1013904223
  return x
})
export const stuck = agent('stuck', { deadline: 40, concurrency: 'interleaved' }).on(Native, fifo => {
  readFileSync(fifo)
})
