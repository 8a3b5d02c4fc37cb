// The agents of the simulation. They write in the books what comes to them; who runs them on which life of a thread is
// handed in, as if their module had been loaded there.
import { type AnyAgent, agent, event, request } from 'ringreeve'
import type { Books } from './books.js'
import type { SimLife } from './executor.js'
import type { World } from './world.js'

/** A numbered message, with something to carry. */
export interface Numbered {
  readonly n: number
  readonly filler?: unknown
}
export const Enter = request<Numbered, number>('enter')
export const Told = event<Numbered>('told')
export const Open = request<void, number[]>('open')
export const Pass = request<Numbered & { readonly next: readonly string[] }, number>('pass')
export const Shout = request<Numbered & { readonly topic: string; readonly wait: boolean }, void>('shout')
export const Wait = request<Numbered & { readonly ms: number }, void>('wait')
export const Die = request<Numbered & { readonly how: 'exit' | 'doom' | 'stuck' }, void>('die')

/** Everybody who hears of a topic when `sender` publishes to it. */
export function hearers(topic: string, sender?: string): string[] {
  const [type, key] = topic.split('/')
  if (type === 'ledger') return [topic]
  if (type === 'quiet') return [`worker/${key}`]
  return ['ledger', 'reader', 'desk'].map(one => `${one}/${key}`).filter(one => one !== sender)
}

/** The agents of one life; of the calling loop, if there is none. */
export function agentsOf(world: World, books: Books, life: SimLife | undefined): AnyAgent[] {
  const note = ({ n }: Numbered, ctx: { sender: unknown; id: unknown }): void =>
    books.handled(n, ctx.sender === undefined ? undefined : String(ctx.sender), String(ctx.id), life)

  const passing = agent(life === undefined ? 'desk' : 'worker', {
    concurrency: 'interleaved',
    subscriptions: [life === undefined ? 'news' : 'quiet'],
  })
    .on(Told, note)
    .on(Pass, async (message, ctx) => {
      note(message, ctx)
      const [next, ...rest] = message.next
      if (next === undefined) return message.n
      const sending = { sender: String(ctx.id), life, recipients: [next] }
      const leaf = next.startsWith('ledger') || next.startsWith('strict')
      if (leaf) return books.send({ ...sending, what: 'enter' }, n => ctx.send(Enter, { n }, next)) as Promise<number>
      return books.send({ ...sending, what: 'pass' }, n => ctx.send(Pass, { n, next: rest }, next)) as Promise<number>
    })
    .on(Shout, async (message, ctx) => {
      note(message, ctx)
      const { topic, wait } = message
      const recipients = hearers(topic, String(ctx.id))
      await books.send({ what: 'told', sender: String(ctx.id), life, recipients, waited: wait }, n =>
        ctx.publish(Told, { n }, { topic, until: wait ? 'handled' : 'accepted' }),
      )
    })
    .on(Wait, (message, ctx) => {
      note(message, ctx)
      return ctx.sleep(message.ms)
    })
  if (life === undefined) return [passing]

  const ledger = agent('ledger', {
    checkpoint: { everyMessages: 1 },
    subscriptions: ['ledger', 'news'],
    mailbox: { capacity: 4 },
    state: (): number[] => [],
  })
    .on(Enter, (message, ctx) => {
      note(message, ctx)
      ctx.state.push(message.n)
      return message.n
    })
    .on(Told, async (message, ctx) => {
      note(message, ctx)
      ctx.state.push(message.n)
      if (message.n % 3 === 0) await ctx.sleep(2)
    })
    .on(Open, (_, ctx) => ctx.state)
    .onRestart(() => {})

  const strict = agent('strict', { mailbox: { capacity: 2, overflow: 'reject' } }).on(Enter, async (message, ctx) => {
    note(message, ctx)
    await ctx.sleep(message.n % 3)
    return message.n
  })
  const reader = agent('reader', {
    threads: 1,
    subscriptions: ['news'],
    mailbox: { capacity: 3, overflow: 'drop-oldest' },
  }).on(Told, async (message, ctx) => {
    note(message, ctx)
    await ctx.sleep(1)
  })
  const late = agent('late', { deadline: 8, concurrency: 2 }).on(Wait, (message, ctx) => {
    note(message, ctx)
    return ctx.sleep(message.ms)
  })
  const mortal = agent('mortal', { state: () => ({}) })
    .onStart(ctx => books.started(String(ctx.id), life))
    .onStop(ctx => books.stopped(String(ctx.id), life))
    .on(Enter, async (message, ctx) => {
      note(message, ctx)
      await ctx.sleep(1)
      return message.n
    })
  const deadly = agent('deadly', { deadline: 30, concurrency: 'interleaved' }).on(Die, (message, ctx) => {
    note(message, ctx)
    const { how } = message
    if (how === 'exit') life.endSoon('a handler ended it', () => life.loop?.agents.atWork() ?? [])
    else if (how === 'doom') life.endSoon('a handler doomed it', undefined)
    else world.system.after(1, () => life.hang())
    return new Promise<void>(() => {})
  })
  return [passing, ledger, strict, reader, late, mortal, deadly]
}
