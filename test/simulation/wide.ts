// What the application does in a wide run beside what it does in any: it pauses and resumes, stops, lets agents be
// unloaded, has them do something of themselves, registers and subscribes, saves states and loads them. Whoever
// pauses an agent has it for itself until it has resumed it.
import type { Snapshot } from 'ringreeve'
import type { LocalRuntime } from '#ringreeve/coordinator/runtime.js'
import { Enter, Told } from './agents.js'
import type { Books, Sending } from './books.js'
import { type Diary, KNOWN, SWIMMERS } from './diary.js'
import { codeOf, type SimMachine } from './executor.js'
import { Arm, Cry, LATE_MODULE, lateAgentOf, WHEN_STOPPED } from './wide-agents.js'
import type { World } from './world.js'

const KEYS = 4
const STOPPABLE = ['sleeper', 'guest', 'pulse', 'ticker']
const PAUSABLE = [...STOPPABLE, 'flaky', 'fickle', 'napper', 'dozer']
/** Longer than any start, stop or turn here takes. */
const PATIENCE_MS = 2_000

/** What wide actions work on. */
export interface Wider {
  readonly world: World
  readonly books: Books
  readonly diary: Diary
  readonly machine: SimMachine
  readonly runtime: LocalRuntime
  /** Does something some time from now. */
  readonly at: (ms: number, work: () => Promise<unknown>) => Promise<void>
}

/** The wide actions of one run. */
export class Wide {
  /** Whether sends of the application may have waited for a save. */
  saved = false
  #stopping = false
  readonly #of: Wider
  readonly #below: (limit: number) => number
  /** Agents, sources and subscriptions that somebody has for itself. */
  readonly #taken = new Set<string>()
  /** By agent: how many stops of it have begun, and have not ended. */
  readonly #stops = new Map<string, { times: number; running: number }>()
  #snapshot: Snapshot | undefined

  constructor(of: Wider) {
    this.#of = of
    this.#below = of.world.below
  }

  /** Does something. */
  act(): Promise<unknown> {
    const chance = this.#below(100)
    if (chance < 18) return this.#enter(this.#pick(['sleeper', 'guest']))
    if (chance < 30) return this.#nap()
    if (chance < 36) return this.#unsteady()
    if (chance < 46) return this.#enter(this.#pick(['pulse', 'ticker']))
    if (chance < 52) return this.#arm()
    if (chance < 64) return this.#pause()
    if (chance < 72) return this.#stop()
    if (chance < 78) return this.#swim()
    if (chance < 86) return this.#tide()
    if (chance < 89) return this.#register()
    if (chance < 94) return this.#late()
    if (chance < 97) return this.#save()
    return this.#load()
  }

  /** The runtime is about to stop: what is paused is resumed by that. */
  stops(): void {
    this.#stopping = true
    this.#of.diary.resumedAll()
  }

  /** Ends what agents do of themselves, once the timers that were set have fired: they have to. */
  async calm(): Promise<void> {
    const { diary, at } = this.#of
    for (let most = 200; diary.pending.length > 0 && most > 0; most--) await at(2, async () => {})
    diary.checkFired()
    const agents = ['pulse', 'ticker'].flatMap(type => Array.from({ length: KEYS }, (_, key) => `${type}/${key}`))
    await Promise.all(agents.map(agent => this.#stopAgent(agent, true)))
  }

  #pick<T>(all: readonly T[]): T {
    return all[this.#below(all.length)] as T
  }

  /** Whether to have something for oneself; `false` if somebody has it. */
  #take(what: string): boolean {
    if (this.#taken.has(what)) return false
    this.#taken.add(what)
    return true
  }

  /** Has an error be one of those that may come; what else it is is written down. */
  #may(what: string, codes: readonly string[]): (error: unknown) => void {
    return error => {
      if (!['THREAD_LOST', 'STOPPED', 'AGENT_FAILED', ...codes].includes(codeOf(error)))
        this.#of.books.wrong.push(`${what} failed: ${String(error)}`)
    }
  }

  #send(agent: string, more: Partial<Sending>): Promise<unknown> {
    const { books, runtime } = this.#of
    return books.send({ what: 'enter', recipients: [agent], ...more }, n => runtime.send(Enter, { n }, agent))
  }

  #enter(type: string): Promise<unknown> {
    return this.#send(`${type}/${this.#below(KEYS)}`, { may: [...WHEN_STOPPED, 'AGENT_CREATION'] })
  }

  /** Messages with pauses about as long as it takes until the agent is unloaded. */
  async #nap(): Promise<void> {
    const agent = `${this.#pick(['napper', 'dozer'])}/${this.#below(KEYS)}`
    const all: Promise<unknown>[] = []
    for (let more = 1 + this.#below(4); more > 0; more--) {
      const sent = this.#send(agent, {})
      sent.catch(() => {}) // it may fail before anybody waits for it
      all.push(sent)
      if (this.#below(2) === 0) await sent.catch(() => {})
      await this.#of.at(this.#below(9), async () => {})
    }
    await Promise.allSettled(all)
  }

  /** To an agent whose first starts fail. */
  async #unsteady(): Promise<unknown> {
    const agent = `${this.#pick(['flaky', 'fickle'])}/${this.#below(KEYS)}`
    const send = async (): Promise<unknown> => {
      for (let tries = 1; ; tries++) {
        try {
          return await this.#send(agent, { may: [...WHEN_STOPPED, 'AGENT_CREATION'] })
        } catch (error) {
          if (codeOf(error) !== 'AGENT_CREATION' || this.#stopping) return
          if (tries < 5) continue
          this.#of.books.wrong.push(`${agent} cannot be made, although it can`)
          return
        }
      }
    }
    const all: Promise<unknown>[] = []
    for (let more = 1 + this.#below(8); more > 0; more--) {
      all.push(send())
      await null // one comes at each moment of the start and of its failure
    }
    return Promise.all(all)
  }

  #arm(): Promise<unknown> {
    const { books, runtime } = this.#of
    const agent = `${this.#pick(['pulse', 'ticker'])}/${this.#below(KEYS)}`
    const ms = this.#below(2) === 0 ? this.#below(12) : 20 + this.#below(25) // beyond its `unloadAfter`
    return books.send({ what: 'arm', recipients: [agent], may: WHEN_STOPPED }, n => runtime.send(Arm, { n, ms }, agent))
  }

  // ---- pausing and stopping ---------------------------------------------------------------------------------------

  async #pause(): Promise<void> {
    const { diary, machine, runtime, at } = this.#of
    const [type, key] = [this.#pick(PAUSABLE), `${this.#below(KEYS)}`]
    const agent = `${type}/${key}`
    if (!this.#take(agent)) return
    const handle = runtime.handle({ type }, key)
    const { crashes } = machine
    const stops = this.#stopsOf(agent)
    const { times } = stops
    try {
      await handle.pause()
      // whoever stops it resumes it: before this pause or after it, nobody can say
      const stopped = stops.running > 0 || stops.times > times
      if (crashes === machine.crashes && !stopped && !this.#stopping) diary.paused(agent)
    } catch (error) {
      this.#may(`pause of ${agent}`, [])(error)
    }
    await at(this.#below(15), async () => {})
    diary.resumed(agent)
    for (let tries = 3; tries > 0; tries--) {
      const failed = await handle.resume().then(
        () => false,
        error => {
          this.#may(`resume of ${agent}`, [])(error)
          return codeOf(error) === 'THREAD_LOST'
        },
      )
      if (!failed) break
    }
    this.#taken.delete(agent)
  }

  #stop(): Promise<unknown> {
    const agent = `${this.#pick(STOPPABLE)}/${this.#below(KEYS)}`
    return this.#stopAgent(agent, this.#below(2) === 0)
  }

  #stopsOf(agent: string): { times: number; running: number } {
    const stops = this.#stops.get(agent) ?? { times: 0, running: 0 }
    this.#stops.set(agent, stops)
    return stops
  }

  /** @param drain whether what waits for it comes first */
  #stopAgent(agent: string, drain: boolean): Promise<unknown> {
    const { diary, runtime } = this.#of
    const [type, key] = agent.split('/') as [string, string]
    const stops = this.#stopsOf(agent)
    stops.times++
    stops.running++
    diary.resumed(agent)
    return runtime
      .handle({ type }, key)
      .stop({ drain, timeout: PATIENCE_MS })
      .catch(this.#may(`stop of ${agent}`, []))
      .finally(() => {
        stops.running--
        diary.resumed(agent)
      })
  }

  // ---- topics and types -------------------------------------------------------------------------------------------

  /** Subscribes a type of agent to the tide, or ends that. */
  async #swim(): Promise<void> {
    const { diary, runtime } = this.#of
    const type = this.#pick(SWIMMERS)
    if ((this.#stopping && KNOWN.subscribedWhileStopping) || !this.#take(`tide ${type}`)) return
    const on = diary.swims.has(type)
    diary.swims.set(type, 'changing')
    const id = `tide ${type}`
    const how = this.#below(2) === 0 ? { topic: 'tide' } : { prefix: 'ti' }
    try {
      if (on) await runtime.unsubscribe(id)
      else await runtime.subscribe({ id, agent: type, ...how })
      if (on) diary.swims.delete(type)
      else diary.swims.set(type, 'on')
      this.#taken.delete(`tide ${type}`)
    } catch (error) {
      this.#may(`the subscription of ${type}`, [])(error) // and what is in force now nobody can say
    }
  }

  #tide(): Promise<unknown> {
    const { books, diary, runtime } = this.#of
    const key = `${this.#below(KEYS)}`
    const wait = this.#below(2) === 0
    if (this.#below(3) > 0)
      return books.send({ what: 'told', waited: wait, ...diary.hearers(key) }, n =>
        runtime.publish(Told, { n }, { topic: `tide/${key}`, until: wait ? 'handled' : 'accepted' }),
      )
    const agent = `${this.#pick(['sleeper', 'guest'])}/${this.#below(KEYS)}`
    return books.send({ what: 'cry', recipients: [agent], may: [...WHEN_STOPPED, 'AGENT_CREATION'] }, n =>
      runtime.send(Cry, { n, key, wait }, agent),
    )
  }

  async #register(): Promise<void> {
    const { books, diary, runtime } = this.#of
    const type = this.#pick(['fresh', 'extra'])
    if (!this.#take(type)) return
    try {
      const types = await runtime.register(type === 'fresh' ? LATE_MODULE : lateAgentOf(books, undefined))
      if (types.join() !== type) books.wrong.push(`${type} was registered as ${types}`)
      diary.registered.add(type)
    } catch (error) {
      this.#may(`registering ${type}`, [])(error)
      this.#taken.delete(type) // it may be tried again
    }
  }

  /** To agents that are perhaps registered. */
  #late(): Promise<unknown> {
    const { books, diary, runtime } = this.#of
    const key = this.#below(KEYS)
    const types = ['fresh', 'extra']
    if (this.#below(2) === 0) {
      const type = this.#pick(types)
      return this.#send(`${type}/${key}`, { may: diary.registered.has(type) ? [] : ['UNKNOWN_AGENT'] })
    }
    const waited = this.#below(2) === 0
    const recipients = types.map(type => `${type}/${key}`)
    const must = recipients.filter((_, i) => diary.registered.has(types[i] as string))
    return books.send({ what: 'told', recipients, must, waited }, n =>
      runtime.publish(Told, { n }, { topic: `late/${key}`, until: waited ? 'handled' : 'accepted' }),
    )
  }

  // ---- states -----------------------------------------------------------------------------------------------------

  async #save(): Promise<void> {
    const { diary, runtime } = this.#of
    const answered = diary.answered()
    this.saved = true
    try {
      this.#snapshot = await runtime.saveState({ timeout: 10 + this.#below(30) })
      diary.checkSaved(plain(this.#snapshot), answered)
    } catch (error) {
      this.#may('saving', ['TIMEOUT'])(error)
    }
  }

  /** Loads what was saved last, and saves again at once: nothing of the application's comes between. */
  async #load(): Promise<void> {
    const { books, diary, machine, runtime } = this.#of
    if (this.#snapshot === undefined || !this.#take('load')) return this.#save()
    const snapshot = this.#snapshot
    const { crashes } = machine
    diary.loading = { states: plain(snapshot), from: books.entries.length }
    const before = runtime.saveState({ timeout: PATIENCE_MS })
    before.catch(() => {})
    const loading = runtime.loadState(snapshot).finally(() => {
      diary.loaded()
      diary.loading = undefined
    })
    const saving = runtime.saveState({ timeout: PATIENCE_MS })
    const [loaded, saved] = await Promise.allSettled([loading, saving])
    if (loaded.status === 'rejected') this.#may('loading', ['AGENT_CREATION', 'TIMEOUT'])(loaded.reason)
    if (saved.status === 'rejected') this.#may('saving after it', ['TIMEOUT'])(saved.reason)
    if (saved.status === 'fulfilled' && crashes === machine.crashes) {
      if (loaded.status === 'fulfilled') diary.checkLoaded(plain(snapshot), plain(saved.value))
      else if (codeOf(loaded.reason) === 'AGENT_CREATION') diary.checkLoaded(plain(await before), plain(saved.value)) // all or nothing
    }
    this.#taken.delete('load')
  }
}

const plain = (snapshot: Snapshot): Readonly<Record<string, unknown>> => snapshot as unknown as Record<string, unknown>
