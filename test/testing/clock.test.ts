// Promised: everything that waits in a loop goes by its clock, and a test can drive it.
import { agent, createRuntime, request } from 'ringreeve'
import { TestClock } from 'ringreeve/testing'
import { expect, it } from 'vitest'
import { failure } from '../conformance/engines.js'

const Nap = request<{ ms: number }, string>('nap')
const Times = request<void, string[]>('times')

const clock = new TestClock()
const times = () => ({ times: [] as string[] })

it('intervals keep their beat, also when a tick takes longer', async () => {
  const clock = new TestClock()
  const seen: string[] = []
  const beating = agent('beating')
    .every(100, async ctx => {
      seen.push(`begin ${clock.now()}`)
      if (seen.length === 1) await ctx.sleep(250)
      seen.push(`end ${clock.now()}`)
    })
    .every(
      70,
      () => {
        seen.push(`late ${clock.now()}`)
      },
      { immediate: false },
    )
    .on(Times, () => seen)
  await using runtime = await createRuntime({ threads: 0, clock, agents: [beating] })
  await runtime.get('beating/x', { lazy: false })
  await clock.advance(400)
  expect(seen).toEqual([
    'begin 0',
    'end 250', // the ticks of 100 and 200 were left out; the other interval waited for this turn
    'late 250',
    'late 280',
    'begin 300',
    'end 300',
    'late 350',
    'begin 400',
    'end 400',
  ])
})

it('alarms go off in the order of their times, each at its own time', async () => {
  const clock = new TestClock()
  const seen: string[] = []
  for (const ms of [30, 10, 20, 10]) clock.after(ms, () => seen.push(`${ms} at ${clock.now()}`))
  clock.after(15, () => seen.push('never')).cancel()
  clock.after(5, () => clock.after(5, () => seen.push(`nested at ${clock.now()}`)))
  await clock.advance(25)
  expect(seen).toEqual(['10 at 10', '10 at 10', 'nested at 10', '20 at 20'])
  expect([clock.now(), clock.pending]).toEqual([25, 1])
  expect((await failure(clock.advance(-1))).message).toContain('got -1')
})

it('deadlines, time limits and sleeps go by it', async () => {
  const napper = agent('napper', { deadline: 1_000, concurrency: 'interleaved', state: times }).on(
    Nap,
    async ({ ms }, ctx) => {
      await ctx.sleep(ms)
      return `after ${clock.now()}`
    },
  )
  await using runtime = await createRuntime({ threads: 0, clock, agents: [napper] })
  const short = runtime.send(Nap, { ms: 500 }, 'napper/x')
  const long = runtime.trySend(Nap, { ms: 60_000 }, 'napper/x')
  const limited = runtime.trySend(Nap, { ms: 900 }, 'napper/x', { timeout: 800 })
  await clock.advance(700)
  expect(await short).toBe('after 500')
  await clock.advance(200)
  expect(((await limited).error as { code: string }).code).toBe('ERR_RINGREEVE_TIMEOUT')
  await clock.advance(200)
  expect(((await long).error as { code: string }).code).toBe('ERR_RINGREEVE_DEADLINE')
  await runtime.close()
  expect(clock.pending).toBe(0)
})

it('unloading goes by it: by the last message, not by ticks', async () => {
  const clock = new TestClock()
  const log: string[] = []
  const idle = agent('idle', { state: () => ({ n: 0 }), unloadAfter: 1_000 })
    .onStart(() => void log.push(`start ${clock.now()}`))
    .every(300, () => {})
    .on(Times, (_, ctx) => [`${++ctx.state.n}`])
    .onStop(() => void log.push(`stop ${clock.now()}`))
  await using runtime = await createRuntime({ threads: 0, clock, agents: [idle] })
  expect(await runtime.send(Times, undefined, 'idle/x')).toEqual(['1'])
  await clock.advance(900)
  expect(await runtime.send(Times, undefined, 'idle/x')).toEqual(['2'])
  await clock.advance(5_000)
  expect(log).toEqual(['start 0', 'stop 1900'])
  expect(clock.pending).toBe(0)
  expect(await runtime.send(Times, undefined, 'idle/x')).toEqual(['3'])
  expect(log).toEqual(['start 0', 'stop 1900', 'start 5900'])
})

it('a single loop can be stepped, message by message', async () => {
  const clock = new TestClock()
  const steps = agent('steps', { state: times })
    .on(Nap, ({ ms }, ctx) => {
      ctx.state.times.push(`${ms}`)
      ctx.after(100, later => void later.state.times.push(`timer ${clock.now()}`))
      return ''
    })
    .on(Times, (_, ctx) => ctx.state.times)
  await using runtime = await createRuntime({ threads: 0, clock, autoStart: false, agents: [steps] })
  const handle = runtime.handle(steps, 'x')
  const sent = [handle.send(Nap, { ms: 1 }), handle.send(Nap, { ms: 2 })]
  expect(await runtime.processNext()).toBe(true)
  expect(await handle.saveState()).toEqual({ times: ['1'] })
  await clock.advance(100) // the tick is queued, behind the second message
  expect(runtime.unprocessedMessages).toBe(2)
  expect([await runtime.processNext(), await runtime.processNext(), await runtime.processNext()]).toEqual([
    true,
    true,
    false,
  ])
  expect(await handle.saveState()).toEqual({ times: ['1', '2', 'timer 100'] })
  await Promise.all(sent)
})

it('is for the single loop only', async () => {
  expect((await failure(createRuntime({ threads: 1, clock }))).message).toContain('threads: 0')
})

it('never goes back, whoever else moves it meanwhile', async () => {
  const clock = new TestClock()
  await Promise.all([clock.advance(1_000), clock.advance(10)])
  expect(clock.now()).toBe(1_000)
})
