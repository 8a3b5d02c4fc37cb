// Agents that the conformance suite is made of. Loaded by URL on every engine, so they share nothing with a test but
// what messages carry (a SharedArrayBuffer, where a test has to see or hold something inside a handler).
import { agent, event, request } from 'ringreeve'

const sleep = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))
const aborted = (signal: AbortSignal) =>
  new Promise<void>(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
const opened = async (word: Int32Array) => {
  while (Atomics.load(word, 0) === 0) await sleep(1)
}

// -- plain answers ------------------------------------------------------------------------------------------------
export const Echo = request<unknown, unknown>('echo')
export const Who = request<void, Record<string, unknown>>('who')
export const Slow = request<{ ms: number; answer: unknown }, unknown>('slow')
export const Unheard = request<void, void>('unheard')
export const Forward = request<{ to: string; payload: unknown }, unknown>('forward')

export const echo = agent('echo', { concurrency: 'interleaved', description: 'gives back what it gets' })
  .on(Echo, payload => payload)
  .on(Slow, async ({ ms, answer }) => {
    await sleep(ms)
    return answer
  })
  .on(Who, (_, ctx) => ({
    id: ctx.id.toString(),
    sender: ctx.sender?.toString(),
    topic: ctx.topic?.toString(),
    isRequest: ctx.isRequest,
    messageId: ctx.messageId,
    traceparent: ctx.traceparent,
  }))
  .on(Forward, ({ to, payload }, ctx) => ctx.send(Echo, payload, to))

// -- remembers what it got ------------------------------------------------------------------------------------------
export const Note = event<unknown>('note')
export const Store = request<unknown, number>('store')
export const Notes = request<void, unknown[]>('notes')
export const Contexts = request<void, Record<string, unknown>[]>('contexts')

export const recorder = agent('recorder', {
  state: () => ({ notes: [] as unknown[], contexts: [] as Record<string, unknown>[] }),
  subscriptions: ['default', 'news', { prefix: 'log.' }],
})
  .on(Note, (payload, ctx) => {
    ctx.state.notes.push(payload)
    ctx.state.contexts.push({
      sender: ctx.sender?.toString(),
      topic: ctx.topic?.toString(),
      isRequest: ctx.isRequest,
      traceparent: ctx.traceparent,
    })
  })
  .on(Store, (payload, ctx) => ctx.state.notes.push(payload))
  .on(Notes, (_, ctx) => ctx.state.notes)
  .on(Contexts, (_, ctx) => ctx.state.contexts)

// -- sends on --------------------------------------------------------------------------------------------------------
export const Flood = request<{ to: string; sizes: number[] }, number>('flood')
export const Tell = request<
  { topic?: string; payload: unknown; toSelf?: boolean; until?: 'accepted' | 'handled' },
  void
>('tell')
export const Heard = request<void, number>('heard')

export const sender = agent('sender', { state: () => ({ heard: 0 }), subscriptions: ['default'] })
  .on(Flood, async ({ to, sizes }, ctx) => {
    const sent = sizes.map((size, n) => ctx.send(Store, { n, text: 'x'.repeat(size) }, to))
    return (await Promise.all(sent)).length
  })
  .on(Tell, ({ payload, ...options }, ctx) => ctx.publish(Note, payload, options))
  .on(Note, (_, ctx) => {
    ctx.state.heard++
  })
  .on(Heard, (_, ctx) => ctx.state.heard)

// -- errors -----------------------------------------------------------------------------------------------------------
export const Fail = request<{ kind: string }, void>('fail')
export const FailEvent = event<string>('fail-event')
class OwnError extends Error {
  override name = 'OwnError'
  readonly code = 'E_OWN'
  readonly detail = { field: 'x', list: [1, 2] }
}
function fail(kind: string): void {
  switch (kind) {
    case 'type':
      throw new TypeError('not that type', { cause: new RangeError('out of range') })
    case 'own':
      throw new OwnError('of my own')
    case 'text':
      throw 'just text'
    case 'nothing':
      throw undefined
    case 'aggregate':
      throw new AggregateError([new Error('one'), new TypeError('two')], 'both')
    case 'unserializable':
      throw Object.assign(new Error('has a function'), { callback: () => 1, fine: 2 })
    default:
      throw new Error(kind)
  }
}
export const thrower = agent('thrower', { subscriptions: ['trouble'] })
  .on(Fail, async ({ kind }) => {
    await sleep(0)
    fail(kind)
  })
  .on(FailEvent, kind => fail(kind))
export const unharmed = agent('unharmed', { state: () => ({ n: 0 }), subscriptions: ['trouble'] })
  .on(FailEvent, (_, ctx) => {
    ctx.state.n++
  })
  .on(Heard, (_, ctx) => ctx.state.n)

// -- creation -----------------------------------------------------------------------------------------------------------
let made = 0
export const Made = request<void, { made: number; instance: number }>('made')
export const lazy = agent('lazy', {
  state: async () => {
    await sleep(10)
    return { instance: ++made }
  },
}).on(Made, (_, ctx) => ({ made, instance: ctx.state.instance }))
const tries = new Map<string, number>()
export const flaky = agent('flaky', {
  state: id => {
    const n = (tries.get(id.key) ?? 0) + 1
    tries.set(id.key, n)
    if (n === 1) throw new Error(`try ${n} fails`)
    return { n }
  },
  subscriptions: ['flaky'],
})
  .on(Echo, payload => payload)
  .on(Note, () => {})
export const listed = agent('listed', { keys: ['one', 'two'], subscriptions: ['listed'] })
  .on(Echo, payload => payload)
  .on(Note, () => {})

// -- turns ----------------------------------------------------------------------------------------------------------------
export const Step = request<{ ms: number }, void>('step')
export const Steps = request<void, string[]>('steps')
export const Ask = request<{ path: string[] }, string>('ask')
function stepper(type: string, concurrency: 'serial' | 'callchain' | 'interleaved' | number) {
  return agent(type, { concurrency, state: () => ({ steps: [] as string[], n: 0 }) })
    .on(Step, async ({ ms }, ctx) => {
      const n = ++ctx.state.n
      ctx.state.steps.push(`start ${n}`)
      await sleep(ms)
      ctx.state.steps.push(`end ${n}`)
    })
    .on(Steps, (_, ctx) => ctx.state.steps)
    .on(Ask, async ({ path: [next, ...rest] }, ctx) =>
      next === undefined ? ctx.id.toString() : `${ctx.id} < ${await ctx.send(Ask, { path: rest }, next)}`,
    )
}
export const serial = stepper('serial', 'serial')
export const callchain = stepper('callchain', 'callchain')
export const interleaved = stepper('interleaved', 'interleaved')
export const pairs = stepper('pairs', 2)
export const endless = agent('endless', { concurrency: 'interleaved' }).on(Ask, (_, ctx) =>
  ctx.send(Ask, { path: [] }, `endless/${ctx.id.key === 'a' ? 'b' : 'a'}`),
)

// -- cancelling -------------------------------------------------------------------------------------------------------------
export const Hold = request<{ begun: Int32Array; release: Int32Array }, string>('hold')
export const Spin = request<{ begun: Int32Array; ended: Int32Array }, string>('spin')
export const Await = request<{ begun: Int32Array; ended: Int32Array }, void>('await')
export const AwaitInner = request<{ begun: Int32Array; ended: Int32Array; to: string }, void>('await-inner')
export const ThrowLate = request<{ begun: Int32Array }, void>('throw-late')
export const Mark = request<{ word: Int32Array }, void>('mark')

export const holder = agent('holder')
  .on(Hold, async ({ begun, release }) => {
    Atomics.add(begun, 0, 1)
    await opened(release)
    return 'released'
  })
  .on(Mark, ({ word }) => {
    Atomics.add(word, 0, 1)
  })
  .on(Spin, ({ begun, ended }, ctx) => {
    Atomics.add(begun, 0, 1)
    const end = performance.now() + 10_000
    while (!ctx.cancelled && performance.now() < end);
    Atomics.add(ended, 0, ctx.cancelled ? 1 : 100)
    return 'spun'
  })
  .on(Await, async ({ begun, ended }, ctx) => {
    Atomics.add(begun, 0, 1)
    await aborted(ctx.signal)
    Atomics.add(ended, 0, 1)
  })
  .on(AwaitInner, async ({ to, ...words }, ctx) => {
    await ctx.send(Await, words, to)
  })
  .on(ThrowLate, async ({ begun }, ctx) => {
    Atomics.add(begun, 0, 1)
    await aborted(ctx.signal)
    throw new Error('after the caller left')
  })

// -- deadlines ----------------------------------------------------------------------------------------------------------------
export const hurried = agent('hurried', { deadline: 60 })
  .on(Slow, async ({ ms, answer }) => {
    await sleep(ms)
    return answer
  })
  .on(Spin, ({ begun, ended }, ctx) => {
    Atomics.add(begun, 0, 1)
    const end = performance.now() + 10_000
    while (!ctx.cancelled && performance.now() < end);
    Atomics.add(ended, 0, ctx.cancelled ? 1 : 100)
    return 'spun'
  })

// -- overload --------------------------------------------------------------------------------------------------------------------
function bounded(type: string, overflow: 'wait' | 'reject' | 'drop-oldest') {
  return agent(type, {
    mailbox: { capacity: 4, overflow },
    state: () => ({ notes: [] as unknown[] }),
    subscriptions: [type],
  })
    .on(Hold, async ({ begun, release }) => {
      Atomics.add(begun, 0, 1)
      await opened(release)
      return 'released'
    })
    .on(Store, (payload, ctx) => ctx.state.notes.push(payload))
    .on(Note, (payload, ctx) => {
      ctx.state.notes.push(payload)
    })
    .on(Notes, (_, ctx) => ctx.state.notes)
}
export const waits = bounded('waits', 'wait')
export const rejects = bounded('rejects', 'reject')
export const drops = bounded('drops', 'drop-oldest')

export const Serve = event<{ left: number }>('serve')
/** Two of these publish to each other, each waiting for the other's queue. */
export const rally = agent('rally', {
  mailbox: { capacity: 2 },
  state: () => ({ n: 0 }),
  subscriptions: [{ prefix: 'rally' }],
})
  .on(Serve, async ({ left }, ctx) => {
    ctx.state.n++
    if (left === 0) return
    const other = ctx.id.key === 'a' ? 'b' : 'a'
    for (let i = 0; i < 2; i++) await ctx.publish(Serve, { left: left - 1 }, { topic: `rally/${other}` })
  })
  .on(Heard, (_, ctx) => ctx.state.n)

// -- life --------------------------------------------------------------------------------------------------------------------------
export const Attach = request<{ started: Int32Array; stopped: Int32Array }, void>('attach')
export const living = agent('living', { state: () => ({ started: 0, words: undefined as Int32Array | undefined }) })
  .onStart(async ctx => {
    await sleep(5)
    ctx.state.started++
  })
  .on(Attach, ({ started, stopped }, ctx) => {
    Atomics.add(started, 0, ctx.state.started)
    ctx.state.words = stopped
  })
  .onStop(async ctx => {
    await sleep(1)
    if (ctx.state.words) Atomics.add(ctx.state.words, 0, 1)
  })

// -- the cascade of case 8 ------------------------------------------------------------------------------------------------------------
export const Round = event<{ round: number }>('round')
function cascader(n: number) {
  return agent(`cascade-${n}`, {
    state: () => ({ calls: 0 }),
    subscriptions: ['cascade'],
    mailbox: { capacity: 10_000 },
  })
    .on(Round, async ({ round }, ctx) => {
      ctx.state.calls++
      if (round < 5) await ctx.publish(Round, { round: round + 1 }, { topic: 'cascade/all' })
    })
    .on(Heard, (_, ctx) => ctx.state.calls)
}
export const cascade1 = cascader(1)
export const cascade2 = cascader(2)
export const cascade3 = cascader(3)
export const cascade4 = cascader(4)
export const cascade5 = cascader(5)

// -- handlers that choose -----------------------------------------------------------------------------------------------------------------
export const Number_ = request<number, string>('number')
export const Pick = event<number>('pick')
export const chooser = agent('chooser', { state: () => ({ picked: [] as string[] }), subscriptions: ['pick'] })
  .on(Number_, () => 'even', { when: n => n % 2 === 0 })
  .on(Number_, () => 'three', { when: n => n === 3 })
  .on(Pick, (n, ctx) => void ctx.state.picked.push(`small ${n}`), { when: n => n < 10 })
  .on(Pick, (n, ctx) => void ctx.state.picked.push(`big ${n}`), { when: n => n > 100 })
  .on(Notes, (_, ctx) => ctx.state.picked)

// -- ways for a thread to end ----------------------------------------------------------------------------------------------------------------------
export const End = request<{ how: string; begun?: Int32Array }, void>('end')
export const mortal = agent('mortal', { concurrency: 'interleaved', state: () => ({ n: 0 }) })
  .on(End, async ({ how, begun }) => {
    if (begun) Atomics.add(begun, 0, 1)
    switch (how) {
      case 'exit':
        return process.exit(3)
      case 'throw':
        setTimeout(() => {
          throw new Error('uncaught in a timer')
        }, 1)
        return sleep(10_000)
      case 'reject':
        void Promise.reject(new Error('nobody waits for me'))
        return sleep(10_000)
      case 'silence': // as by something that runs no JavaScript any more
        process.removeAllListeners('exit')
        return process.exit(7)
      case 'spin':
        while (true);
    }
  })
  .on(Step, (_, ctx) => {
    ctx.state.n++
  })
  .on(Heard, (_, ctx) => ctx.state.n)
  .on(Echo, payload => payload)
