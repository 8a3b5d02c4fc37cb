// The engines that every promise is tested on, and how a test opens one. A test that needs two loops to be apart says
// so by the keys it uses, never by the engine it runs on. Tests that share a runtime keep to keys that no other test of
// their file uses; one that stops, kills, counts, or registers what others would notice has a runtime of its own.
import { createRuntime, type Runtime, type RuntimeOptions } from 'ringreeve'
import { afterAll, describe } from 'vitest'

export interface Engine {
  readonly name: string
  readonly threads: number
}

/** `RINGREEVE_ENGINES='single loop,2 threads'` leaves it at some of them. */
const wanted = process.env.RINGREEVE_ENGINES?.split(',')

export const engines: readonly Engine[] = [
  { name: 'single loop', threads: 0 },
  { name: '1 thread', threads: 1 },
  { name: '2 threads', threads: 2 },
  { name: '4 threads', threads: 4 },
].filter(({ name }) => wanted === undefined || wanted.includes(name))

/** Of the engines that have any. */
export const threadCounts = engines.map(({ threads }) => threads).filter(threads => threads > 0)

export const kit = new URL('./kit.js', import.meta.url)

/** The runtimes that the tests of a file share. */
const runtimes = new Map<string, Promise<Runtime>>()

/** Runs the same tests on every engine. */
export function onEveryEngine(promise: string, tests: (engine: Engine) => void): void {
  afterAll(async () => {
    const all = [...runtimes.values()]
    runtimes.clear()
    await Promise.all(all.map(async runtime => (await runtime).close()))
  })
  for (const engine of engines) describe(`${promise} (${engine.name})`, () => tests(engine))
}

/** A runtime of that engine with the agents of the kit, the same for all tests of a file that ask for it. */
export function shared(
  engine: Engine,
  options: Pick<RuntimeOptions, 'agents' | 'interceptors' | 'restarts' | 'ringBytes'> = {},
): Promise<Runtime> {
  const name = `${engine.name} ${JSON.stringify(options)}`
  const runtime = runtimes.get(name) ?? open(engine, options)
  runtimes.set(name, runtime)
  return runtime
}

/** A shared runtime where these agents begin anew. */
export async function anew(runtime: Promise<Runtime>, agents: readonly string[]): Promise<Runtime> {
  const opened = await runtime
  await opened.idle() // two agents that wait for one another would each hold up the stop of the other
  await Promise.all(
    agents.map(agent => {
      const [type, key] = agent.split('/') as [string, string]
      return opened.handle({ type }, key).stop()
    }),
  )
  return opened
}

/** A runtime of that engine with the agents of the kit, for one test. */
export function open(engine: Engine, options: RuntimeOptions = {}): Promise<Runtime> {
  return createRuntime({ threads: engine.threads, agents: [kit], ...options })
}

/** The error of a promise that must reject. */
export async function failure(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise
  } catch (error) {
    return error as Error & Record<string, unknown>
  }
  throw new Error('it was fulfilled')
}

export const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** A word that test and agents share, whatever thread they are on. */
export function flag(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(8))
}

/** Waits until a shared word reaches a value. */
export async function reaches(word: Int32Array, value: number): Promise<void> {
  for (let i = 0; i < 10_000 && Atomics.load(word, 0) < value; i++) await sleep(1)
  if (Atomics.load(word, 0) < value) throw new Error(`the word is ${word[0]}, not ${value}`)
}
