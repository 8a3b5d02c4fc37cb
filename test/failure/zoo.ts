// Every way for a thread to die that we know of, as agents. Each handler says on `begun` that it runs.
import { pbkdf2Sync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { agent, request } from 'ringreeve'

export const Die = request<{ how: string; begun: Int32Array; fifo?: string }, unknown>('die')
export const Hello = request<void, number>('hello')
export const Append = request<number, void>('append')
export const Read = request<void, number[]>('read')

const never = () => new Promise<never>(() => {})

function die(how: string, fifo: string | undefined): unknown {
  switch (how) {
    case 'throw':
      throw new Error('thrown by the handler')
    case 'reject':
      return Promise.reject(new Error('rejected by the handler'))
    case 'uncaught':
      setTimeout(() => {
        throw new Error('thrown in a timer')
      }, 1)
      return never()
    case 'unhandled':
      setTimeout(() => void Promise.reject(new Error('rejected in a timer')), 1)
      return never()
    case 'exit':
      return process.exit(3)
    case 'exit hook that spins':
      process.on('exit', () => {
        while (true);
      })
      return process.exit(3)
    case 'swallowed exception':
      process.on('uncaughtException', () => {})
      setTimeout(() => {
        throw new Error('thrown and swallowed')
      }, 1)
      return never()
    case 'swallowed rejection':
      process.on('unhandledRejection', () => {})
      void Promise.reject(new Error('rejected and swallowed'))
      return never()
    case 'infinite loop':
      while (true);
    case 'pbkdf2Sync':
      return pbkdf2Sync('a', 'b', 8_000_000, 64, 'sha512')
    case 'FIFO read':
      return readFileSync(fifo as string)
    case 'JSON.parse':
      return JSON.parse(`[${'[1,2,3,4,5,6,7,8],'.repeat(6_000_000)}0]`)
    default:
      throw new Error(`no such way: ${how}`)
  }
}

const handle = ({ how, begun, fifo }: { how: string; begun: Int32Array; fifo?: string }) => {
  Atomics.add(begun, 0, 1)
  return die(how, fifo)
}

export const mortal = agent('mortal')
  .on(Die, handle)
  .on(Hello, () => 1)
export const hurried = agent('hurried', { deadline: 100 })
  .on(Die, handle)
  .on(Hello, () => 1)

/** Writes into another thread's ring without a pause, so that its end comes in mid-write. */
export const writer = agent('writer', { deadline: 60 }).on(Die, ({ begun }, ctx) => {
  Atomics.add(begun, 0, 1)
  for (let n = 0; ; n++) void ctx.send(Append, n, 'reader/x').catch(() => {})
})
export const reader = agent('reader', { threads: 1, state: () => [] as number[] })
  .on(Append, (n, ctx) => void ctx.state.push(n))
  .on(Read, (_, ctx) => ctx.state)
