// Promised: what is slow is told of; what hangs is ended; a thread that does not go is left behind and counted; too many
// of those and the runtime fails in good order; and a machine that is busy with something else is not a dead thread.
import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { createRuntime, type LogEntry, StoppedError } from 'ringreeve'
import { expect, it } from 'vitest'
import { failure } from '../conformance/engines.js'
import { pipe } from './fifo.js'
import * as slow from './slow.js'

const url = new URL('./slow.js', import.meta.url)

async function withLog(more = {}) {
  const log: LogEntry[] = []
  const runtime = await createRuntime({ threads: 2, agents: [url], log: entry => log.push(entry), ...more })
  return { runtime, of: (event: LogEntry['event']) => log.filter(entry => entry.event === event) }
}

it('a turn past its soft deadline is told of while it waits, with agent, message and age', async () => {
  const { runtime, of } = await withLog()
  await runtime.send(slow.Wait, 150, 'leisurely/x', { messageId: 'w1' })
  await runtime.idle()
  expect(of('slow')).toMatchObject([{ agent: 'leisurely/x', message: 'wait', messageId: 'w1' }])
  expect(of('slow')[0]?.reason).toMatch(/^it has taken \d+ ms so far; its soft deadline is 50 ms$/)
  await runtime.send(slow.Wait, 1, 'leisurely/x')
  expect(of('slow').length).toBe(1)
  await runtime.close()
})

it('also while it computes and its own loop cannot tell', async () => {
  const { runtime, of } = await withLog()
  const burning = runtime.send(slow.Burn, 900, 'leisurely/x', { messageId: 'b1' })
  let told = 0
  while (told === 0 && (await Promise.race([burning.then(() => false), tick()]))) told = of('slow').length
  expect(told).toBe(1)
  expect(of('slow')[0]).toMatchObject({ agent: 'leisurely/x', message: 'burn', messageId: 'b1' })
  await burning
  const withStack = () => of('slow').find(({ stack }) => stack !== undefined)
  while (withStack() === undefined) await runtime.send(slow.Burn, 900, 'leisurely/x') // on a busy machine it may have taken too long
  expect(withStack()?.stack).toMatch(/at burn \(file:.*\/slow\.js:\d+:\d+\)/)
  expect(withStack()?.stack).not.toContain('/dist/')
  await runtime.close()
})

it('inside a native call too, without a stack; it goes on unharmed', async () => {
  const { runtime, of } = await withLog()
  // again if the watchdog, on a busy machine, had no time while it lasted
  while (of('slow').length === 0) expect(await runtime.send(slow.Crunch, undefined, 'leisurely/x')).toHaveLength(128)
  expect(of('slow')[0]).toMatchObject({ agent: 'leisurely/x', message: 'crunch' })
  expect(await runtime.send(slow.Wait, 1, 'leisurely/x')).toBe(undefined)
  await runtime.close()
})

it('a thread that does not come back to its loop is told of, without any deadline', async () => {
  const { runtime, of } = await withLog()
  let turns = 0
  // on a busy machine it computes less, or is told of only when the next has begun
  while (of('slow').length === 0) await runtime.send(slow.Burn, 2_000, 'unwatched/x').then(() => turns++)
  const reasons = of('slow').map(entry => entry.reason)
  expect(reasons.length).toBeLessThanOrEqual(turns)
  for (const reason of reasons) {
    expect(reason).toMatch(/^thread \d has not come back to its event loop for \d+ ms; .*'burn' of unwatched\/x$/)
  }
  await runtime.close()
})

it('a slow machine is not a dead thread: all cores are stolen and no thread is ended', {
  timeout: 60_000,
}, async () => {
  const rounds = calibrate(25)
  const { runtime, of } = await withLog()
  for (let n = 0; n < 40; n++) await runtime.send(slow.Work, rounds >> 4, 'steady/a') // compiled, while there are cores to do it
  const thieves = Array.from({ length: 4 * availableParallelism() }, thief)
  try {
    await Promise.all(thieves.map(one => new Promise(resolve => one.stdout?.once('data', resolve))))
    const started = performance.now()
    for (let n = 0; n < 12; n++) {
      await Promise.all(['steady/a', 'steady/b'].map(agent => runtime.send(slow.Work, rounds, agent)))
    }
    const each = (performance.now() - started) / 12
    expect(each).toBeGreaterThan(60) // else nothing was stolen and nothing is shown
  } finally {
    for (const one of thieves) one.kill('SIGKILL')
  }
  expect(of('crash')).toEqual([])
  await runtime.close()
})

it('threads that do not go are left behind, counted and told of; too many and the runtime fails in good order', {
  timeout: 60_000,
}, async () => {
  using fifo = pipe()
  const { runtime, of } = await withLog({ maxZombies: 1 })
  const ran = failure(runtime.run())
  const first = await failure(runtime.send(slow.Native, fifo.path, 'stuck/a'))
  expect(first.code).toBe('ERR_RINGREEVE_DEADLINE')
  expect(runtime.stats().zombies).toBe(1)
  expect(of('crash').at(-1)?.reason).toContain('left behind as a zombie')
  expect(await runtime.send(slow.Ping, undefined, 'unwatched/x')).toBe('pong')
  const waits = failure(runtime.send(slow.Native, fifo.path, 'stuck/a'))
  expect((await waits).code).toMatch(/DEADLINE|STOPPED/)
  while (runtime.running) await tick()
  const after = await failure(runtime.send(slow.Ping, undefined, 'unwatched/x'))
  expect(after).toBeInstanceOf(StoppedError)
  expect(after.message).toMatch(/^the runtime failed: 2 threads are inside native calls/)
  await runtime.stop()
  const ended = await ran
  expect(ended).toBeInstanceOf(StoppedError)
  expect(ended.message).toMatch(/^the runtime failed: 2 threads/)
  expect(after.cause).toBe(ended)
  expect((await failure(runtime.idle())).message).toContain('because it failed')
  await runtime.close()
})

function tick(): Promise<boolean> {
  return new Promise(resolve => setTimeout(resolve, 5, true))
}

/** Rounds of work that take `ms` on an idle core: by the fastest of many short times, since other tests run beside. */
function calibrate(ms: number): number {
  const rounds = 100_000
  let fastest = Number.POSITIVE_INFINITY
  let x = 1
  for (let n = 0; n < 400; n++) {
    const started = performance.now()
    for (let i = 0; i < rounds; i++) x = Math.imul(x, 1664525) + 1013904223
    fastest = Math.min(fastest, performance.now() - started)
  }
  return x === 0 ? 0 : Math.round((ms / fastest) * rounds)
}

function thief(): ChildProcess {
  return spawn(process.execPath, ['-e', 'process.stdout.write("x"); setImmediate(() => { for (;;); })'])
}
