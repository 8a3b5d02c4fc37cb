// A process of its own for the cost suite, so that what it takes is its own. It does what its arguments say and sends
// the numbers to its parent. Started with --expose-gc.
import { setTimeout as sleep } from 'node:timers/promises'
import { agent, createRuntime, request } from 'ringreeve'
import { Where } from './agents.js'
import { engine, spreadEvenly } from './engines.js'

/** What is measured, by the first argument. */
export interface Costs {
  agents: { bytes: number; resident: number; perSecond: number }
  threads: { ms: number; resident: number }
  idle: { cpu: number }
}

const Touch = request<void, void>('touch')
const AT_ONCE = 1_000

async function agents(n: number): Promise<Costs['agents']> {
  const idler = agent('idler').on(Touch, () => {})
  await using runtime = await createRuntime({ threads: 0, agents: [idler] })
  await runtime.send(Touch, undefined, 'idler/first')
  const before = memory()
  const began = performance.now()
  for (let i = 0; i < n; i += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, n - i) }, (_, k) =>
      runtime.send(Touch, undefined, `idler/${i + k}`),
    )
    await Promise.all(some)
  }
  const perSecond = n / ((performance.now() - began) / 1_000)
  const after = memory()
  return { bytes: (after.used - before.used) / n, resident: (after.rss - before.rss) / n, perSecond }
}

async function threads(n: number): Promise<Costs['threads']> {
  const before = memory()
  const began = performance.now()
  await using runtime = await engine(n)
  await runtime.send(Where, undefined, 'worker/first')
  const ms = performance.now() - began
  await spreadEvenly(runtime, 'worker', 1) // each thread has answered
  return { ms, resident: memory().rss - before.rss }
}

const QUIET_MS = 1_500
const WATCHED_MS = 2_000

async function idle(n: number, wait: 'poll' | 'park'): Promise<Costs['idle']> {
  await using runtime = await createRuntime({ threads: n, wait, agents: [new URL('./agents.js', import.meta.url)] })
  for (const [id] of await spreadEvenly(runtime, 'worker', 1)) await runtime.send(Where, undefined, id!)
  await sleep(QUIET_MS)
  const before = process.cpuUsage()
  await sleep(WATCHED_MS)
  const { user, system } = process.cpuUsage(before)
  return { cpu: (user + system) / 1_000 / WATCHED_MS }
}

function memory(): { used: number; rss: number } {
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { used: heapUsed + external, rss }
}

const [what, n, wait] = process.argv.slice(2)
const measure =
  what === 'agents' ? agents(Number(n)) : what === 'threads' ? threads(Number(n)) : idle(Number(n), wait as 'poll')
process.send?.(await measure)
process.disconnect?.()
