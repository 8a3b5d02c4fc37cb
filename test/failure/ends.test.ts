// Promised: stop() returns, whatever else is going on; and what was started leaves nothing behind.
// `RINGREEVE_CHAOS=1` makes it a thousand rounds.
import { readFileSync } from 'node:fs'
import { createRuntime, StoppedError } from 'ringreeve'
import { describe, expect, it } from 'vitest'
import { failure, flag, kit as kitUrl, onEveryEngine, open, reaches } from '../conformance/engines.js'
import * as kit from '../conformance/kit.js'

const long = process.env.RINGREEVE_CHAOS !== undefined
const threadsNow = (): number => Number(/^Threads:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])

function resources(): string[] {
  const all = process.getActiveResourcesInfo()
  return all.filter(kind => kind !== 'Immediate' && kind !== 'Timeout').sort()
}

onEveryEngine('stop', engine => {
  it('during start: the runtime starts, then stops; both promises settle', async () => {
    const runtime = await open(engine)
    await runtime.stop()
    const started = runtime.start()
    const again = runtime.start()
    const stopped = runtime.stop()
    await Promise.all([started, again, stopped])
    expect(runtime.running).toBe(false)
    await runtime.start()
    expect(await runtime.send(kit.Echo, 1, 'echo/x')).toBe(1)
    const closing = runtime.close()
    await Promise.all([closing, runtime.close()])
    expect(await failure(runtime.start())).toBeInstanceOf(StoppedError)
  })

  it('during stop: all of them settle; start during stop waits for it', async () => {
    const runtime = await open(engine)
    const slow = runtime.send(kit.Slow, { ms: 30, answer: 1 }, 'echo/x')
    const stops = [runtime.stop(), runtime.stop({ drain: false }), runtime.stop()]
    const started = runtime.start()
    expect(await slow).toBe(1)
    await Promise.all([...stops, started])
    expect(runtime.running).toBe(true)
    expect(await runtime.send(kit.Echo, 2, 'echo/x')).toBe(2)
    await runtime.close()
  })
})

for (const threads of [1, 2]) {
  describe(`stop during a crash (${threads})`, () => {
    for (const how of ['exit', 'throw', 'spin']) {
      it(`${how}: it returns, and every send settles`, async () => {
        for (let wait = 0; wait < 3; wait++) {
          const runtime = await createRuntime({ threads, agents: [kitUrl] })
          const begun = flag()
          const sends = [
            failure(runtime.send(kit.End, { how, begun }, 'mortal/x')),
            ...Array.from({ length: 8 }, (_, n) =>
              runtime.send(kit.Slow, { ms: 20, answer: n }, `echo/${n}`).catch(() => {}),
            ),
          ]
          await reaches(begun, 1)
          for (let n = 0; n < wait * 2; n++) await new Promise(resolve => setImmediate(resolve))
          await runtime.close({ timeout: 100, drain: wait % 2 === 0 })
          await Promise.all(sends)
          expect(runtime.running).toBe(false)
        }
      })
    }
  })
}

it(`${long ? 1_000 : 12} starts and stops leave no thread, port or handle`, { timeout: 600_000 }, async () => {
  const round = async (n: number): Promise<void> => {
    const runtime = await createRuntime({ threads: 1 + (n % 2), agents: [kitUrl], ringBytes: 65_536 })
    const sent = runtime.send(kit.Slow, { ms: 20, answer: 1 }, 'echo/x').catch(() => {})
    if (n % 3 === 0) await sent
    if (n % 5 === 0) await failure(runtime.send(kit.End, { how: 'exit' }, 'mortal/x'))
    await runtime.close({ drain: n % 2 === 0 })
    await sent
  }
  await round(0)
  const before = { resources: resources(), threads: threadsNow() }
  let early = 0
  const rounds = long ? 1_000 : 12
  for (let n = 0; n < rounds; n++) {
    await round(n)
    if (n === rounds >> 2) early = process.memoryUsage.rss()
  }
  expect(resources()).toEqual(before.resources)
  expect(threadsNow()).toBeLessThanOrEqual(before.threads)
  const grown = process.memoryUsage.rss() - early
  if (long) process.stdout.write(`ends: ${(grown / 1e6).toFixed(0)} MB more after ${rounds} rounds\n`)
  if (long) expect(grown).toBeLessThan(150e6)
})
