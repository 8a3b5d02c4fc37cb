// Promised: a thread whose heap fills up with what no agent holds gets a new life before it dies of it: no send fails,
// order and state are kept. One whose agents' state fills it cannot be helped, and dies of it (`heap`).
import { createRuntime, InvalidArgumentError, type LogEntry } from 'ringreeve'
import { describe, expect, it } from 'vitest'
import { failure, flag, reaches, threadCounts } from '../conformance/engines.js'
import * as leaky from './leaky.js'

const url = new URL('./leaky.js', import.meta.url)
const { Leak, Look, Relay, Noted, Attach, Odd, Once, Spin } = leaky
const KB = 256

async function open(threads: number, more = {}) {
  const log: LogEntry[] = []
  const runtime = await createRuntime({
    threads,
    agents: [url],
    resourceLimits: { maxOldGenerationSizeMb: 64 },
    log: entry => log.push(entry),
    ...more,
  })
  return { runtime, of: (event: LogEntry['event']) => log.filter(entry => entry.event === event) }
}

for (const threads of threadCounts) {
  describe(`recycling (${threads})`, () => {
    it('what leaks outside its state is recycled: no send fails, order and state are kept', async () => {
      const { runtime, of } = await open(threads)
      const answers: number[] = []
      for (let n = 0; n < 600; n += 8) {
        const some = Array.from({ length: 8 }, () => runtime.send(Leak, KB, 'leaky/x'))
        answers.push(...(await Promise.all(some)))
      }
      expect(answers).toEqual(Array.from({ length: 600 }, (_, n) => n + 1))
      let recycled: number
      let looked: { n: number; starts: number; stops: number; restarts: number }
      do {
        recycled = runtime.stats().recycled
        looked = await runtime.send(Look, undefined, 'leaky/x')
      } while (runtime.stats().recycled !== recycled) // the last leak may have had its thread recycled only now
      expect(recycled).toBeGreaterThanOrEqual(2)
      expect(runtime.stats().zombies).toBe(0)
      expect(of('crash')).toEqual([])
      expect(of('recycle').length).toBe(recycled)
      expect(of('recycle')[0]?.reason).toMatch(/^thread \d was recycled: of \d+ MB, \d+ MB are left; \d+ agents moved$/)
      const { n, starts, stops, restarts } = looked
      expect([n, starts, stops, restarts]).toEqual([600, recycled + 1, recycled, 0])
      expect((await runtime.saveState())['leaky/x']).toMatchObject({ n: 600 })
      await runtime.close()
    })

    it('also when none of its agents is there any more', async () => {
      const { runtime, of } = await open(threads)
      for (let n = 0; runtime.stats().recycled < 2; n++) await runtime.send(Once, KB * 4, `brief/${n}`)
      expect(of('crash')).toEqual([])
      await runtime.close()
    })

    it('nested calls, events, pauses and what agents do of themselves go on', async () => {
      const { runtime, of } = await open(threads)
      const keys = Array.from({ length: 8 }, (_, key) => `ticking/${key}`)
      for (const agent of keys) await runtime.get(agent, { lazy: false })
      const paused = runtime.handle(leaky.leaky, 'paused')
      await runtime.send(Look, undefined, 'leaky/paused')
      await paused.pause()
      let events = 0
      const last = new Map<string, number>()
      while (runtime.stats().recycled < 3) {
        const some = Array.from({ length: 8 }, async (_, key) => {
          events++
          const to = `leaky/${key}`
          const n = await runtime.send(Relay, { to, kb: KB }, `relay/${(key * 3) % 8}`)
          expect(n).toBe((last.get(to) ?? 0) + 1)
          last.set(to, n)
        })
        events++
        await Promise.all([...some, runtime.publish(Noted, 1, { topic: 'noted/quiet' })])
      }
      expect(of('crash')).toEqual([])
      await runtime.idle()
      expect((await runtime.send(Look, undefined, 'leaky/quiet')).n).toBe(events)
      const ticks = await Promise.all(keys.map(async agent => (await runtime.send(Look, undefined, agent)).ticks))
      let slow = true
      while (slow) {
        const now = await Promise.all(keys.map(async agent => (await runtime.send(Look, undefined, agent)).ticks))
        slow = now.some((n, key) => n <= (ticks[key] as number))
      }
      const held = runtime.send(Look, undefined, 'leaky/paused')
      let answered = false
      void held.then(() => {
        answered = true
      })
      await runtime.send(Look, undefined, 'leaky/quiet')
      expect(answered).toBe(false)
      await paused.resume()
      await held
      await runtime.close()
    })
  })
}

it('a turn that does not end: the thread is not recycled, and says so; nothing that waited is lost', async () => {
  const { runtime, of } = await open(1)
  const [begun, release] = [flag(), flag()]
  const turn = runtime.send(Attach, { begun, release }, 'relay/x')
  await reaches(begun, 1)
  let n = 0
  while (of('recycle').length === 0) expect(await runtime.send(Leak, n < 165 ? KB : 0, 'leaky/x')).toBe(++n)
  expect(of('recycle')[0]?.reason).toMatch(
    /has a full heap and was not recycled: 'attach' of relay\/x is still at work/,
  )
  Atomics.store(release, 0, 1)
  await turn
  expect(await runtime.send(Leak, 0, 'leaky/x')).toBe(n + 1)
  expect(runtime.stats().recycled).toBe(0)
  expect(of('crash')).toEqual([])
  await runtime.close()
})

it('another thread that does not come to its event loop keeps nobody from the agents of the full one', async () => {
  const { runtime, of } = await open(2)
  const [begun, release] = [flag(), flag()]
  const turn = runtime.send(Spin, { begun, release }, 'leaky/1')
  await reaches(begun, 1)
  let n = 0
  while (of('recycle').length === 0) expect(await runtime.send(Leak, n < 165 ? KB : 0, 'leaky/0')).toBe(++n)
  expect(of('recycle')[0]?.reason).toMatch(
    /^thread (\d) has a full heap and was not recycled: thread (?!\1)\d did not come back to its event loop$/,
  )
  Atomics.store(release, 0, 1)
  await turn
  expect(await runtime.send(Leak, 0, 'leaky/0')).toBe(n + 1)
  expect(of('crash')).toEqual([])
  await runtime.close()
})

it('an agent whose state is not plain data stays where it is, and so does the thread', async () => {
  const { runtime, of } = await open(1)
  await runtime.send(Odd, undefined, 'odd/x')
  let n = 0
  while (of('recycle').length === 0) expect(await runtime.send(Leak, n < 165 ? KB : 0, 'leaky/x')).toBe(++n)
  expect(of('recycle')[0]?.reason).toContain('the state of odd/x is not plain data')
  expect(await runtime.send(Leak, 0, 'leaky/x')).toBe(n + 1)
  await runtime.close()
})

it('a share that makes no sense is refused', async () => {
  for (const recycleAt of [-0.1, 1.1, Number.NaN]) {
    expect(await failure(createRuntime({ recycleAt }))).toBeInstanceOf(InvalidArgumentError)
  }
})
