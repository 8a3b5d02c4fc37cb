// The load, in a process of its own: two clients that ask the heavy endpoint again and again, and one light request
// every five milliseconds, whatever became of the one before. Sends what it measured to the process that forked it.
import { setTimeout as sleep } from 'node:timers/promises'

export interface Latencies {
  readonly light: number[]
  readonly heavy: number[]
}

const HEAVY_CLIENTS = 2
const LIGHT_EVERY_MS = 5

async function latency(url: string): Promise<number> {
  const began = performance.now()
  const response = await fetch(url)
  await response.text()
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return performance.now() - began
}

const [origin, n, ms] = process.argv.slice(2) as [string, string, string]
await Promise.all([latency(`${origin}/light`), latency(`${origin}/heavy?n=${n}`)]) // connections, and code made hot

const measured: Latencies = { light: [], heavy: [] }
const end = performance.now() + Number(ms)

async function heavyClient(): Promise<void> {
  while (performance.now() < end) measured.heavy.push(await latency(`${origin}/heavy?n=${n}`))
}

async function lightClient(): Promise<void> {
  const open: Promise<void>[] = []
  while (performance.now() < end) {
    open.push(latency(`${origin}/light`).then(one => void measured.light.push(one)))
    await sleep(LIGHT_EVERY_MS)
  }
  await Promise.all(open)
}

await Promise.all([lightClient(), ...Array.from({ length: HEAVY_CLIENTS }, heavyClient)])
process.send?.(measured, () => process.disconnect())
