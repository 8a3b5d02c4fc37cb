// What this machine itself allows: the same parsing and fingerprinting with no runtime at all, as plain functions, in
// one process, and in several processes that each do a share. No engine can be expected to beat that ratio.
//
//   node build/examples/census/limit.js [PATH] [PROCESSES]
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { seconds } from './text.js'
import { discover, type FileEntry, type Plan } from './tree.js'

export interface MachineLimit {
  readonly processes: number
  /** One process does all: ms of each pass. */
  readonly one: readonly number[]
  /** Each does a share: ms until the last is done, of each pass. */
  readonly shared: readonly number[]
  /** How many times as fast the shares are, of each pass. */
  readonly ratios: readonly number[]
}

const worker = new URL('./limit-share.js', import.meta.url)

/** Deals files, largest first, there and back again, so that the shares weigh the same. */
function deal(files: readonly FileEntry[], shares: number): FileEntry[][] {
  const dealt: FileEntry[][] = Array.from({ length: shares }, () => [])
  files.forEach((file, i) => {
    const at = i % (2 * shares)
    dealt[at < shares ? at : 2 * shares - 1 - at]!.push(file)
  })
  return dealt
}

/** Resolves with the child's next message; rejects if it ends instead. */
async function answer(child: ChildProcess): Promise<void> {
  const over = new AbortController()
  const ended = once(child, 'exit', { signal: over.signal }).then(([code]) => {
    throw new Error(`a process of the machine's limit ended with ${code}`)
  })
  try {
    await Promise.race([once(child, 'message', { signal: over.signal }), ended])
  } finally {
    over.abort()
    await ended.catch(() => undefined)
  }
}

async function time(root: string, shares: readonly (readonly FileEntry[])[], passes: number): Promise<number[]> {
  const children = shares.map(() => fork(fileURLToPath(worker)))
  const all = (message: (i: number) => object | string): Promise<unknown> =>
    Promise.all(
      children.map((child, i) => {
        child.send(message(i))
        return answer(child)
      }),
    )
  try {
    await all(i => ({ root, files: shares[i] }))
    // Every process has its files in memory by now: what is timed is computing alone.
    const times: number[] = []
    while (times.length < passes) {
      const began = performance.now()
      await all(() => 'go')
      times.push(performance.now() - began)
    }
    return times
  } finally {
    for (const child of children) child.kill()
  }
}

/** Measures the machine. @param passes as of the census: the first is cold in every process, the others are warm */
export async function machineLimit(plan: Plan, processes: number, passes: number): Promise<MachineLimit> {
  const one = await time(plan.root, [plan.files], passes)
  const shared = await time(plan.root, deal(plan.files, processes), passes)
  return { processes, one, shared, ratios: one.map((ms, i) => ms / shared[i]!) }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const plan = await discover(resolve(process.argv[2] ?? 'node_modules'))
  const { one, shared, ratios, processes } = await machineLimit(
    plan,
    Number(process.argv[3] ?? availableParallelism()),
    3,
  )
  one.forEach((ms, i) => {
    console.log(
      `pass ${i + 1}: one process ${seconds(ms)}, ${processes} processes ${seconds(shared[i]!)}: ${ratios[i]!.toFixed(2)}x`,
    )
  })
}
