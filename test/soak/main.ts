// The leak soak (`npm run soak`): many restarts of threads, then millions of messages. Prints memory, handles and threads
// as it goes, and fails if they grow beyond what is stated here. `node build/test/soak/main.js restarts 1000` or
// `… messages 1000000` does one of the two, as often as it says.
import { readFileSync } from 'node:fs'
import { createRuntime, type Runtime } from 'ringreeve'
import { Add, Added, End, Sum } from './agents.js'

const RESTARTS = 10_000
const MESSAGES = 10_000_000
/** What may be there at the end beyond what was there after a tenth of it: memory settles first. */
const GROWTH_MB = 100
const HEAP_MB = 16
const BATCH = 1_000
const agents = [new URL('./agents.js', import.meta.url)]

interface Sample {
  readonly done: number
  readonly rss: number
  readonly heap: number
  readonly shared: number
  readonly handles: number
  readonly threads: number
}

function sample(done: number): Sample {
  globalThis.gc?.()
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
  const handles = process.getActiveResourcesInfo().filter(kind => kind !== 'Immediate' && kind !== 'Timeout').length
  const threads = Number(/^Threads:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
  const mb = (bytes: number): number => Math.round(bytes / 1e6)
  return { done, rss: mb(rss), heap: mb(heapUsed), shared: mb(arrayBuffers), handles, threads }
}

/** Does it `times` times, looking ten times on the way. */
async function soak(
  what: string,
  times: number,
  step: number,
  runtime: Runtime,
  work: () => Promise<void>,
): Promise<boolean> {
  const started = performance.now()
  const samples: Sample[] = []
  for (let done = 0; done < times; ) {
    for (const next = Math.min(times, done + Math.ceil(times / 10)); done < next; done += step) await work()
    await runtime.idle() // also until threads that ended are replaced
    samples.push(sample(done))
    console.log(what, JSON.stringify(samples.at(-1)))
  }
  const [first, last] = [samples[0], samples.at(-1)] as [Sample, Sample]
  const seconds = (performance.now() - started) / 1_000
  console.log(what, `${times} in ${seconds.toFixed(0)} s, ${((seconds * 1_000_000) / times).toFixed(1)} µs each`)
  const grown = [
    last.rss - first.rss > GROWTH_MB && `rss ${first.rss} → ${last.rss} MB`,
    last.heap - first.heap > HEAP_MB && `heap ${first.heap} → ${last.heap} MB`,
    last.shared - first.shared > HEAP_MB && `shared memory ${first.shared} → ${last.shared} MB`,
    last.handles > first.handles && `handles ${first.handles} → ${last.handles}`,
    last.threads > first.threads && `threads ${first.threads} → ${last.threads}`,
  ].filter(Boolean)
  if (grown.length > 0) console.log(what, `LEAKS: ${grown.join('; ')}`)
  return grown.length === 0
}

async function restarts(times: number): Promise<boolean> {
  await using runtime = await createRuntime({
    threads: 2,
    agents,
    ringBytes: 65_536,
    restarts: { max: Number.MAX_SAFE_INTEGER, within: 1, backoff: { min: 0, max: 0 } },
  })
  let n = 0
  const restart = async (agent: string): Promise<void> => {
    const count = await runtime.send(Add, 1, agent)
    if (count !== n) throw new Error(`${agent} is at ${count} after ${n - 1} restarts`)
    const lost = await runtime.trySend(End, undefined, agent)
    if (lost.ok) throw new Error(`the thread of ${agent} did not end`)
  }
  return await soak('restarts', times, 2, runtime, async () => {
    n++
    await Promise.all([restart('one/x'), restart('other/x')])
  })
}

async function messages(times: number): Promise<boolean> {
  await using runtime = await createRuntime({ threads: 2, agents })
  let sent = 0
  const fine = await soak('messages', times, BATCH, runtime, async () => {
    const all: Promise<unknown>[] = []
    for (let i = 0; i < BATCH / 2; i++) {
      all.push(runtime.send(Add, 1, `adder/${i % 8}`))
      all.push(runtime.publish(Added, 1, { topic: `added/${i % 8}` }))
    }
    await Promise.all(all)
    sent += all.length
  })
  await runtime.idle()
  const sums = await Promise.all(Array.from({ length: 8 }, (_, key) => runtime.send(Sum, undefined, `adder/${key}`)))
  const handled = sums.reduce((sum, n) => sum + n, 0)
  console.log('messages', `${sent} sent, ${handled} handled`)
  return fine && handled === sent
}

const [what, times] = process.argv.slice(2)
const fine = [
  what === 'messages' || (await restarts(Number(times ?? RESTARTS))),
  what === 'restarts' || (await messages(Number(times ?? MESSAGES))),
]
process.exitCode = fine.every(Boolean) ? 0 : 1
