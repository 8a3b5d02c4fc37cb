// The executor zoo: one row per way to die. In each the caller is told, once, what happened, on which thread, to which
// agent, whether the handler may have run and whether a retry is safe; and the next message finds a living thread.
// `ZOO=1 npx vitest run build/test/failure/zoo.test.js` prints the table of docs/failure.md.
import { createRuntime } from 'ringreeve'
import { afterAll, expect, it } from 'vitest'
import { failure, flag } from '../conformance/engines.js'
import { pipe } from './fifo.js'
import * as zoo from './zoo.js'

interface Row {
  readonly how: string
  /** `mortal`, or `hurried`, whose turns have a deadline of 100 ms. */
  readonly agent: 'mortal' | 'hurried'
  readonly code: string | undefined
  readonly says: RegExp
}
const LOST = 'ERR_RINGREEVE_THREAD_LOST'
const LATE = 'ERR_RINGREEVE_DEADLINE'
const rows: readonly Row[] = [
  { how: 'throw', agent: 'mortal', code: undefined, says: /^thrown by the handler$/ },
  { how: 'reject', agent: 'mortal', code: undefined, says: /^rejected by the handler$/ },
  { how: 'uncaught', agent: 'mortal', code: LOST, says: /Error: thrown in a timer/ },
  { how: 'unhandled', agent: 'mortal', code: LOST, says: /Error: rejected in a timer/ },
  { how: 'exit', agent: 'mortal', code: LOST, says: /it exited with code 3/ },
  { how: 'exit hook that spins', agent: 'hurried', code: LATE, says: /past its deadline without yielding/ },
  { how: 'swallowed exception', agent: 'mortal', code: LOST, says: /Error: thrown and swallowed/ },
  { how: 'swallowed rejection', agent: 'mortal', code: LOST, says: /Error: rejected and swallowed/ },
  { how: 'infinite loop', agent: 'hurried', code: LATE, says: /past its deadline without yielding/ },
  { how: 'pbkdf2Sync', agent: 'hurried', code: LATE, says: /past its deadline without yielding/ },
  { how: 'FIFO read', agent: 'hurried', code: LATE, says: /past its deadline without yielding/ },
  { how: 'JSON.parse', agent: 'hurried', code: LATE, says: /past its deadline without yielding/ },
]

const measured: string[] = []
afterAll(() => {
  if (process.env.ZOO) process.stdout.write(`${measured.join('\n')}\n`)
})

for (const { how, agent, code, says } of rows) {
  it(`${how}: the caller is told, and the next message is answered`, async () => {
    await using runtime = await createRuntime({
      threads: 2,
      agents: [new URL('./zoo.js', import.meta.url)],
    })
    using fifo = pipe() // let go of before the runtime is closed
    const begun = flag()
    await runtime.send(zoo.Hello, undefined, `${agent}/x`)
    const started = performance.now()
    const error = await failure(runtime.send(zoo.Die, { how, begun, fifo: fifo.path }, `${agent}/x`))
    const told = performance.now() - started
    expect(await runtime.send(zoo.Hello, undefined, `${agent}/x`)).toBe(1)
    const back = performance.now() - started
    await runtime.idle()
    expect(begun[0]).toBe(1)
    expect(error.code).toBe(code)
    expect(error.message).toMatch(says)
    if (code !== undefined) expect(error).toMatchObject({ agent: `${agent}/x`, messageType: 'die' })
    if (code !== undefined) expect(error.thread).toBeGreaterThan(0)
    if (code === LOST) {
      expect(error).toMatchObject({ maybeExecuted: true, retryable: false })
      expect(error.message).toContain(`the handler of 'die' at ${agent}/x may have run`)
    }
    measured.push(`| ${how} | ${error.name} | ${told.toFixed(0)} | ${back.toFixed(0)} |`)
  })
}

it('terminate in mid-write: the reader has a prefix of what was written, in order and whole', async () => {
  await using runtime = await createRuntime({
    threads: 2,
    agents: [new URL('./zoo.js', import.meta.url)],
    restarts: { max: 100, within: 1_000 },
  })
  const readers = runtime.agents().find(one => one.type === 'reader')?.loops[0] as number
  for (let key = 0; key < 6; key++) {
    await runtime.idle() // also until both are joined again: a writer that never yields would not hear of it
    const error = await failure(runtime.send(zoo.Die, { how: '', begun: flag() }, `writer/${key}`))
    expect(error.code).toBe(LATE)
    if (error.thread === readers) continue // both died together: nothing was written across
    const numbers = await runtime.send(zoo.Read, undefined, 'reader/x')
    expect(numbers.length).toBeGreaterThan(0)
    const last = numbers.slice(numbers.lastIndexOf(0))
    expect(last).toEqual(last.map((_, n) => n))
  }
  await runtime.idle()
})
