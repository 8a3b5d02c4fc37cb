// Runtimes for the suites, and which keys live on which thread.
import { createRuntime, type Runtime } from 'ringreeve'
import { Where } from './agents.js'

const agents = new URL('./agents.js', import.meta.url)

export function engine(threads: number, ...more: URL[]): Promise<Runtime> {
  return createRuntime({ threads, agents: [agents, ...more] })
}

/** A runtime of two threads on which `caller/x` and `callee/x` are on different ones. */
export async function pair(): Promise<Runtime> {
  const runtime = await engine(2)
  const [one, other] = await Promise.all(['caller/x', 'callee/x'].map(id => runtime.send(Where, undefined, id)))
  if (one === other) throw new Error('the two agents of the pair are on the same thread')
  return runtime
}

/** `perThread` agents of a type for every thread, by thread: keys are spread by hash, so they are asked where they are. */
export async function spreadEvenly(runtime: Runtime, type: string, perThread: number): Promise<string[][]> {
  const byThread = new Map<number, string[]>()
  const loops = Math.max(1, runtime.threads)
  for (let n = 0; byThread.size < loops || [...byThread.values()].some(ids => ids.length < perThread); n++) {
    const id = `${type}/${n}`
    const thread = await runtime.send(Where, undefined, id)
    const ids = byThread.get(thread) ?? []
    byThread.set(thread, ids)
    if (ids.length < perThread) ids.push(id)
  }
  return [...byThread.values()]
}
