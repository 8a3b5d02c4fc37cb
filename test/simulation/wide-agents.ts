// The agents of a wide run: what is paused, stopped, unloaded, does something of itself, cannot be made at once, or is
// registered late. Most are there twice, on the threads and on the calling loop.
import { type AnyAgent, agent, type Context, type LifeContext, request } from 'ringreeve'
import { Enter, type Numbered, Open, Told } from './agents.js'
import type { Books } from './books.js'
import { BEAT_MS, type Diary } from './diary.js'
import type { SimLife } from './executor.js'

/** The module that is registered in the middle of a run. */
export const LATE_MODULE = 'file:///late.js'
export const Arm = request<Numbered & { readonly ms: number }, void>('arm')
export const Cry = request<Numbered & { readonly key: string; readonly wait: boolean }, void>('cry')

/** What may come of what agents that stop send, or are sent. */
export const WHEN_STOPPED = ['STOPPED', 'CANCELLED']

type Sender = Pick<Context, 'id' | 'send'>

/** The wide agents of one life, or of the calling loop. */
export function wideAgentsOf(books: Books, diary: Diary, life: SimLife | undefined): AnyAgent[] {
  const host = life === undefined
  const note = ({ n }: Numbered, ctx: Pick<Context, 'sender' | 'id'>): void =>
    books.handled(n, ctx.sender === undefined ? undefined : String(ctx.sender), String(ctx.id), life)
  const started = (ctx: LifeContext<unknown>): void => diary.started(String(ctx.id), life, ctx.state)
  const starting = (ctx: LifeContext<unknown>): void => diary.starting(String(ctx.id), life)
  const stopped = (ctx: LifeContext<unknown>): void => diary.stopped(String(ctx.id), life)
  /** What agents do of themselves goes to those of which nobody asks what they know. */
  const tell = (ctx: Sender, loose: boolean): Promise<unknown> => {
    const to = `sink/${ctx.id.key}`
    const sending = { what: 'enter', sender: String(ctx.id), life, recipients: [to], loose, may: WHEN_STOPPED }
    return books.send(sending, n => ctx.send(Enter, { n }, to)).catch(() => {})
  }

  const sleeper = agent(host ? 'guest' : 'sleeper')
    .onStart(async ctx => {
      starting(ctx)
      await ctx.sleep(1 + 2 * Number(ctx.id.key))
      started(ctx)
    })
    .onStop(async ctx => {
      stopped(ctx)
      await ctx.sleep(2).catch(() => {}) // when the runtime stops it may not
    })
    .on(Enter, async (message, ctx) => {
      note(message, ctx)
      await ctx.sleep(message.n % 3)
      return message.n
    })
    .on(Cry, async (message, ctx) => {
      note(message, ctx)
      const { key, wait } = message
      const sending = { what: 'told', sender: String(ctx.id), life, waited: wait, may: WHEN_STOPPED }
      await books.send({ ...sending, ...diary.hearers(key) }, n =>
        ctx.publish(Told, { n }, { topic: `tide/${key}`, until: wait ? 'handled' : 'accepted' }),
      )
    })

  const napper = agent(host ? 'dozer' : 'napper', {
    unloadAfter: 4,
    state: (): number[] => [],
    ...(host ? {} : { checkpoint: { everyMessages: 1 } }),
  })
    .onStart(async ctx => {
      starting(ctx)
      if (Number(ctx.id.key) > 1) await ctx.sleep(1)
      started(ctx)
    })
    .onStop(async ctx => {
      stopped(ctx)
      if (Number(ctx.id.key) > 2) await ctx.sleep(2).catch(() => {})
    })
    .on(Enter, (message, ctx) => {
      note(message, ctx)
      ctx.state.push(message.n)
      return message.n
    })
    .on(Told, async (message, ctx) => {
      note(message, ctx)
      ctx.state.push(message.n)
      if (message.n % 3 === 0) await ctx.sleep(1)
    })
    .on(Open, (_, ctx) => ctx.state)

  const pulse = agent(host ? 'ticker' : 'pulse', { unloadAfter: 25 })
    .onStart(started)
    .onStop(stopped)
    .every(BEAT_MS, ctx =>
      diary.tick(String(ctx.id), life, async () => {
        await tell(ctx, false)
        await ctx.sleep(Number(ctx.id.key)).catch(() => {})
      }),
    )
    .loop(async (ctx, stopSignal) => {
      while (!stopSignal.aborted) {
        await ctx.sleep(7)
        await tell(ctx, true)
      }
    })
    .on(Enter, (message, ctx) => {
      note(message, ctx)
      return message.n
    })
    .on(Arm, (message, ctx) => {
      note(message, ctx)
      const fire = diary.armed(String(ctx.id), life, message.ms)
      ctx.after(message.ms, async later => {
        if (fire()) await tell(later, false)
      })
    })

  const flaky = agent(host ? 'fickle' : 'flaky', { unloadAfter: 5 }) // and then its next starts fail again
    .onStart(async ctx => {
      starting(ctx)
      const key = Number(ctx.id.key)
      if (key > 0) await ctx.sleep(1)
      if (diary.fails(String(ctx.id), 1 + (key % 2), life)) throw new Error('not yet')
      started(ctx)
    })
    .onStop(stopped)
    .on(Enter, (message, ctx) => {
      note(message, ctx)
      return message.n
    })
  if (host) return [sleeper, napper, pulse, flaky]

  const sink = agent('sink', { concurrency: 2 })
    .on(Enter, (message, ctx) => {
      note(message, ctx)
      return message.n
    })
    .on(Told, note)
  return [sleeper, napper, pulse, flaky, sink]
}

/** What is registered later: as a module on the threads, or as an object on the calling loop. */
export function lateAgentOf(books: Books, life: SimLife | undefined): AnyAgent {
  const note = ({ n }: Numbered, ctx: Pick<Context, 'sender' | 'id'>): number => {
    books.handled(n, ctx.sender === undefined ? undefined : String(ctx.sender), String(ctx.id), life)
    return n
  }
  return agent(life === undefined ? 'extra' : 'fresh', { subscriptions: ['late'] })
    .on(Enter, note)
    .on(Told, (message, ctx) => void note(message, ctx))
}
