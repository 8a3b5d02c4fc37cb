// The runtime against a reference of ten lines: any order of sends, events, subscriptions, stops, pauses, snapshots,
// restarts and ends of threads leaves every agent with the list that the reference has, whether what was sent is waited
// for or still on its way when the next command comes. `RINGREEVE_MODEL=100` makes it
// a hundred runs per engine; a run that fails prints its commands and the seed that repeats it.
import fc from 'fast-check'
import {
  type AgentDefinition,
  createRuntime,
  type Runtime,
  type Snapshot,
  StoppedError,
  ThreadLostError,
} from 'ringreeve'
import { expect, it } from 'vitest'
import { failure, onEveryEngine } from './engines.js'
import { Crash, List, left, Put, right, Told } from './modelled.js'

const runs = Number(process.env.RINGREEVE_MODEL ?? 3)
const types = { left, right } as const
type Type = keyof typeof types
const keys = ['a', 'b', 'c', 'd']
const agents = (Object.keys(types) as Type[]).flatMap(type => keys.map(key => `${type}/${key}`))

/** The reference: what each agent that exists has on its list. */
class Reference {
  lists = new Map<string, number[]>()
  readonly hears = new Set<Type>()
  readonly paused = new Set<string>()
  /** How often each agent was stopped without what waited for it. */
  readonly drops = new Map<string, number>()
  /** How often something was done that a snapshot does not wait behind. */
  disturbances = 0
  saved: readonly (readonly [string, number[]])[] | undefined
  look(agent: string): number[] {
    const list = this.lists.get(agent) ?? []
    this.lists.set(agent, list)
    return list
  }
  put(agent: string, n: number): number {
    this.lists.set(agent, [...this.look(agent), n])
    return this.look(agent).length
  }
  save(): void {
    this.saved = [...this.lists]
  }
  load(): void {
    for (const [agent, list] of this.saved ?? []) this.lists.set(agent, list)
  }
}

/** The runtime, with what the test keeps of it. */
interface Real {
  readonly runtime: Runtime
  readonly subscriptions: Map<Type, string>
  saved: Snapshot | undefined
  /** Of what was sent without waiting for it: whether it had the outcome that it must have. */
  readonly checks: Promise<void>[]
  /** What is sent while one of these is at work waits for it, and a drop does not wait for what was sent. */
  readonly saves: Promise<unknown>[]
}

/** What is done to both; `may` says when it makes sense. */
class Step implements fc.AsyncCommand<Reference, Real> {
  readonly #text: string
  readonly #may: (reference: Reference) => boolean
  readonly run: (reference: Reference, real: Real) => Promise<void>
  /** @param may as a rule no agent may be paused: what is waited for would not come */
  constructor(text: string, run: Step['run'], may: (reference: Reference) => boolean = () => true, anyTime = false) {
    this.#text = text
    this.#may = reference => (anyTime || reference.paused.size === 0) && may(reference)
    this.run = run
  }
  check = (reference: Readonly<Reference>): boolean => this.#may(reference)
  toString = (): string => this.#text
}

/** What makes sense while agents are paused too. */
class Later extends Step {
  constructor(text: string, run: Step['run'], may?: (reference: Reference) => boolean) {
    super(text, run, may, true)
  }
}

const agentOf = fc.constantFrom(...agents)
const typeOf = fc.constantFrom<Type>('left', 'right')
const keyOf = fc.constantFrom(...keys)
const numbers = fc.array(fc.nat(99), { minLength: 1, maxLength: 40 })

function handle(runtime: Runtime, agent: string) {
  const [type, key] = agent.split('/') as [Type, string]
  return runtime.handle(types[type] as AgentDefinition<unknown, typeof Put>, key)
}

const statesOf = (reference: Reference): Record<string, unknown> =>
  Object.fromEntries([...reference.lists].map(([agent, list]) => [agent, { list }]))

function statesIn({ version: _, types: __, ...states }: Snapshot): Record<string, unknown> {
  return states
}

function put(reference: Reference, runtime: Runtime, agent: string, ns: readonly number[]): () => Promise<void> {
  const sent = Promise.all(ns.map(n => runtime.send(Put, n, agent)))
  const lengths = ns.map(n => reference.put(agent, n))
  return async () => expect(await sent).toEqual(lengths)
}

/** Sends without waiting. What is on its way when its agent is dropped may be refused. */
async function putLater(reference: Reference, runtime: Runtime, agent: string, ns: readonly number[]): Promise<void> {
  const drops = reference.drops.get(agent)
  const sent = ns.map(n => runtime.trySend(Put, n, agent))
  const lengths = ns.map(n => reference.put(agent, n))
  for (const [i, result] of (await Promise.all(sent)).entries()) {
    if (result.ok) expect(result.value).toBe(lengths[i])
    else expect([result.error, reference.drops.get(agent) !== drops]).toEqual([expect.any(StoppedError), true])
  }
}

/** Publishes without waiting. That it is accepted by an agent that is dropped meanwhile cannot be said. */
async function publishLater(
  reference: Reference,
  runtime: Runtime,
  key: string,
  n: number,
  hearers: readonly string[],
): Promise<void> {
  const drops = () => hearers.map(agent => reference.drops.get(agent) ?? 0).join()
  const before = drops()
  try {
    await runtime.publish(Told, n, { topic: `told/${key}` })
  } catch (error) {
    expect([error, drops() !== before]).toEqual([expect.any(StoppedError), true])
  }
}

const steps = (threads: number) => [
  fc
    .tuple(agentOf, numbers)
    .map(
      ([agent, ns]) =>
        new Step(`send ${ns} to ${agent}`, async (reference, { runtime }) => put(reference, runtime, agent, ns)()),
    ),
  fc.tuple(agentOf, numbers).map(
    ([agent, ns]) =>
      new Later(`send ${ns} to ${agent}, not waiting`, async (reference, { runtime, checks }) => {
        checks.push(putLater(reference, runtime, agent, ns))
      }),
  ),
  fc.tuple(keyOf, numbers).map(
    ([key, ns]) =>
      new Later(`publish ${ns} to told/${key}, not waiting`, async (reference, { runtime, checks }) => {
        const hearers = [...reference.hears].map(type => `${type}/${key}`)
        for (const n of ns) checks.push(publishLater(reference, runtime, key, n, hearers))
        for (const agent of hearers) for (const n of ns) reference.put(agent, n)
      }),
  ),
  agentOf.map(
    agent =>
      new Later(`drop ${agent}`, async (reference, { runtime, saves }) => {
        await Promise.all(saves)
        reference.drops.set(agent, (reference.drops.get(agent) ?? 0) + 1)
        await handle(runtime, agent).stop({ drain: false })
        reference.lists.delete(agent)
        reference.paused.delete(agent)
      }),
  ),
  agentOf.map(
    agent =>
      new Later(`stop ${agent}, not waiting`, async (reference, { runtime, checks }) => {
        checks.push(handle(runtime, agent).stop())
        reference.lists.delete(agent)
        reference.paused.delete(agent)
      }),
  ),
  agentOf.map(
    agent =>
      new Later(`pause ${agent}`, async (reference, { runtime }) => {
        reference.disturbances++
        await handle(runtime, agent).pause()
        reference.paused.add(agent)
      }),
  ),
  agentOf.map(
    agent =>
      new Later(`resume ${agent}`, async (reference, { runtime }) => {
        await handle(runtime, agent).resume()
        reference.paused.delete(agent)
      }),
  ),
  fc.tuple(keyOf, numbers, fc.boolean()).map(
    ([key, ns, waits]) =>
      new Step(`publish ${ns} to told/${key}${waits ? ', handled' : ''}`, async (reference, { runtime }) => {
        const until = waits ? 'handled' : 'accepted'
        await Promise.all(ns.map(n => runtime.publish(Told, n, { topic: `told/${key}`, until })))
        if (!waits) await runtime.idle()
        for (const type of reference.hears) for (const n of ns) reference.put(`${type}/${key}`, n)
      }),
  ),
  typeOf.map(
    type =>
      new Later(
        `subscribe ${type}`,
        async (reference, { runtime, subscriptions }) => {
          subscriptions.set(type, (await runtime.subscribe({ agent: type, topic: 'told' })).id)
          reference.hears.add(type)
        },
        reference => !reference.hears.has(type),
      ),
  ),
  typeOf.map(
    type =>
      new Later(
        `unsubscribe ${type}`,
        async (reference, { runtime, subscriptions }) => {
          await runtime.unsubscribe(subscriptions.get(type) as string)
          reference.hears.delete(type)
        },
        reference => reference.hears.has(type),
      ),
  ),
  fc.tuple(agentOf, numbers).map(
    ([agent, ns]) =>
      new Step(`send ${ns} to ${agent} and stop it`, async (reference, { runtime }) => {
        const answered = put(reference, runtime, agent, ns)
        await handle(runtime, agent).stop()
        await answered()
        reference.lists.delete(agent)
      }),
  ),
  fc.tuple(agentOf, numbers).map(
    ([agent, ns]) =>
      new Step(`pause ${agent}, send it ${ns}, resume`, async (reference, { runtime }) => {
        reference.disturbances++
        const paused = handle(runtime, agent)
        await paused.pause()
        let settled = false
        const answered = put(reference, runtime, agent, ns)
        const done = answered().finally(() => {
          settled = true
        })
        const other = agent === 'left/a' ? 'right/a' : 'left/a'
        expect(await runtime.send(List, undefined, other)).toEqual(reference.look(other))
        expect(settled).toBe(false)
        await paused.resume()
        await done
      }),
  ),
  fc.constant(
    new Step('save', async (reference, real) => {
      real.saved = await real.runtime.saveState()
      reference.save()
      expect(statesIn(real.saved)).toEqual(statesOf(reference))
    }),
  ),
  fc.constant(
    new Step('save, not waiting', async (reference, { runtime, checks, saves }) => {
      const expected = statesOf(reference)
      const { disturbances } = reference
      const saving = runtime.saveState({ timeout: 3_000 }) // a paused agent may keep it from being quiet
      saves.push(saving.catch(() => {}))
      const check = async () => {
        try {
          const states = statesIn(await saving)
          if (reference.disturbances === disturbances) expect(states).toEqual(expected)
        } catch (error) {
          if (reference.disturbances === disturbances) throw error
        }
      }
      checks.push(check())
    }),
  ),
  fc.constant(
    new Step(
      'load',
      async (reference, { runtime, saved }) => {
        await runtime.loadState(saved as Snapshot)
        reference.load()
      },
      reference => reference.saved !== undefined,
    ),
  ),
  fc.constant(
    new Step('stop and start', async (reference, { runtime }) => {
      reference.disturbances++
      await runtime.stop()
      await runtime.start()
      reference.lists.clear()
    }),
  ),
  fc.tuple(agentOf, numbers).map(
    ([agent, ns]) =>
      new Step(
        `send ${ns} to ${agent} and end its thread`,
        async (reference, { runtime }) => {
          reference.disturbances++
          await put(reference, runtime, agent, ns)()
          await runtime.idle() // or what is on its way to others there is lost
          expect(await failure(runtime.send(Crash, undefined, agent))).toBeInstanceOf(ThreadLostError)
        },
        () => threads > 0,
      ),
  ),
]

onEveryEngine('any order of commands ends as the reference says', ({ threads }) => {
  it(`${runs} runs`, { timeout: 120_000 + runs * 10_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(steps(threads), { maxCommands: 40, size: 'max' }), async commands => {
        const runtime = await createRuntime({
          threads,
          agents: [new URL('./modelled.js', import.meta.url)],
          restarts: { max: 1_000, within: 1_000, backoff: { min: 0, max: 0 } },
        })
        const reference = new Reference()
        try {
          const real: Real = { runtime, subscriptions: new Map(), saved: undefined, checks: [], saves: [] }
          await fc.asyncModelRun(() => ({ model: reference, real }), commands)
          for (const agent of reference.paused) await handle(runtime, agent).resume()
          for (const agent of agents) {
            expect(await runtime.send(List, undefined, agent)).toEqual(reference.look(agent))
          }
          await Promise.all(real.checks)
          await runtime.idle()
        } finally {
          await runtime.close()
        }
      }),
      { numRuns: runs, endOnFailure: true },
    )
  })
})
