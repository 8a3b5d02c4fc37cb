// Agents at the edges of a life: that cannot be made, or not yet, or are stopped from where it was not expected.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type AgentId, agent, event, type LifeContext, request } from 'ringreeve'

const sleep = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))
const opened = async (word: Int32Array) => {
  while (Atomics.load(word, 0) === 0) await sleep(1)
}

export const Ping = request<void, string>('ping')
export type Words = { begun: Int32Array; release: Int32Array; done: Int32Array }
export const Begin = request<Words, void>('begin')
export const Around = request<void, string>('around')
export const Arm = request<{ after: number }, void>('arm')
export const Told = request<void, string[]>('told')
export const Fired = request<void, number>('fired')
export const Add = request<void, number>('add')
export const End = request<void, void>('end')
export const Heard = event<void>('heard')

/** Checks that never end. */
const unending: StandardSchemaV1<void, void> = {
  '~standard': { version: 1, vendor: 'test', validate: () => new Promise(() => {}) },
}
export const Unread = request('unread', { input: unending })
export const Unsaid = request('unsaid', { output: unending })
export const Unheard = event('unheard', { payload: unending })
export const unchecked = agent('unchecked', { concurrency: 'interleaved' })
  .on(Unread, () => {})
  .on(Unsaid, () => {})
  .on(Ping, () => 'pong')

/** Its turn goes on when it has stopped, and then wishes to stop. */
export const late = agent('late')
  .on(Begin, async ({ begun, release, done }, ctx) => {
    Atomics.add(begun, 0, 1)
    await opened(release)
    ctx.stop()
    Atomics.add(done, 0, 1)
  })
  .on(Ping, () => 'pong')

/** Is never made. */
export const unborn = agent('unborn')
  .onStart(() => new Promise(() => {}))
  .on(Ping, () => 'pong')

/** Stops while it waits for a call that comes back to it. */
export const leaving = agent('leaving', { concurrency: 'interleaved' })
  .on(Around, async (_, ctx) => {
    ctx.stop()
    await sleep(5)
    return ctx.send(Around, undefined, `mirror/${ctx.id.key}`)
  })
  .on(Ping, () => 'pong')
export const mirror = agent('mirror', { concurrency: 'interleaved' }).on(Around, (_, ctx) =>
  ctx.send(Ping, undefined, ctx.sender as AgentId),
)

/** Calls somebody who calls it, before it is there, or when it stops; or calls itself. */
async function callBack(ctx: LifeContext<{ told: string[] }>): Promise<void> {
  const { key } = ctx.id
  const sent = key.startsWith('self') ? ctx.send(Ping, undefined, ctx.id) : ctx.send(Around, undefined, `mirror/${key}`)
  await sent.catch(error => ctx.state.told.push(`${error.code} ${error.message}`))
}
export const calling = agent('calling', { state: () => ({ told: [] as string[] }) })
  .onStart(callBack)
  .on(Ping, () => 'pong')
  .on(Told, (_, ctx) => ctx.state.told)
export const parting = agent('parting', { state: () => ({ told: [] as string[] }), concurrency: 'callchain' })
  .onStop(async ctx => {
    await callBack(ctx)
    throw new Error(ctx.state.told.join())
  })
  .on(Ping, () => 'pong')

/** Makes an agent that calls it before it is there. */
export const asking = agent('asking').on(Around, (_, ctx) => ctx.send(Ping, undefined, `begging/${ctx.id.key}`))
export const begging = agent('begging')
  .onStart(async ctx => {
    await ctx.send(Around, undefined, `asking/${ctx.id.key}`)
  })
  .on(Ping, () => 'pong')

/** Keeps its thread busy, then waits. */
export const thronged = agent('thronged', { state: () => ({ n: 0 }) })
  .on(Around, async (_, ctx) => {
    const end = Date.now() + 30
    while (Date.now() < end);
    await ctx.sleep(100_000)
    return ''
  })
  .on(Add, (_, ctx) => ++ctx.state.n)

/** Where it is told that an agent is being made: before it is there it can be given no flag. */
export const BEGUN = 'begun'
function sayBegun(): void {
  const channel = new BroadcastChannel(BEGUN)
  channel.unref()
  channel.postMessage(true)
}

/** The first time it is not made before somebody lets it go on. */
const stuck = new Map<string, { n: number; free(): void }>()
export const sticking = agent('sticking', { state: () => ({ fired: 0 }) })
  .onStart(async ctx => {
    const { n } = stuck.get(ctx.id.key) ?? { n: 0 }
    if (n > 0) stuck.set(ctx.id.key, { ...(stuck.get(ctx.id.key) as { free(): void }), n: n + 1 })
    else {
      const freed = new Promise<void>(free => stuck.set(ctx.id.key, { n: 1, free }))
      sayBegun()
      await freed
    }
    ctx.state.fired = n + 1
    ctx.after(1, later => {
      later.state.fired += 10
    })
  })
  .on(Ping, async (_, ctx) => {
    stuck.get(ctx.id.key)?.free()
    await sleep(10)
    return 'pong'
  })
  .on(Fired, (_, ctx) => ctx.state.fired)

/** Takes its time to be unloaded. */
export const leisurely = agent('leisurely', {
  unloadAfter: 5,
  state: () => ({ n: 0, words: undefined as Words | undefined }),
})
  .on(Begin, (words, ctx) => {
    ctx.state.n = 7
    ctx.state.words = words
  })
  .onStop(async ctx => {
    const { words } = ctx.state
    if (words === undefined) return
    Atomics.add(words.begun, 0, 1)
    await opened(words.release)
  })

/** The first time it is not made, and has set a timer. */
const tries = new Map<string, number>()
export const second = agent('second', { state: () => ({ fired: 0 }) })
  .onStart(async ctx => {
    const n = (tries.get(ctx.id.key) ?? 0) + 1
    tries.set(ctx.id.key, n)
    if (n > 1) return
    ctx.after(1, () => {})
    if (ctx.id.key === 'stopped') {
      sayBegun()
      await ctx.sleep(100_000)
    }
    throw new Error('not yet')
  })
  .on(Arm, ({ after }, ctx) => {
    ctx.after(after, later => {
      later.state.fired++
    })
  })
  .on(Fired, (_, ctx) => ctx.state.fired)
  .on(Add, (_, ctx) => tries.get(ctx.id.key) as number)

/** Has a tick waiting when its mailbox is full. */
export const crowded = agent('crowded', {
  mailbox: { capacity: 1, overflow: 'drop-oldest' },
  state: () => ({ fired: 0 }),
})
  .on(Begin, async ({ begun, release }, ctx) => {
    ctx.after(1, later => {
      later.state.fired++
    })
    await ctx.sleep(10) // the tick waits
    Atomics.store(begun, 0, 1)
    await opened(release)
  })
  .on(Ping, () => 'pong')
  .on(Fired, (_, ctx) => ctx.state.fired)

/** Is unloaded sooner than its checkpoint is due. */
export const saving = agent('saving', {
  checkpoint: { everyMessages: 100 },
  unloadAfter: 5,
  state: () => ({ n: 0, stopped: undefined as Int32Array | undefined }),
})
  .on(Begin, ({ done }, ctx) => {
    ctx.state.stopped = done
    ctx.state.n++
  })
  .on(Add, (_, ctx) => ++ctx.state.n)
  .onStop(ctx => {
    if (ctx.state.stopped) Atomics.add(ctx.state.stopped, 0, 1)
  })
export const ending = agent('ending').on(End, () => process.exit(1))

/** Takes its time to stop. */
export const lasting = agent('lasting', { state: () => ({ words: undefined as Int32Array | undefined }) })
  .on(Begin, ({ done }, ctx) => {
    ctx.state.words = done
  })
  .onStop(async ctx => {
    await sleep(20)
    if (ctx.state.words) Atomics.add(ctx.state.words, 0, 1)
  })

const listener = (type: string) =>
  agent(type, { state: () => ({ n: 0 }) })
    .on(Heard, (_, ctx) => {
      ctx.state.n++
    })
    .on(Fired, (_, ctx) => ctx.state.n)
export const listening = listener('listening')
export const overhearing = listener('overhearing')

/** Cannot be made as long as its first word says so, and has done something to its state by then. */
export const relapsing = agent('relapsing', {
  unloadAfter: 1,
  state: () => ({ starts: [] as number[], words: undefined as Words | undefined }),
})
  .onStart(ctx => {
    const { starts, words } = ctx.state
    starts.push(starts.length)
    if (words !== undefined && Atomics.load(words.release, 0) === 0) throw new Error('the database is away')
  })
  .on(Begin, (words, ctx) => {
    ctx.state.words = words
  })
  .on(Fired, (_, ctx) => ctx.state.starts.length)
  .onStop(ctx => {
    if (ctx.state.words) Atomics.add(ctx.state.words.done, 0, 1)
  })
