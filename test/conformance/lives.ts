// Agents with a life of their own. What they do of themselves a test sees by the words that it gives them.
import { agent, event, request } from 'ringreeve'

const sleep = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

export const Give = request<Words, void>('give')
export const Look = request<void, Record<string, unknown>>('look')
export const Work = request<{ ms: number }, number>('work')
export const Later = request<{ ms: number; cancel?: boolean }, void>('later')
export const Quit = request<void, void>('quit')
export const Fail = request<{ how: string }, void>('make-fail')

export const Count = request<Int32Array, void>('count')

export interface Words {
  readonly ticks?: Int32Array
  readonly begun?: Int32Array
  readonly release?: Int32Array
  readonly stopped?: Int32Array
}
const add = (word: Int32Array | undefined) => {
  if (word !== undefined) Atomics.add(word, 0, 1)
}
const state = () => ({
  words: {} as Words,
  n: 0,
  once: 0,
  later: 0,
  inside: 0,
  beside: 0,
  steps: [] as string[],
  fail: '',
})

// -- intervals ----------------------------------------------------------------------------------------------------
function ticker(type: string, concurrency: 'serial' | 'interleaved') {
  return agent(type, { state, concurrency })
    .every(1, async ctx => {
      add(ctx.state.words.ticks)
      if (ctx.state.inside > 0 && concurrency === 'serial') ctx.state.beside++
      if (++ctx.state.n > 1) ctx.state.beside++ // two ticks at a time
      await sleep(3)
      ctx.state.n--
      if (ctx.state.fail === 'tick') throw new Error('a tick failed')
    })
    .on(Give, (words, ctx) => {
      ctx.state.words = words
    })
    .on(Work, async ({ ms }, ctx) => {
      ctx.state.inside++
      if (ctx.state.n > 0 && concurrency === 'serial') ctx.state.beside++
      await sleep(ms)
      ctx.state.inside--
      return ctx.state.beside
    })
    .on(Fail, ({ how }, ctx) => {
      ctx.state.fail = how
    })
    .on(Look, (_, ctx) => ({ ...ctx.state, words: 0 }))
}
export const ticking = ticker('ticking', 'serial')
export const tickingMany = ticker('ticking-many', 'interleaved')
export const rarely = agent('rarely', { state })
  .every(2 ** 31 - 1, ctx => {
    ctx.state.once++
  })
  .every(
    2 ** 31 - 1,
    ctx => {
      ctx.state.later++
    },
    { immediate: false },
  )
  .on(Look, (_, ctx) => ({ once: ctx.state.once, later: ctx.state.later }))

// -- loops, timers, the end -------------------------------------------------------------------------------------------
export const full = agent('full', { state })
  .onStart(async ctx => {
    await sleep(2)
    ctx.state.steps.push('start')
  })
  .loop(async (ctx, stopSignal) => {
    ctx.state.steps.push('loop')
    await ctx.sleep(2 ** 31 - 1).catch(() => {})
    await sleep(stopSignal.aborted ? 2 : 100_000)
    ctx.state.steps.push('loop ends')
  })
  .on(Give, (words, ctx) => {
    ctx.state.words = words
    ctx.state.steps.push('message')
  })
  .on(Work, async ({ ms }, ctx) => {
    add(ctx.state.words.begun)
    await sleep(ms)
    ctx.state.steps.push('work')
    return ++ctx.state.n
  })
  .on(Later, ({ ms, cancel }, ctx) => {
    const timer = ctx.after(ms, later => {
      later.state.steps.push('timer')
      add(later.state.words.ticks)
    })
    if (cancel) timer.cancel()
  })
  .on(Quit, (_, ctx) => ctx.stop())
  .on(Look, (_, ctx) => ({ steps: ctx.state.steps, n: ctx.state.n }))
  .onStop(async ctx => {
    const { stopped, release } = ctx.state.words
    ctx.state.steps.push('stop')
    while (release !== undefined && Atomics.load(release, 0) === 0) await sleep(1)
    if (stopped === undefined) return
    stopped[1] = ctx.state.steps.join() === 'start,loop,message,loop ends,stop' ? 1 : 0
    add(stopped)
  })

/** Its messages have to wait for `onStart`, and to keep their order. The porter of the same key can keep that from ending. */
export const slowStarter = agent('slow-starter', { state })
  .onStart(async () => {
    await sleep(5)
    const { begun, release } = door
    add(begun)
    while (release !== undefined && Atomics.load(release, 0) === 0) await sleep(1)
  })
  .on(Work, ({ ms }, ctx) => ctx.state.steps.push(`${ms}`))
  .on(Look, (_, ctx) => ({ steps: ctx.state.steps }))
let door: Words = {} // of this thread, as the agents of one key are
export const porter = agent('porter').on(Give, words => {
  door = words
})

// -- outliving its agent -------------------------------------------------------------------------------------------------
export const Outlive = request<{ begun: Int32Array; release: Int32Array; done: Int32Array }, void>('outlive')
export const Called = event<string>('called')
/** Its turn goes on when it has stopped, and calls all that hear it. */
export const outliving = agent('outliving', { state: () => ({ heard: [] as string[] }), subscriptions: ['calls'] })
  .on(Outlive, async ({ begun, release, done }, ctx) => {
    add(begun)
    while (Atomics.load(release, 0) === 0) await sleep(1)
    ctx.state.heard.push('old')
    await ctx.publish(Called, 'late', { topic: `calls/${ctx.id.key}` }).catch(() => {})
    add(done)
  })
  .on(Called, (text, ctx) => {
    ctx.state.heard.push(text)
  })
  .on(Look, (_, ctx) => ({ heard: ctx.state.heard }))

// -- failing -----------------------------------------------------------------------------------------------------------
function failing(type: string, onError: 'report' | 'stop-agent' | 'stop-runtime') {
  const endsBadly = async (ctx: { state: ReturnType<typeof state>; sleep(ms: number): Promise<void> }) => {
    try {
      for (;;) await ctx.sleep(1)
    } catch (cancelled) {
      if (ctx.state.fail !== 'a, then b') throw cancelled
    }
    throw new Error('loop b failed')
  }
  return agent(type, { state })
    .loop(
      async ctx => {
        while (!ctx.state.fail.startsWith('a')) await ctx.sleep(1)
        throw new Error('loop a failed')
      },
      { onError },
    )
    .loop(endsBadly, { onError })
    .every(
      1,
      ctx => {
        if (ctx.state.fail === 'tick') throw new Error('a tick failed')
      },
      { onError },
    )
    .on(Give, (words, ctx) => {
      ctx.state.words = words
    })
    .on(Fail, ({ how }, ctx) => {
      ctx.state.fail = how
    })
    .on(Look, (_, ctx) => ({ fail: ctx.state.fail }))
    .onStop(ctx => add(ctx.state.words.stopped))
}
export const reporting = failing('reporting', 'report')
export const fragile = failing('fragile', 'stop-agent')
export const fatal = failing('fatal', 'stop-runtime')

// -- unloading ---------------------------------------------------------------------------------------------------------
function idler(type: string, keepState: boolean) {
  return agent(type, { state, unloadAfter: 20, keepState })
    .onStart(ctx => {
      ctx.state.once++
    })
    .every(1, () => {})
    .on(Give, (words, ctx) => {
      ctx.state.words = words
      ctx.state.n++
    })
    .on(Later, ({ ms }, ctx) => {
      ctx.after(ms, later => {
        const { ticks, stopped } = later.state.words
        if (ticks) ticks[1] = stopped?.[0] as number
        add(ticks)
      })
    })
    .on(Look, (_, ctx) => ({ n: ctx.state.n, starts: ctx.state.once }))
    .onStop(ctx => {
      add(ctx.state.words.stopped)
      if (!keepState) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20) // it can be seen before it is over
    })
}
export const idling = idler('idling', true)
export const forgetting = idler('forgetting', false)

/** Unloaded whenever it can be, and slow to come and go. Counts in its words, since its state comes and goes too. */
export const fleeting = agent('fleeting', {
  unloadAfter: 1,
  state: () => ({ words: undefined as Int32Array | undefined }),
})
  .onStart(async ctx => {
    await sleep(ctx.id.key.length % 2)
  })
  .on(Count, (words, ctx) => {
    Atomics.add(words, 0, 1)
    if (ctx.state.words === undefined) Atomics.add(words, 1, 1) // made anew
    ctx.state.words = words
  })
  .onStop(async ctx => {
    const { words } = ctx.state
    await sleep(1)
    if (words !== undefined) Atomics.add(words, 2, 1)
  })
