// Agents that wait for each other: for room, and for answers.
import { agent, type CallCycleError, type Context, event, request, type SendResult } from 'ringreeve'

export const Produce = request<number, string>('produce')
export const More = request<number, number>('more')
export const Through = request<number, number>('through')
export const Walk = request<number, number>('walk')
export const Handled = request<void, number>('handled')
export const Item = event<number>('item')

export const producer = agent('producer', { threads: 1 })
  .on(Produce, async (n, ctx) => {
    for (let i = 0; i < n; i++) await ctx.publish(Item, i, { topic: 'items/x' })
    return 'all published'
  })
  .on(More, n => n * 2)

/** Asks who publishes, directly or by way of another, while its mailbox is full. */
export const consumer = agent('consumer', {
  subscriptions: ['items'],
  mailbox: { capacity: 4 },
  state: () => ({ handled: 0 }),
})
  .on(Item, async (n, ctx) => {
    if (n % 2 === 0) await ctx.send(More, n, 'producer/x')
    else await ctx.send(Through, n, 'broker/x')
    ctx.state.handled++
  })
  .on(Handled, (_, ctx) => ctx.state.handled)

export const broker = agent('broker').on(Through, (n, ctx) => ctx.send(More, n, 'producer/x'))

export const Bounce = request<string, number>('bounce')
export const Mirror = request<{ n: number; to: string }, number>('mirror')

/** A full mailbox of calls that come back: all of them are refused, and then there is room. */
export const small = agent('small', { mailbox: { capacity: 1 } })
  .on(Bounce, async (mirror, ctx) => {
    const to = ctx.id.toString()
    const all = await Promise.all([1, 2, 3].map(n => ctx.trySend(Mirror, { n, to }, mirror)))
    return all.filter(({ ok }) => !ok).length
  })
  .on(More, n => n)
export const mirror = agent('mirror', { concurrency: 'interleaved' }).on(Mirror, ({ n, to }, ctx) =>
  ctx.send(More, n, to),
)

export const Go = request<number, string>('go')
export const Fill = request<{ n: number; to: string }, void>('fill')
export const Back = request<string, string>('back')
export const Ping = request<void, string>('ping')
export const Job = request<void, void>('job')

/** Its queue is full, for whoever sends from elsewhere, when a call comes back to it. */
const thronged = (type: string, concurrency: 'serial' | 'callchain') =>
  agent(type, { concurrency, mailbox: { capacity: 4 } })
    .on(Go, async (n, ctx) => {
      await ctx.send(Fill, { n, to: ctx.id.toString() }, 'filler/2')
      await ctx.sleep(50) // so that they are known to be too many
      const back = await ctx.trySend(Back, ctx.id.toString(), 'asker/2')
      return back.ok ? back.value : (back.error as Error).name
    })
    .on(Ping, () => 'pong')
    .on(Job, () => {})
export const plain = thronged('plain', 'serial')
export const chained = thronged('chained', 'callchain')
export const filler = agent('filler').on(Fill, ({ n, to }, ctx) => {
  ctx.after(0, later => {
    for (let i = 0; i < n; i++) void later.send(Job, undefined, to)
  })
})
export const asker = agent('asker').on(Back, (to, ctx) => ctx.send(Ping, undefined, to))

export const walker = agent('walker', { concurrency: 4 }).on(Walk, async (depth, ctx) => {
  await ctx.sleep(1)
  return depth === 0 ? 1 : 1 + (await ctx.send(Walk, depth - 1, 'walker/x'))
})

export interface Party {
  /** How many are at work on it; and what they heard: answers, and refusals. */
  readonly counts: SharedArrayBuffer
  readonly of: number
  readonly to: string
}
export const Meet = request<Party, string>('meet')
export const Hear = event<void>('hear')
export const Tell = request<Party, string>('tell')
export const Know = request<Party, void>('know')
export const Outcome = request<void, string>('outcome')

/** Waits until all are at work on it. */
async function allAtWork({ counts, of }: Party, ctx: { sleep(ms: number): Promise<void> }): Promise<void> {
  const words = new Int32Array(counts)
  Atomics.add(words, 0, 1)
  while (Atomics.load(words, 0) < of) await ctx.sleep(2)
}

const told = (one: SendResult<string>): string => (one.ok ? one.value : (one.error as CallCycleError).cycle.join(' → '))

/** Calls another while that calls it, or while all of a ring do: none of them for any of the others. */
export const talker = agent('talker', { state: () => ({ outcome: 'open' }), subscriptions: ['talk'] })
  .on(Meet, async (party, ctx) => {
    await allAtWork(party, ctx)
    return told(await ctx.trySend(Ping, undefined, party.to))
  })
  // waits for an event to be handled
  .on(Tell, async (party, ctx) => {
    await allAtWork(party, ctx)
    return ctx.publish(Hear, undefined, { topic: `talk/${party.to.split('/')[1]}`, until: 'handled' }).then(
      () => 'pong',
      error => told({ ok: false, error: (error as AggregateError).errors[0] }),
    )
  })
  .on(Hear, () => {})
  .on(Ping, () => 'pong')
  // does not wait for what it sends itself
  .on(Go, async (ms, ctx) => {
    void ctx.trySend(Ping, undefined, ctx.id).then(one => {
      ctx.state.outcome = told(one)
    })
    await ctx.sleep(ms)
    return 'slept'
  })
  .on(Outcome, (_, ctx) => ctx.state.outcome)

export const Heard = request<void, number[]>('heard')

/** The same, and its queue is full soon. */
export const crowded = agent('crowded', { mailbox: { capacity: 2 } })
  .on(Meet, async (party, ctx) => {
    await allAtWork(party, ctx)
    return told(await ctx.trySend(Ping, undefined, party.to))
  })
  .on(Ping, () => 'pong')
  .on(Job, () => {})

/** Its hooks call another of its kind, the first time. */
const twins = (type: string) => agent(type, { state: (): { party?: Party } => ({}) }).on(Ping, () => 'pong')
async function ask(party: Party, ctx: Pick<Context, 'trySend'>): Promise<void> {
  const { ok } = await ctx.trySend(Ping, undefined, party.to)
  Atomics.add(new Int32Array(party.counts), ok ? 1 : 2, 1)
}
export const parting = twins('parting')
  .on(Know, (party, ctx) => {
    ctx.state.party = party
  })
  .onStop(async ctx => {
    if (ctx.state.party === undefined) return
    await allAtWork(ctx.state.party, ctx)
    await ask(ctx.state.party, ctx)
  })
export const arriving = twins('arriving')
  .onStart(async ctx => {
    const other = `arriving/${ctx.id.key === '1' ? '2' : '1'}`
    await ctx.sleep(200) // both are being made
    ctx.state.party = { counts: new SharedArrayBuffer(12), of: 2, to: other }
    await ask(ctx.state.party, ctx)
  })
  .on(Heard, (_, ctx) => [...new Int32Array(ctx.state.party?.counts as SharedArrayBuffer)])

/** Publishes to one that calls a third, which calls it. */
export const Pour = request<Party & { n: number }, string>('pour')
export const Drop = event<void>('drop')
export const source = agent('source')
  .on(Pour, async ({ n, ...party }, ctx) => {
    await allAtWork(party, ctx)
    for (let i = 0; i < n; i++) await ctx.publish(Drop, undefined, { topic: 'drops/x' })
    return 'all poured'
  })
  .on(Ping, () => 'pong')
export const sink = agent('sink', { subscriptions: ['drops'], mailbox: { capacity: 2 } }).on(Drop, async (_, ctx) => {
  await ctx.send(Ping, undefined, 'cup/x')
})
export const cup = agent('cup')
  .on(Meet, async (party, ctx) => {
    await allAtWork(party, ctx)
    return told(await ctx.trySend(Ping, undefined, party.to))
  })
  .on(Ping, () => 'pong')

export const Errand = request<{ late: boolean }, string>('errand')
export const Call = request<{ late: boolean }, string>('call')
export const Idle = request<number, void>('idle')
export const Rush = request<number, string>('rush')
export const Told = event<void>('told')

/** Goes on with something else that takes long when another has answered, or is not waited for any more; which has sent him something. */
export const errand = agent('errand')
  .on(Errand, async ({ late }, ctx) => {
    const one = await ctx.trySend(Call, { late }, 'called/2', late ? { timeout: 50 } : {})
    await ctx.send(Idle, 2_300, 'loiterer/3')
    return one.ok ? one.value : (one.error as Error).name
  })
  .on(Ping, () => 'pong')
export const called = agent('called', { state: () => ({ outcome: 'open' }) })
  .on(Call, async ({ late }, ctx) => {
    const signal = AbortSignal.timeout(60_000) // its own: it is sent by who is not wanted any more
    if (late) await ctx.sleep(60_000).catch(() => {})
    const notice = ctx.trySend(Ping, undefined, 'errand/1', { signal }).then(one => {
      ctx.state.outcome = told(one)
    })
    if (late) await notice
    return 'called'
  })
  .on(Outcome, (_, ctx) => ctx.state.outcome)
export const loiterer = agent('loiterer', { concurrency: 'interleaved' }).on(Idle, (ms, ctx) => ctx.sleep(ms))

/** Fills the queue of who calls him, and then tells him something until it is handled. */
export const rusher = agent('rusher').on(Rush, async (n, ctx) => {
  for (let i = 0; i < n; i++) void ctx.publish(Item, i, { topic: 'chief/1' })
  await ctx.sleep(50) // so that it is known to be full
  await ctx.publish(Told, undefined, { topic: 'chief/1', until: 'handled' })
  return 'told'
})
export const chief = agent('chief', { subscriptions: ['chief'], concurrency: 'callchain', mailbox: { capacity: 4 } })
  .on(Rush, (n, ctx) => ctx.send(Rush, n, 'rusher/2'))
  .on(Item, () => {})
  .on(Told, () => {})

export const Alone = request<void, string>('alone')
export const alone = agent('alone')
  .on(Alone, async (_, ctx) => {
    const one = await ctx.trySend(Ping, undefined, ctx.id)
    return one.ok ? one.value : (one.error as Error).name
  })
  .on(Ping, () => 'pong')
