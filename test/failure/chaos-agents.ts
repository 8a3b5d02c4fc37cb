// Agents for the chaos test. A ledger keeps, outside its thread and before each answer, which numbers it was given.
import { agent, event, request } from 'ringreeve'

export interface Book {
  /** One bit per number that was handled. */
  bits: Uint8Array
  last: number
  /** Numbers that came after a greater one, or twice. */
  wrong: number
}
export const Enter = request<number, number>('enter')
export const Told = event<number>('told')
export const Open = request<void, Book>('open')
export const Mirror = request<unknown, unknown>('mirror')
export const Through = request<{ to: string; payload: unknown }, unknown>('through')
export const Wait = request<number, void>('wait')
export const Burn = request<number, void>('burn')
export const Die = request<string, void>('die')

function enter(book: Book, n: number): void {
  const at = n >> 3
  if (at >= book.bits.length) {
    const grown = new Uint8Array(at * 2 + 64)
    grown.set(book.bits)
    book.bits = grown
  }
  const bit = 1 << (n & 7)
  if (n <= book.last || (book.bits[at] as number) & bit) book.wrong++
  book.bits[at] = (book.bits[at] as number) | bit
  book.last = n
}

export const ledger = agent('ledger', {
  checkpoint: { everyMessages: 1 },
  subscriptions: ['ledger'],
  mailbox: { capacity: 64 },
  state: (): Book => ({ bits: new Uint8Array(64), last: -1, wrong: 0 }),
})
  .on(Enter, (n, ctx) => {
    enter(ctx.state, n)
    return n
  })
  .on(Told, (n, ctx) => enter(ctx.state, n))
  .on(Open, (_, ctx) => ctx.state)

export const worker = agent('worker', { concurrency: 'interleaved' })
  .on(Mirror, payload => payload)
  .on(Through, ({ to, payload }, ctx) => ctx.send(Mirror, payload, to))
  .on(Wait, ms => new Promise<void>(resolve => setTimeout(resolve, ms)))
  .on(Burn, ms => {
    const end = performance.now() + ms
    while (performance.now() < end);
  })

export const killer = agent('killer', { deadline: 50, concurrency: 'interleaved' }).on(Die, how => {
  switch (how) {
    case 'exit':
      return process.exit(1)
    case 'throw':
      setTimeout(() => {
        throw new Error('thrown in a timer')
      })
      return new Promise<never>(() => {})
    case 'reject':
      void Promise.reject(new Error('rejected'))
      return new Promise<never>(() => {})
    case 'spin':
      while (true);
  }
})
