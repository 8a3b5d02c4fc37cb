// What this machine itself allows: the same parsing and fingerprinting with no runtime at all, as plain functions, in
// one process, and in several processes that each do a share. No engine can be expected to beat that ratio.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import type { FileEntry, Plan } from './tree.js'

export interface MachineLimit {
  readonly processes: number
  /** One process does all: ms of each pass. */
  readonly one: readonly number[]
  /** Each does a share: ms until the last is done, of each pass. */
  readonly shared: readonly number[]
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

/** Processes that each hold a share of the files. */
class Shares {
  readonly #children: readonly ChildProcess[]
  readonly #shares: readonly (readonly FileEntry[])[]

  constructor(shares: readonly (readonly FileEntry[])[]) {
    this.#shares = shares
    this.#children = shares.map(() => fork(fileURLToPath(worker)))
  }

  #all(message: (i: number) => object | string): Promise<unknown> {
    return Promise.all(
      this.#children.map((child, i) => {
        child.send(message(i))
        return answer(child)
      }),
    )
  }

  /** Every process has its files in memory then: what is timed is computing alone. */
  async load(root: string): Promise<void> {
    await this.#all(i => ({ root, files: this.#shares[i] }))
  }

  /** Measures all files once. Resolves with the ms that it took. */
  async pass(): Promise<number> {
    const began = performance.now()
    await this.#all(() => 'go')
    return performance.now() - began
  }

  end(): void {
    for (const child of this.#children) child.kill()
  }
}

/** What the machine allows, measured pass by pass, as an engine is: the first is cold in every process. */
export class Limit implements Disposable {
  readonly #one: Shares
  readonly #shared: Shares
  readonly #times: { readonly processes: number; readonly one: number[]; readonly shared: number[] }

  constructor(plan: Plan, processes: number) {
    this.#one = new Shares([plan.files])
    this.#shared = new Shares(deal(plan.files, processes))
    this.#times = { processes, one: [], shared: [] }
  }

  get measured(): MachineLimit {
    return this.#times
  }

  async load(root: string): Promise<void> {
    await Promise.all([this.#one.load(root), this.#shared.load(root)])
  }

  async pass(): Promise<void> {
    this.#times.one.push(await this.#one.pass())
    this.#times.shared.push(await this.#shared.pass())
  }

  [Symbol.dispose](): void {
    this.#one.end()
    this.#shared.end()
  }
}
