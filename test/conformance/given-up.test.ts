// Promised: what is given up, or goes in an odd way, leaves nothing behind: every send settles, idle() is reached, and the next
// agent of the address begins with nothing of the one before.
import { type AnyAgent, agent, createRuntime, type Runtime, request } from 'ringreeve'
import { expect, it } from 'vitest'

const Do = request<number, number>('do')
const late = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

async function withAgent(type: AnyAgent, use: (runtime: Runtime) => Promise<void>): Promise<void> {
  const runtime = await createRuntime({ threads: 0, agents: [type] })
  try {
    await use(runtime)
    await runtime.idle()
    expect(runtime.unprocessedMessages).toBe(0)
  } finally {
    await runtime.close({ timeout: 100 })
  }
}

/** What became of a promise: its value, or the code of its error. */
function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch(error => error.code ?? error.message)
}

it('a timer that was set in a start that is given up does not go off', async () => {
  let rang = 0
  const type = agent('a').onStart(async ctx => {
    ctx.after(60, () => {
      rang++
    })
    await new Promise(() => {})
  })
  await withAgent(
    type.on(Do, n => n),
    async runtime => {
      const first = outcome(runtime.send(Do, 1, 'a/x'))
      await late(5)
      await runtime.handle(type, 'x').stop({ drain: false, timeout: 20 })
      expect(await first).toBe('ERR_RINGREEVE_STOPPED')
      await late(100)
      expect(rang).toBe(0)
    },
  )
})

it('who waits for an agent whose start is given up is told, also if they came late', async () => {
  const type = agent('a').onStart(() => new Promise<void>(() => {}))
  await withAgent(
    type.on(Do, n => n),
    async runtime => {
      const first = outcome(runtime.send(Do, 1, 'a/x'))
      await late(5)
      const stopped = runtime.handle(type, 'x').stop({ drain: false, timeout: 40 })
      await late(10)
      const got = outcome(runtime.get('a/x', { lazy: false }))
      await stopped
      expect(await Promise.all([first, got])).toEqual(['ERR_RINGREEVE_STOPPED', 'ERR_RINGREEVE_STOPPED'])
    },
  )
})

it('what comes behind a drop is made an agent for when the start that was dropped fails', async () => {
  let tries = 0
  const type = agent('a').onStart(async () => {
    tries++
    await late(30)
    if (tries === 1) throw new Error('the first fails')
  })
  await withAgent(
    type.on(Do, n => n),
    async runtime => {
      const first = outcome(runtime.send(Do, 1, 'a/x'))
      await late(5)
      const stopped = outcome(runtime.handle(type, 'x').stop({ drain: false, timeout: 1_000 }))
      await late(5)
      const second = outcome(runtime.send(Do, 2, 'a/x'))
      expect([await first, await stopped]).toEqual(['ERR_RINGREEVE_STOPPED', undefined])
      expect(await second).toBe(2)
    },
  )
})

it('stop() of an agent that is stopping is no wish for the next one', async () => {
  const type = agent('a', { state: () => ({ n: 0 }) })
    .onStop(ctx => ctx.stop())
    .on(Do, (n, ctx) => {
      ctx.state.n += n
      return ctx.state.n
    })
  await withAgent(type, async runtime => {
    await runtime.send(Do, 1, 'a/x')
    await runtime.handle(type, 'x').stop()
    expect([await runtime.send(Do, 1, 'a/x'), await runtime.send(Do, 1, 'a/x')]).toEqual([1, 2])
  })
})

it('an answer whose then cannot be looked at is a failed turn, the first one too', async () => {
  const broken = Object.defineProperty({}, 'then', {
    get() {
      throw new TypeError('no look')
    },
  })
  const type = agent('a').on(Do, n => (n === 1 ? (broken as never) : n))
  await withAgent(type, async runtime => {
    expect([await outcome(runtime.send(Do, 1, 'a/x')), await runtime.send(Do, 2, 'a/x')]).toEqual(['no look', 2])
  })
})

it('an agent that asks to stop in onStart has its turns with what came before, and stops', async () => {
  const journal: unknown[] = []
  const type = agent('a')
    .onStart(async ctx => {
      await late(20)
      ctx.stop()
    })
    .onStop(() => {
      journal.push('stop')
    })
    .on(Do, n => {
      journal.push(n)
      return n
    })
  await withAgent(type, async runtime => {
    expect(await Promise.all([1, 2, 3].map(n => runtime.send(Do, n, 'a/x')))).toEqual([1, 2, 3])
    await runtime.idle()
    expect(journal).toEqual([1, 2, 3, 'stop'])
  })
})

it('an agent is not unloaded while its own tick is at work', async () => {
  let end!: () => void
  const held = new Promise<void>(resolve => {
    end = resolve
  })
  const type = agent('a', { state: () => ({ n: 0 }), unloadAfter: 20, keepState: false })
    .every(10, async ctx => {
      ctx.state.n += 100
      await held
    })
    .on(Do, (n, ctx) => ctx.state.n + n)
  await withAgent(type, async runtime => {
    await runtime.send(Do, 1, 'a/x')
    await late(60) // past the time of the unloading
    const answer = runtime.send(Do, 1, 'a/x')
    await late(5)
    end()
    expect(await answer).toBeGreaterThan(100)
  })
})

it('a tick of a start that failed does not make the agent again', async () => {
  let starts = 0
  const type = agent('a').onStart(ctx => {
    starts++
    ctx.after(0, () => {})
    throw new Error('no')
  })
  await withAgent(
    type.on(Do, n => n),
    async runtime => {
      const got = outcome(runtime.get('a/x', { lazy: false }))
      expect(await got).toBe('ERR_RINGREEVE_AGENT_CREATION')
      await late(30)
      expect(starts).toBe(1)
      expect(await outcome(runtime.send(Do, 1, 'a/x'))).toBe('ERR_RINGREEVE_AGENT_CREATION')
      expect(starts).toBe(2)
    },
  )
})

it('an agent that is given up while its state is made has an onStart that knows it', async () => {
  let made!: () => void
  const slow = new Promise<void>(resolve => {
    made = resolve
  })
  const aborted: boolean[] = []
  const type = agent('a', { state: () => slow.then(() => 0) }).onStart(ctx => {
    aborted.push(ctx.signal.aborted)
  })
  await withAgent(
    type.on(Do, n => n),
    async runtime => {
      const first = outcome(runtime.send(Do, 1, 'a/x'))
      await late(5)
      const stopped = runtime.handle(type, 'x').stop({ drain: false, timeout: 5_000 })
      await late(5)
      made()
      await stopped
      expect(await first).toBe('ERR_RINGREEVE_STOPPED')
      expect(aborted).toEqual([true])
    },
  )
})

it('an error that is to stop the runtime does so, whoever had asked the agent to stop before', async () => {
  let fail!: () => void
  const failing = new Promise<never>((_, reject) => {
    fail = () => reject(new Error('the loop failed'))
  })
  let free!: () => void
  const busy = new Promise<void>(resolve => {
    free = resolve
  })
  const type = agent('a')
    .loop(() => failing, { onError: 'stop-runtime' })
    .on(Do, () => busy.then(() => 1))
  const runtime = await createRuntime({ threads: 0, agents: [type] })
  const over = outcome(runtime.run())
  const first = runtime.send(Do, 1, 'a/x')
  await late(5)
  const stopped = outcome(runtime.handle(type, 'x').stop())
  await late(5)
  fail()
  await late(5)
  free()
  expect([await first, await stopped]).toEqual([1, 'the loop failed'])
  expect(await over).toBe('the loop failed')
  await runtime.close()
})

it('a message that is stepped to begins in its step, however long its agent takes to be made', async () => {
  const done: number[] = []
  const type = agent('a')
    .onStart(() => late(10))
    .on(Do, n => done.push(n))
  const runtime = await createRuntime({ threads: 0, agents: [type], autoStart: false })
  const sent = [1, 2].map(n => runtime.send(Do, n, 'a/x'))
  expect(await runtime.processNext()).toBe(true)
  await sent[0]
  expect([done, runtime.unprocessedMessages]).toEqual([[1], 1])
  while (await runtime.processNext());
  await sent[1]
  expect(done).toEqual([1, 2])
  await runtime.close()
})

it('an error that is to stop the runtime does so, although onStop hangs and the agent is given up', async () => {
  let fail!: () => void
  const failing = new Promise<never>((_, reject) => {
    fail = () => reject(new Error('the loop failed'))
  })
  const type = agent('a')
    .loop(() => failing, { onError: 'stop-runtime' })
    .onStop(() => new Promise<void>(() => {}))
    .on(Do, n => n)
  const runtime = await createRuntime({ threads: 0, agents: [type] })
  const over = outcome(runtime.run())
  expect(await runtime.send(Do, 1, 'a/x')).toBe(1)
  fail()
  await late(5)
  expect(runtime.running).toBe(true) // it waits for onStop
  expect(await outcome(runtime.handle(type, 'x').stop({ drain: false, timeout: 20 }))).toBe('ERR_RINGREEVE_TIMEOUT')
  expect(await over).toMatch(/the loop failed; onStop of a\/x was still at work after/)
  await runtime.close({ timeout: 100 })
})
