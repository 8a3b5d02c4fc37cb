// Promised: a deadline counts what its thread ran, and what its turn waited for of its own accord; not time in which the process was
// suspended, nor that at a breakpoint; and nobody who waits is charged with what a neighbour computes.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Session } from 'node:inspector'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createRuntime, type LogEntry } from 'ringreeve'
import { afterAll, expect, it, vi } from 'vitest'
import { Pulse } from '#ringreeve/loop/base/pulse.js'
import { type CoreTime, countable } from '#ringreeve/sync/cpu.js'
import { failure } from '../conformance/engines.js'
import * as agents from './lost-time.js'

const url = new URL('./lost-time.js', import.meta.url)
vi.setConfig({ testTimeout: 60_000 }) // what computes gets little of a busy machine
afterAll(() => vi.resetConfig())

it.skipIf(process.platform === 'win32').each([0, 1, 2])(
  'a process that is suspended for three times the deadline, %i threads',
  async threads => {
    const child = fork(fileURLToPath(url), ['suspended', String(threads)])
    await once(child, 'message')
    child.kill('SIGSTOP')
    await sleep(3_000)
    child.kill('SIGCONT')
    const [said] = (await once(child, 'message')) as [{ outcomes: string[]; told: string[]; life: number }]
    const outcomes = ['waited', 'waited', ...(threads > 0 ? ['computed'] : [])]
    expect(said).toEqual({ outcomes, told: [], life: 1 })
  },
)

it('a turn that waits while a neighbour computes is charged with nothing', async () => {
  const crashes: string[] = []
  const log = ({ event, reason }: LogEntry) => {
    if (event === 'crash') crashes.push(String(reason))
  }
  await using runtime = await createRuntime({ threads: 1, agents: [url], log })
  for (let i = 0; i < 2; i++) {
    const asked = await runtime.trySend(agents.Ask, 300, 'boss/x')
    if (!asked.ok) expect(asked.error).toMatchObject({ code: 'ERR_RINGREEVE_DEADLINE' }) // by its own loop, if that comes by first
  }
  expect(await runtime.send(agents.Life, undefined, 'worker/x')).toBe(1)
  expect(crashes).toEqual([])
})

it('a handler that computes past its deadline is ended, also when another has waited longer', async () => {
  await using runtime = await createRuntime({ threads: 1, agents: [url] })
  const waits = failure(runtime.send(agents.Wait, 60_000, 'brief/waits'))
  expect((await failure(runtime.send(agents.Compute, 60_000, 'brief/computes'))).code).toBe('ERR_RINGREEVE_DEADLINE')
  expect((await waits).code).toMatch(/DEADLINE|THREAD_LOST/)
})

it.each(['starts', 'loops', 'state', 'when', 'stops'])('nor with what %s computes outside of handlers', async type => {
  const crashes: string[] = []
  const log = ({ event, reason }: LogEntry) => {
    if (event === 'crash') crashes.push(String(reason))
  }
  await using runtime = await createRuntime({ threads: 1, agents: [url], log })
  const waits = runtime.trySend(agents.Wait, 50, 'brief/x')
  await runtime.send(agents.Compute, 1, `${type}/x`)
  const waited = await waits
  if (!waited.ok) expect(waited.error).toMatchObject({ code: 'ERR_RINGREEVE_DEADLINE' }) // by its own loop
  await runtime.idle()
  expect(crashes).toEqual([])
})

it('a turn that computes for ever when its caller has its error already is ended all the same', async () => {
  await using runtime = await createRuntime({ threads: 1, agents: [url] })
  expect(await runtime.send(agents.Life, undefined, 'worker/x')).toBe(1)
  expect((await failure(runtime.send(agents.Wait, 200, 'endless/x'))).code).toBe('ERR_RINGREEVE_DEADLINE')
  await sleep(200) // by now it computes; whoever comes meanwhile is lost with its thread
  while (!(await runtime.trySend(agents.Compute, 1, 'worker/x')).ok) await sleep(50)
})

it.each([0, 1])(
  'what a handler answers when it was told that it is past its deadline is no answer, %i threads',
  async threads => {
    await using runtime = await createRuntime({ threads, agents: [threads > 0 ? url : agents.half] })
    for (let i = 0; i < 3; i++)
      expect((await failure(runtime.send(agents.Wait, 0, 'half/x'))).code).toBe('ERR_RINGREEVE_DEADLINE')
  },
)

it('a handler that stands at a breakpoint', async () => {
  const runtime = await createRuntime({ threads: 1, agents: [url] })
  const session = new Session()
  session.connect()
  let stood = 0
  session.on('NodeWorker.attachedToWorker', ({ params }) => {
    const { sessionId } = params as { sessionId: string }
    const say = (id: number, method: string): void =>
      session.post('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id, method }) })
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
      const { sessionId: from, message } = params as { sessionId: string; message: string }
      if (from !== sessionId || JSON.parse(message).method !== 'Debugger.paused') return
      stood++
      setTimeout(() => say(2, 'Debugger.resume'), 2_500)
    })
    say(1, 'Debugger.enable')
  })
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
  await sleep(300)
  try {
    expect(await runtime.send(agents.Stand, undefined, 'patient/stands')).toBe(1)
    expect(stood).toBe(1)
  } finally {
    session.disconnect()
    await runtime.close({ timeout: 500 })
  }
})

it('what counts of the time between two looks at a thread', () => {
  const core = (computed: number, waited: number, runnable: boolean): CoreTime => ({
    ran: 0,
    computed,
    waited,
    runnable,
  })
  const before = core(100, 10, true)
  expect(countable(25, 50, undefined, before)).toBe(25)
  expect(countable(3_000, 50, undefined, before)).toBe(50) // the watchdog did not run either
  expect(countable(25, 50, before, core(120, 10, true))).toBe(20)
  expect(countable(3_000, 50, before, core(110, 10, true))).toBe(10)
  expect(countable(3_000, 50, before, core(2_100, 10, true))).toBe(2_000) // the watchdog alone did not run
  expect(countable(25, 50, before, core(100, 30, false))).toBe(5)
  expect(countable(3_000, 50, before, core(100, 10, false))).toBe(50)
})

it('time is lost only while something is due, and only as far as the thread did not run', () => {
  let [now, ran, wanted, shown] = [0, 0, true, 0]
  const beats: (() => void)[] = []
  const clock = { now: () => now, after: (_: number, beat: () => void) => ({ cancel: () => {}, at: beats.push(beat) }) }
  const pulse = new Pulse(
    clock,
    () => ran,
    () => wanted,
    () => void shown++,
  )
  now = 5_000
  pulse.look()
  expect([pulse.lost, beats.length]).toEqual([0, 0])
  pulse.begin()
  pulse.begin()
  const beat = (ms: number, work: number): number => {
    now += ms
    ran += work
    beats.shift()?.()
    return pulse.lost
  }
  expect([beat(100, 0), beat(150, 0), beat(3_100, 2_990)]).toEqual([0, 0, 0]) // late as timers are, or for what it ran
  expect(beat(3_100, 20)).toBe(2_980)
  now += 2_100
  pulse.look()
  pulse.look()
  expect(pulse.lost).toBe(4_980)
  expect(beat(100, 0)).toBe(4_980)
  wanted = false
  expect([beat(100, 0), beats.length, shown]).toEqual([4_980, 0, 6])
  now += 9_000
  pulse.look()
  expect(pulse.lost).toBe(4_980)
})
