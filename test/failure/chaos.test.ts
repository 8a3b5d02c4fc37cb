// Chaos: mixed traffic while threads are killed, stalled and starved at random, from a seed that is printed. At the end
// the books balance: every future settled once; what was answered is in a ledger once and in order; what failed with
// `maybeExecuted: false` is not; nothing is in a ledger that nobody was told of. `SEED=n` repeats a run;
// `RINGREEVE_CHAOS=120` makes it 120 seconds (`npm run chaos`).
import { spawn } from 'node:child_process'
import { createRuntime, RingreeveError, type Runtime, ThreadLostError } from 'ringreeve'
import { expect, it } from 'vitest'
import * as chaos from './chaos-agents.js'

const seconds = Number(process.env.RINGREEVE_CHAOS ?? 6)
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
const LEDGERS = 12
const IN_FLIGHT = 400
const EXPECTED = ['THREAD_LOST', 'CANCELLED', 'DEADLINE', 'OVERLOADED'].map(name => `ERR_RINGREEVE_${name}`)

/** What became of each number that a ledger was given. */
type Outcome = 'answered' | 'maybe' | 'not run'

class Books {
  readonly ledgers = Array.from({ length: LEDGERS }, () => [] as (Outcome | undefined)[])
  sent = 0
  answered = 0
  failed = new Map<string, number>()
  readonly unexpected: unknown[] = []

  async settle(promise: Promise<unknown>): Promise<Outcome> {
    this.sent++
    try {
      await promise
      this.answered++
      return 'answered'
    } catch (thrown) {
      const error = thrown instanceof AggregateError ? thrown.errors[0] : thrown
      const code = error instanceof RingreeveError ? error.code : 'unexpected'
      this.failed.set(code, (this.failed.get(code) ?? 0) + 1)
      if (!EXPECTED.includes(code)) this.unexpected.push(error)
      return error instanceof ThreadLostError && !error.maybeExecuted ? 'not run' : 'maybe'
    }
  }
}

function generator(from: number): () => number {
  let state = from | 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return (state >>> 0) / 2 ** 32
  }
}

function traffic(runtime: Runtime, books: Books, random: () => number): Promise<unknown> {
  const pick = (n: number): number => Math.floor(random() * n)
  const size = random() < 0.02 ? 60_000 + pick(400_000) : pick(500)
  switch (pick(7)) {
    case 0:
      return books.settle(runtime.send(chaos.Mirror, { text: 'x'.repeat(size), list: [1, 2] }, `worker/${pick(20)}`))
    case 1:
      return books.settle(
        runtime.send(chaos.Through, { to: `worker/${pick(20)}`, payload: size }, `worker/${pick(20)}`),
      )
    case 2: {
      const signal = AbortSignal.timeout(1 + pick(10))
      return books.settle(runtime.send(chaos.Wait, pick(12), `worker/${pick(20)}`, { signal }))
    }
    default: {
      const key = pick(LEDGERS)
      const ledger = books.ledgers[key] as (Outcome | undefined)[]
      const n = ledger.push(undefined) - 1
      const sent =
        random() < 0.7
          ? runtime.send(chaos.Enter, n, `ledger/${key}`)
          : runtime.publish(chaos.Told, n, { topic: `ledger/${key}`, until: 'handled' })
      return books.settle(sent).then(outcome => {
        if (ledger[n] !== undefined) throw new Error(`number ${n} of ledger ${key} was settled twice`)
        ledger[n] = outcome
      })
    }
  }
}

async function trouble(runtime: Runtime, books: Books, random: () => number): Promise<void> {
  const chance = random()
  if (chance < 0.7) {
    const how = ['exit', 'throw', 'reject', 'spin'][Math.floor(random() * 4)] as string
    await books.settle(runtime.send(chaos.Die, how, `killer/${Math.floor(random() * 8)}`))
  } else if (chance < 0.85) {
    await books.settle(runtime.send(chaos.Burn, 300 * random(), `worker/${Math.floor(random() * 20)}`))
  } else {
    const thieves = Array.from({ length: 2 }, () => spawn(process.execPath, ['-e', 'for (;;);']))
    await new Promise(resolve => setTimeout(resolve, 400 * random()))
    for (const thief of thieves) thief.kill('SIGKILL')
  }
}

it(`chaos for ${seconds} s, seed ${seed}`, { timeout: seconds * 1_000 + 120_000 }, async () => {
  process.stdout.write(`chaos: SEED=${seed}\n`)
  const random = generator(seed)
  const runtime = await createRuntime({
    threads: 2,
    agents: [new URL('./chaos-agents.js', import.meta.url)],
    ringBytes: 65_536,
    restarts: { max: 1_000, within: 1_000, backoff: { min: 1, max: 20 } },
  })
  const books = new Books()
  const open = new Set<Promise<unknown>>()
  const keep = (promise: Promise<unknown>): void => {
    open.add(promise)
    void promise.finally(() => open.delete(promise))
  }
  const end = performance.now() + seconds * 1_000
  let nextTrouble = performance.now() + 300
  let early = 0
  while (performance.now() < end) {
    while (open.size >= IN_FLIGHT) await Promise.race(open)
    for (let n = 0; n < 20; n++) keep(traffic(runtime, books, random))
    if (performance.now() > nextTrouble) {
      keep(trouble(runtime, books, random))
      nextTrouble = performance.now() + 100 + 500 * random()
    }
    if (random() < 0.3) await new Promise(resolve => setTimeout(resolve, 2 * random()))
    if (early === 0 && end - performance.now() < seconds * 600) early = process.memoryUsage.rss()
  }
  await Promise.all(open)
  await runtime.idle()

  expect(books.unexpected).toEqual([])
  const failed = [...books.failed.values()].reduce((sum, n) => sum + n, 0)
  expect(books.answered + failed).toBe(books.sent)
  expect(books.failed.get('ERR_RINGREEVE_THREAD_LOST')).toBeGreaterThan(0)
  for (const [key, outcomes] of books.ledgers.entries()) {
    const { bits, wrong } = await runtime.send(chaos.Open, undefined, `ledger/${key}`)
    expect(wrong).toBe(0)
    for (const [n, outcome] of outcomes.entries()) {
      const there = ((bits[n >> 3] ?? 0) & (1 << (n & 7))) !== 0
      if (there ? outcome === 'not run' : outcome === 'answered') {
        throw new Error(`ledger ${key} ${there ? 'has' : 'does not have'} number ${n}, which was ${outcome}`)
      }
      expect(outcome).toBeDefined()
    }
  }
  const { loops, zombies } = runtime.stats()
  expect(loops.map(loop => [loop.alive, loop.queued, loop.running])).toEqual(loops.map(() => [true, 0, 0]))
  expect(zombies).toBe(0)
  const grown = process.memoryUsage.rss() - early
  if (seconds > 60) expect(grown).toBeLessThan(200e6)
  const counted = `${books.sent} sent, ${books.answered} answered, ${JSON.stringify([...books.failed])}`
  process.stdout.write(`chaos: ${counted}, ${(grown / 1e6).toFixed(0)} MB more\n`)
  await runtime.close()
})
