// Where the numbers come from: without this they mean nothing.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, release, type as system, totalmem } from 'node:os'
import { dirname, join } from 'node:path'

const packages = [
  '@msgpack/msgpack',
  'cbor-x',
  'comlink',
  'msgpackr',
  'piscina',
  'poolifier',
  'tinybench',
  'tinypool',
  'workerpool',
]

/** The folder of this package, wherever the compiled bench lies. */
export const root = dirname(createRequire(import.meta.url).resolve('ringreeve/package.json'))

export interface Machine {
  readonly date: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly node: string
  readonly v8: string
  readonly packages: Readonly<Record<string, string>>
}

async function version(folder: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  return String((manifest as { version?: unknown }).version)
}

export async function machine(): Promise<Machine> {
  const versions = packages.map(async name => [name, await version(join(root, 'node_modules', name))] as const)
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${system()} ${release()}`,
    node: process.version,
    v8: process.versions.v8,
    packages: { ringreeve: await version(root), ...Object.fromEntries(await Promise.all(versions)) },
  }
}

export function describe(on: Machine): string[] {
  const versions = Object.entries(on.packages).map(([name, version]) => `${name} ${version}`)
  return [
    `${on.cpu}, ${on.cores} core${on.cores === 1 ? '' : 's'}, ${on.memoryGb} GB, ${on.system}`,
    `Node ${on.node} (V8 ${on.v8}), ${versions.join(', ')}`,
    on.date,
  ]
}

/**
 * Begins to watch what other processes take of the cores: the more they take, the less the numbers mean.
 * @returns tells their share since then, from 0 to 1
 */
export function watchOthers(): () => number {
  const own = process.cpuUsage()
  const [busyBefore, allBefore] = coreTimes()
  return () => {
    const { user, system } = process.cpuUsage(own)
    const [busy, all] = coreTimes()
    const others = busy - busyBefore - (user + system) / 1000
    return Math.max(0, others) / Math.max(1, all - allBefore)
  }
}

/** Milliseconds that all cores have been at work, and that they have been there, since the machine was started. */
function coreTimes(): [busy: number, all: number] {
  let all = 0
  let idle = 0
  for (const { times } of cpus()) {
    all += times.user + times.nice + times.sys + times.irq + times.idle
    idle += times.idle
  }
  return [all - idle, all]
}
