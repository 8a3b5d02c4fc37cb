// Promised: that a thread was given up is one truth, which `stats()`, `agents()`, `running`, `saveState()` and every send know: which
// thread, since when, why, and what helps; and when it was the last one, start() begins anew.
import { agent, createRuntime, type Runtime, request, ThreadLostError } from 'ringreeve'
import { describe, expect, it } from 'vitest'
import { failure } from '../conformance/engines.js'

const library = new URL('../../../dist/index.js', import.meta.url).href
const url = new URL(
  `data:text/javascript,${encodeURIComponent(`import { agent, request } from '${library}'
    export const keeper = agent('keeper', { state: () => ({ sum: 0 }), checkpoint: { everyMessages: 1 } })
      .on(request('add'), (n, ctx) => (ctx.state.sum += n))
    export const mortal = agent('mortal').on(request('die'), () => void setTimeout(() => process.exit(9), 1))`)}`,
)
const Add = request<number, number>('add')
const Die = request<null, void>('die')
const restarts = { max: 1, within: 60_000, backoff: { min: 1, max: 1 } }

/** Has every thread that hosts one of these keys end until it is given up. */
async function giveUp(runtime: Runtime, threads: number): Promise<void> {
  for (let key = 0; key < 1_000 && runtime.stats().givenUp.length < threads; key++) {
    await runtime.trySend(Die, null, `mortal/${key}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

for (const threads of [1, 2, 4]) {
  describe(`every thread is given up (${threads})`, () => {
    it('all say so, and start() begins anew', { timeout: 60_000 }, async () => {
      await using runtime = await createRuntime({ threads, agents: [url], restarts, log: () => {} })
      const begun = Date.now()
      for (let key = 0; key < 8; key++) await runtime.send(Add, 5, `keeper/${key}`)
      expect([runtime.running, runtime.stats().givenUp]).toEqual([true, []])
      await giveUp(runtime, threads)
      expect(runtime.running).toBe(false)
      const { givenUp, loops } = runtime.stats()
      expect(givenUp.map(({ thread }) => thread).sort()).toEqual(Array.from({ length: threads }, (_, n) => n + 1))
      for (const { since, why } of givenUp) {
        expect(since).toBeGreaterThanOrEqual(begun)
        expect(why).toContain('code 9')
        expect(why).toContain('stop() and start() of the runtime begin anew')
      }
      expect(loops.map(({ alive }) => alive)).toEqual([true, ...Array.from({ length: threads }, () => false)])
      expect(runtime.agents().map(one => one.loops)).toEqual([[], []])
      const error = await failure(runtime.send(Add, 1, 'keeper/1'))
      expect(error).toBeInstanceOf(ThreadLostError)
      expect(error).toMatchObject({ maybeExecuted: false, retryable: false })
      for (const one of [error, await failure(runtime.get('keeper/1', { lazy: false }))]) {
        expect(one.message).toMatch(/thread \d.*code 9.*given up: stop\(\) and start\(\) of the runtime begin anew/)
      }
      await runtime.idle()
      const snapshot = await runtime.saveState()
      expect(snapshot['keeper/7']).toEqual({ sum: 5 })
      await runtime.start()
      expect([runtime.running, runtime.stats().givenUp]).toEqual([true, []])
      await runtime.loadState(snapshot)
      expect(await runtime.send(Add, 1, 'keeper/7')).toBe(6)
    })

    it('but the agents of the calling loop go on', { timeout: 60_000 }, async () => {
      const here = agent('here').on(Add, n => n)
      await using runtime = await createRuntime({ threads, agents: [url, here], restarts, log: () => {} })
      await giveUp(runtime, threads)
      expect(runtime.running).toBe(true)
      expect(await runtime.send(Add, 1, 'here/x')).toBe(1)
    })
  })
}
