// An HTTP service whose heavy endpoint is an agent. The same service is put under the same load twice: once with its
// agents on the event loop, as if their code stood in the request handler, and once with them on threads. On threads
// the light endpoint stays fast, because the event loop has nothing to do but HTTP.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { serve } from '@hono/node-server'
import { createRuntime } from 'ringreeve'
import type { Latencies } from './load.js'
import { service } from './service.js'

const LOAD_MS = 3_000
const N = 300_000
const agents = [new URL('./agents.js', import.meta.url)]
const loadFile = fileURLToPath(new URL('./load.js', import.meta.url))

async function answer(child: ChildProcess): Promise<Latencies> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the load ended with ${code}`)
  })
  ended.catch(() => {}) // it always ends; only too early is an error
  const [measured] = await Promise.race([once(child, 'message'), ended])
  return measured as Latencies
}

async function underLoad(threads: number): Promise<Latencies> {
  await using runtime = await createRuntime({ threads, agents })
  const server = serve({ fetch: service(runtime).fetch, hostname: '127.0.0.1', port: 0 })
  try {
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return await answer(fork(loadFile, [`http://127.0.0.1:${port}`, String(N), String(LOAD_MS)]))
  } finally {
    server.close()
  }
}

function row(endpoint: string, latencies: number[]): string {
  latencies.sort((a, b) => a - b)
  const at = (share: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? Number.NaN
  const cells = [latencies.length, ...[at(0.5), at(0.99), at(1)].map(ms => ms.toFixed(1))]
  return `  ${endpoint.padEnd(8)}${cells.map(cell => String(cell).padStart(10)).join('')}`
}

function print(title: string, { light, heavy }: Latencies): void {
  console.log(`\n${title}`)
  console.log(
    `  ${'latency'.padEnd(8)}${['requests', 'p50 ms', 'p99 ms', 'max ms'].map(head => head.padStart(10)).join('')}`,
  )
  console.log(`${row('/light', light)}\n${row('/heavy', heavy)}`)
}

// One core is left for the event loop; the load generator needs some of it too.
const threads = Math.max(1, availableParallelism() - 1)
console.log(`Two clients on /heavy?n=${N}, one request to /light every 5 ms, for ${LOAD_MS / 1000} s each time.`)
print('Agents on the event loop (threads: 0)', await underLoad(0))
print(`Agents on ${threads === 1 ? 'a thread' : `${threads} threads`} (threads: ${threads})`, await underLoad(threads))
