// Agents for the tests of dispatcher, aggregator, memory and tracer, loaded on the threads like those of the kit.
import { agent, event, request } from 'ringreeve'
import { aggregator, Dispatch, dispatched, follow, pick, Terminate } from 'ringreeve/dispatch'
import { Changed, memory, memoryAt } from 'ringreeve/memory'
import { z } from 'zod'

const opened = async (word: Int32Array) => {
  while (Atomics.load(word, 0) === 0) await new Promise(resolve => setTimeout(resolve, 1))
}

// -- dispatcher ---------------------------------------------------------------------------------------------------------
export const Text = event<{ text: string }>('text')
export const Words = event<{ words: number }>('words')
export const Letters = event<{ letters: number }>('letters')
export const Both = event<{ words: number; letters: number; complete: boolean }>('both')
export const Count = event<{ left: number }>('count')
export const Held = event<{ begun: Int32Array; release: Int32Array }>('held')
export const Checked = event('checked', { payload: z.object({ n: z.number(), tag: z.string().default('none') }) })
export const Seen = request<
  void,
  { type: string; payload: unknown; correlationId: string; cause: string | undefined }[]
>('seen')

export const words = agent('words').on(dispatched(Text), ({ payload }) =>
  follow(Words, { words: payload.text.split(' ').length }),
)
export const letters = agent('letters').on(dispatched(Text), async ({ payload }) => {
  await new Promise(resolve => setTimeout(resolve, 1))
  return [follow(Letters, { letters: payload.text.length })]
})
export const faulty = agent('faulty').on(dispatched(Text), () => {
  throw new Error('not today')
})
export const counting = agent('counting').on(dispatched(Count), ({ payload: { left } }) =>
  left === 0 ? undefined : follow(Count, { left: left - 1 }),
)
/** Ends the dispatcher when the count is at zero. */
export const ending = agent('ending').on(dispatched(Count), ({ payload: { left } }) =>
  left === 0 ? follow(Terminate) : undefined,
)
export const held = agent('held').on(dispatched(Held), async ({ payload: { begun, release } }) => {
  Atomics.add(begun, 0, 1)
  await opened(release)
  return follow(Text, { text: 'afterwards' })
})
/** Dispatches by itself, and answers with nothing. */
export const speaker = agent('speaker').on(dispatched(Text), async (event, ctx) => {
  await ctx.send(Dispatch, { ...follow(Count, { left: 0 }), correlationId: event.correlationId }, event.dispatcher)
})
/** Dispatches as many as it is told, and waits for each. */
export const eloquent = agent('eloquent').on(dispatched(Count), async ({ payload, dispatcher }, ctx) => {
  for (let n = 0; n < payload.left; n++) await ctx.send(Dispatch, follow(Text, { text: `${n}` }), dispatcher)
})
/** Sends an event from a timer. */
export const ticking = agent('ticking')
  .on(dispatched(Held), ({ payload: { begun, release }, dispatcher }, ctx) => {
    ctx.after(0, async tick => {
      Atomics.add(begun, 0, 1)
      await opened(release)
      await tick.send(Dispatch, follow(Text, { text: 'tick' }), dispatcher)
    })
  })
  .on(dispatched(Count), () => {})
/** Several are held at a time. */
export const holding = agent('holding', { concurrency: 'interleaved' }).on(
  dispatched(Held),
  async ({ payload: { begun, release } }) => {
    Atomics.add(begun, 0, 1)
    await opened(release)
  },
)
/** Has another agent dispatch, and waits for it. */
export const delegating = agent('delegating').on(dispatched(Count), ({ payload: { left }, dispatcher }, ctx) =>
  ctx.send(Delegated, { left, dispatcher }, 'delegate/x'),
)
export const Delegated = request<{ left: number; dispatcher: string }, void>('delegated')
export const delegate = agent('delegate').on(Delegated, async ({ left, dispatcher }, ctx) => {
  for (let n = 0; n < left; n++) await ctx.send(Dispatch, follow(Text, { text: `${n}` }), dispatcher)
})
/** Remembers every event it gets. */
export const witness = agent('witness', { state: () => ({ seen: [] as never[] }) })
  .on(dispatched(Text), ({ type, payload, correlationId, cause }, ctx) => {
    ctx.state.seen.push({ type, payload, correlationId, cause } as never)
  })
  .on(dispatched(Words), ({ type, payload, correlationId, cause }, ctx) => {
    ctx.state.seen.push({ type, payload, correlationId, cause } as never)
  })
  .on(dispatched(Both), ({ type, payload, correlationId, cause }, ctx) => {
    ctx.state.seen.push({ type, payload, correlationId, cause } as never)
  })
  .on(dispatched(Count), ({ type, payload, correlationId, cause }, ctx) => {
    ctx.state.seen.push({ type, payload, correlationId, cause } as never)
  })
  .on(dispatched(Checked), ({ type, payload, correlationId, cause }, ctx) => {
    ctx.state.seen.push({ type, payload, correlationId, cause } as never)
  })
  .on(Seen, (_, ctx) => ctx.state.seen)

// -- aggregator -----------------------------------------------------------------------------------------------------------
const combine = ({ events, complete }: Parameters<Parameters<typeof aggregator>[1]['combine']>[0]) =>
  follow(Both, {
    words: pick(events, Words)?.words ?? -1,
    letters: pick(events, Letters)?.letters ?? -1,
    complete,
  })
export const gatherer = aggregator('gatherer', { needs: [Words, Letters], capacity: 3, combine })
export const hasty = aggregator('hasty', { needs: [Words, Letters], timeout: 20, combine })
/** Combines only what is complete. */
export const picky = aggregator('picky', {
  needs: [Words, Letters],
  capacity: 1,
  combine: group => {
    if (!group.complete) throw new Error(`half of ${group.correlationId}`)
    return combine(group)
  },
})
/** Comes back with its groups when its thread ends. */
export const lasting = aggregator('lasting', { needs: [Words, Letters], checkpoint: { everyMessages: 1 }, combine })
export const votes = aggregator('votes', {
  needs: [Words, Words, Words],
  combine: ({ events }) => follow(Count, { left: events.length }),
})

// -- tracer -----------------------------------------------------------------------------------------------------------------
export const Chat = request<{ times: number; begun: Int32Array; done: Int32Array }, void>('chat')
export const Word = request<void, void>('word')
/** Talks to itself. */
export const chatter = agent('chatter', { concurrency: 'interleaved' })
  .on(Word, () => {})
  .on(Chat, async ({ times, begun, done }, ctx) => {
    Atomics.store(begun, 0, 1)
    for (let i = 0; i < times; i++) await ctx.send(Word, undefined, ctx.id)
    Atomics.store(done, 0, 1)
    Atomics.notify(done, 0)
  })

export const Crawl = request<Int32Array, void>('crawl')
export const snail = agent('snail', { softDeadline: 5 }).on(Crawl, opened)

// -- the end of a thread -------------------------------------------------------------------------------------------------
export const Crash = request<void, void>('crash')
export const mortal = agent('mortal').on(Crash, () => process.exit(9))

// -- memory -----------------------------------------------------------------------------------------------------------------
export interface Contents extends Record<string, unknown> {
  count: number
  plan: { title: string; steps: string[] }
  list: number[]
}
export const Raise = request<{ times: number; how: 'add' | 'update' }, void>('raise')
export const Changes = request<void, { key: string; value: unknown; version: number | undefined }[]>('changes')
export const Keep = request<{ key: 'list'; value: number[] }, void>('keep')

export const shared = memory('memory', { capacity: 5 })
export const small = memory('small', { maxBytes: 10_000 })
export const keeping = memory('keeping', { checkpoint: { everyMessages: 1 } })
export const raiser = agent('raiser')
  .on(Raise, async ({ times, how }, ctx) => {
    const shared = memoryAt<Contents>(ctx, 'memory/main')
    if (how === 'update') for (let i = 0; i < times; i++) await shared.update('count', n => (n ?? 0) + 1)
    else {
      // some in flight at a time, as who wants speed does it
      const lane = async (share: number) => {
        for (let i = 0; i < share; i++) await shared.add('count')
      }
      await Promise.all(Array.from({ length: 20 }, () => lane(times / 20)))
    }
  })
  .on(Keep, async ({ key, value }, ctx) => {
    await memoryAt<Contents>(ctx, 'memory/main').set(key, value)
  })
/** Hears every change, and writes one itself while it handles them: a memory that waited for its hearers would hang. */
export const mirror = agent('mirror', {
  state: () => ({ changes: [] as { key: string; value: unknown; version: number | undefined }[] }),
  subscriptions: ['memory.changed', 'keeping.changed'],
  mailbox: { capacity: 2 },
})
  .on(Changed, async ({ key, entry }, ctx) => {
    ctx.state.changes.push({ key, value: entry?.value, version: entry?.version })
    if (key === 'count') await memoryAt<Contents>(ctx, 'memory/main').add('echo' as 'count')
  })
  .on(Changes, (_, ctx) => ctx.state.changes)
