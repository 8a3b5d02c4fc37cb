// Agents whose life a test holds and lets go on, step by step, and which write down in shared memory what happens to them:
// the same whatever thread they are on. What an agent has for that (its desk) its porter of the same key brings.
import { agent, type Context, event, type LifeContext, request } from 'ringreeve'

/** Words of a desk. A gate that is shut holds what stands before it. */
export const at = { start: 0, turn: 1, stop: 2, brief: 3, order: 4, written: 5, journal: 6 } as const
/** What a test can have done by what stands before a gate. */
export const orders = { none: 0, quit: 1, fail: 2, back: 3, doom: 4 } as const
/** What a journal is made of. */
export const steps = [
  'start', // onStart begins
  'made', // and ends
  'add',
  'hold', // a turn that may be held begins
  'held', // and ends
  'note',
  'quit',
  'fail',
  'loop',
  'back', // what was sent in a circle was answered
  'cycle', // or refused as what it is
  'given up', // or given up with the turn that sent it
  'lost', // or something else
  'stop', // onStop begins
  'hurried', // or begins and cannot sleep
  'gone', // and ends
  'later', // a turn that its agent sent for and did not wait for
] as const
export type Step = (typeof steps)[number]

export const Desk = request<{ desk: Int32Array; mirror: string }, void>('desk')
export const Fence = request<void, void>('fence')
/** Returns how many of them were settled, which is all. */
export const Flood = request<{ to: string; requests: number }, number>('flood')
export const Bounce = request<string, number>('bounce')

export const Add = request<void, number>('add')
export const Hold = request<void, string>('hold')
export const Look = request<void, number>('look')
export const Quit = request<void, void>('quit')
export const Fail = request<void, void>('fail')
export const Loop = request<void, void>('loop')
export const Again = request<number, void>('again')
export const Note = event<void>('note')
/** Its payload takes a while to be checked. */
export const Checked = request('checked', {
  input: {
    '~standard': {
      version: 1,
      vendor: 'stages',
      validate: async (value: unknown) => {
        await sleep(5)
        return { value: value as number }
      },
    },
  },
})

interface Place {
  readonly desk: Int32Array
  readonly mirror: string
}
type Ctx = LifeContext<{ n: number }> | Context<{ n: number }>

const sleep = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))
const places = new Map<string, Place>()

function placeOf(ctx: Ctx): Place {
  const place = places.get(ctx.id.key)
  if (place === undefined) throw new Error(`no porter was at ${ctx.id}`)
  return place
}

function write(ctx: Ctx, step: Step): void {
  const { desk } = placeOf(ctx)
  const written = Atomics.load(desk, at.written)
  Atomics.store(desk, at.journal + written, steps.indexOf(step))
  Atomics.store(desk, at.written, written + 1)
}

/** Whether what this agent sent came back to it and was answered. */
async function roundAbout(ctx: Ctx): Promise<void> {
  const sent = await ctx.trySend(Bounce, ctx.id.toString(), placeOf(ctx).mirror)
  if (sent.ok) return write(ctx, 'back')
  const { code } = sent.error as { code?: string }
  if (code === 'ERR_RINGREEVE_CANCELLED') return write(ctx, 'given up')
  write(ctx, code === 'ERR_RINGREEVE_CALL_CYCLE' ? 'cycle' : 'lost')
}

/** Stands before a gate, and does meanwhile what it is told to. */
async function gate(ctx: Ctx, which: number): Promise<void> {
  const { desk } = placeOf(ctx)
  while (Atomics.load(desk, which) !== 0) {
    const order = Atomics.exchange(desk, at.order, orders.none)
    if (order === orders.quit) ctx.stop()
    if (order === orders.back) await roundAbout(ctx)
    if (order === orders.fail) {
      write(ctx, 'fail')
      throw new Error('boom')
    }
    await sleep(1)
  }
}

function stage(type: string, concurrency: 'serial' | 'callchain' | number, unloadAfter?: number) {
  return agent(type, {
    state: () => ({ n: 0 }),
    concurrency,
    subscriptions: [type],
    ...(unloadAfter === undefined ? {} : { unloadAfter }),
  })
    .onStart(async ctx => {
      if (Atomics.load(placeOf(ctx).desk, at.order) === orders.doom) throw new Error('doomed')
      write(ctx, 'start')
      await gate(ctx, at.start)
      if (unloadAfter !== undefined && Atomics.load(placeOf(ctx).desk, at.brief) === 0) ctx.after(2 ** 31 - 1, () => {})
      write(ctx, 'made')
    })
    .on(Add, (_, ctx) => {
      write(ctx, 'add')
      return ++ctx.state.n
    })
    .on(Checked, (_, ctx) => {
      write(ctx, 'add')
      return ++ctx.state.n
    })
    .on(Hold, async (_, ctx) => {
      write(ctx, 'hold')
      await gate(ctx, at.turn)
      ctx.state.n++
      write(ctx, 'held')
      return 'held'
    })
    .on(Note, (_, ctx) => {
      write(ctx, 'note')
      ctx.state.n++
    })
    .on(Quit, (_, ctx) => {
      write(ctx, 'quit')
      ctx.stop()
    })
    .on(Fail, (_, ctx) => {
      write(ctx, 'fail')
      throw new Error('boom')
    })
    .on(Loop, async (_, ctx) => {
      write(ctx, 'loop')
      await roundAbout(ctx)
    })
    .on(Again, (times, ctx) => {
      write(ctx, 'later')
      ctx.state.n++
      if (times > 0) void ctx.trySend(Again, times - 1, ctx.id)
    })
    .on(Look, (_, ctx) => ctx.state.n)
    .onStop(async ctx => {
      const sleeps = await ctx.sleep(0).then(
        () => true,
        () => false,
      )
      write(ctx, sleeps ? 'stop' : 'hurried')
      await gate(ctx, at.stop)
      write(ctx, 'gone')
    })
}

/** Milliseconds after which the brief ones are unloaded, unless their desk says that they are to stay. */
export const BRIEF_MS = 20

export const serial = stage('serial', 'serial')
export const chain = stage('chain', 'callchain')
export const two = stage('two', 2)
export const briefSerial = stage('brief-serial', 'serial', BRIEF_MS)
export const briefChain = stage('brief-chain', 'callchain', BRIEF_MS)
export const briefTwo = stage('brief-two', 2, BRIEF_MS)

export const porter = agent('porter', { concurrency: 'interleaved' })
  .on(Desk, ({ desk, mirror }, ctx) => {
    places.set(ctx.id.key, { desk, mirror })
  })
  // what was there before it has begun by then, if it may
  .on(Fence, async () => {
    for (let i = 0; i < 3; i++) await new Promise(resolve => setImmediate(resolve))
  })

export const mirror = agent('mirror', { concurrency: 'interleaved' })
  .on(Bounce, (back, ctx) => ctx.send(Add, undefined, back))
  .on(Flood, async ({ to, requests }, ctx) => {
    const sent: Promise<unknown>[] = []
    for (let i = 0; i < requests; i++) {
      sent.push(ctx.trySend(Add, undefined, to))
      await null
    }
    return (await Promise.all(sent)).length
  })
