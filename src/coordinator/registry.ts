// What is registered: modules, agent types with where they live, and subscriptions. The registry makes the route table;
// each change makes the next version of it.

import { checkKnown, shown } from '../agent/check.js'
import { type AnyAgent, isAgent } from '../agent/definition.js'
import {
  AlreadyExistsError,
  InvalidArgumentError,
  UnknownAgentError,
  UnknownSubscriptionError,
} from '../agent/errors.js'
import { checkAgentType } from '../agent/ids.js'
import { checkPattern, type TopicPattern } from '../agent/options.js'
import type { AgentDescription } from '../loop/control/orders.js'
import { Placement } from '../routing/placement.js'
import type { RouteChanges, RouteTable, SubscriptionChange, SubscriptionRoute } from '../routing/table.js'
import type { Subscription } from './api.js'

const MAX_ID = 512
/** Changes that are told one by one, at least; who knows less gets the whole table. */
const JOURNAL = 1_000
const subscriptionOptions = { agent: true, topic: true, prefix: true, id: true } as const

/** Where an agent comes from that was given as an object, for messages. */
export const AN_OBJECT = 'an object'

/** An agent type and its loops. */
export interface Registered extends AgentDescription {
  readonly loops: readonly number[]
}

/** What one run of a runtime has been given. */
export class Registry {
  readonly #types = new Map<string, Registered>()
  /** Where each type comes from. */
  readonly #sources = new Map<string, string>()
  readonly #failed = new Map<string, string>()
  readonly #subscriptions = new Map<string, SubscriptionRoute>()
  /** The same by what they say, see {@link wording}. */
  readonly #worded = new Map<string, SubscriptionRoute>()
  readonly #placement: Placement
  /** URLs of the modules that are registered, in their order. */
  readonly modules: string[] = []
  /** By URL: the loops where agents of a module live. */
  readonly #homes = new Map<string, Set<number>>()
  /** The same of interceptors. */
  readonly interceptors: string[] = []
  /** Counts what makes the next table say something else: its version. */
  changes = 0
  /** The last changes of subscriptions alone, one for each version after the base. */
  #journal: SubscriptionChange[] = []
  #journalBase = 0
  #named = 0

  constructor(threads: number) {
    this.#placement = new Placement(threads)
  }

  get types(): ReadonlyMap<string, Registered> {
    return this.#types
  }

  get subscriptions(): readonly SubscriptionRoute[] {
    return [...this.#subscriptions.values()]
  }

  /** The subscription of that id, if there is one; the same in a run that begins with it. */
  subscription(id: string): SubscriptionRoute | undefined {
    return this.#subscriptions.get(id)
  }

  /** Whether it can be added. @throws AlreadyExistsError, InvalidArgumentError, InvalidNameError */
  checkNew({ type, subscriptions }: Pick<AgentDescription, 'type' | 'subscriptions'>, source: string): void {
    for (const pattern of subscriptions) checkPattern(type, pattern)
    const first = this.#sources.get(type)
    if (first === undefined) return
    throw new AlreadyExistsError(
      `agent type '${type}' is registered already, from ${first}, and comes again from ${source}; give it once, or rename one`,
      { agent: type },
    )
  }

  /** Where types of a module would live, see {@link Placement.choose}. */
  choose(found: readonly AgentDescription[]): readonly (readonly number[])[] {
    return this.#placement.choose(found.map(({ threads }) => threads))
  }

  /** The thread where the next type that asks for one would live. */
  get freest(): number {
    return this.#placement.choose([1])[0]?.[0] as number
  }

  /** The modules that a loop has to load: those with a type that lives there. */
  modulesOf(loop: number): string[] {
    return this.modules.filter(url => this.#homes.get(url)?.has(loop) !== false)
  }

  /** All of one module, which is loaded where they are to live. */
  addModule(url: string, found: readonly AgentDescription[], loops: readonly (readonly number[])[]): void {
    for (const one of found) this.checkNew(one, url)
    this.modules.push(url)
    this.#homes.set(url, new Set(loops.flat()))
    for (const [n, description] of found.entries()) this.#add(description, url, loops[n] as readonly number[])
    for (const of of loops) this.#placement.take(of)
  }

  /** One that was given as an object, and is hosted on the calling loop. */
  addObject(description: AgentDescription): void {
    this.checkNew(description, AN_OBJECT)
    this.#add(description, AN_OBJECT, [0])
  }

  #add(description: AgentDescription, source: string, loops: readonly number[]): void {
    this.#sources.set(description.type, source)
    this.#types.set(description.type, { ...description, loops })
    this.#changed()
  }

  /** Adds the subscriptions of a definition. */
  subscribeAll(type: string, patterns: readonly TopicPattern[]): void {
    for (const pattern of patterns) {
      const on = typeof pattern === 'string' ? { topic: pattern } : pattern
      const subscription = { agent: type, ...on }
      if (!this.#worded.has(wording(subscription))) this.subscribe(subscription)
    }
  }

  /** @returns its id. @throws AlreadyExistsError, UnknownAgentError, InvalidNameError, InvalidArgumentError */
  subscribe(subscription: Subscription): string {
    checkKnown('subscribe()', subscription, subscriptionOptions)
    const { agent, id: given } = subscription
    if (isAgent(agent))
      throw new InvalidArgumentError(
        `subscribe(): agent is the name of a type: write '${(agent as AnyAgent).spec.type}'`,
      )
    checkAgentType(agent)
    if (given !== undefined && (typeof given !== 'string' || given === '' || given.length > MAX_ID))
      throw new InvalidArgumentError(
        `subscribe(): id must be a string of 1 to ${MAX_ID} characters, got ${shown(given)}`,
      )
    const topic = 'topic' in subscription ? subscription.topic : undefined
    const prefix = 'prefix' in subscription ? subscription.prefix : undefined
    checkPattern(agent, subscription)
    if (!this.#types.has(agent)) {
      throw new UnknownAgentError(`cannot subscribe '${agent}': no such agent type is registered`, { agent })
    }
    const same = this.#worded.get(wording(subscription))
    if (same !== undefined) {
      throw new AlreadyExistsError(
        `'${agent}' hears ${topic === undefined ? `topics that start with '${prefix}'` : `topic '${topic}'`} already (subscription ${same.id})`,
      )
    }
    const id = given ?? this.#freeName()
    if (this.#subscriptions.has(id)) throw new AlreadyExistsError(`there is a subscription '${id}' already`)
    this.#remember({ id, agent, topic, prefix })
    return id
  }

  /** @throws UnknownSubscriptionError */
  unsubscribe(id: string): void {
    const subscription = this.#subscriptions.get(id)
    if (subscription === undefined) throw new UnknownSubscriptionError(`there is no subscription '${id}'`)
    this.#subscriptions.delete(id)
    this.#worded.delete(wording(subscription))
    this.#note(subscription, false)
  }

  /** Replaces all subscriptions: a runtime that starts again has those it had. */
  restore(subscriptions: readonly SubscriptionRoute[]): void {
    this.#subscriptions.clear()
    this.#worded.clear()
    this.#changed()
    for (const subscription of subscriptions) this.#remember(subscription)
    this.#named += subscriptions.length
  }

  /** A name that no subscription has, whoever named it: the application, or the run before. */
  #freeName(): string {
    let name: string
    do name = `subscription-${++this.#named}`
    while (this.#subscriptions.has(name))
    return name
  }

  /** Nobody hosts the type from the next version of the table on. */
  fail(type: string, why: string): void {
    this.#failed.set(type, why)
    this.#changed()
  }

  /** No loop that begins loads the module any more, and nobody hosts its types. */
  failModule(url: string, why: string): void {
    this.#homes.set(url, new Set())
    for (const [type, source] of this.#sources) if (source === url) this.fail(type, why)
  }

  /**
   * The module in which an error arose: the first that its stack names.
   * @param agents whose turns were open: if any is of that module, that is no matter of the module alone
   */
  moduleOf(stack: string, agents: readonly string[]): string | undefined {
    const places = this.modules.map(url => [stack.indexOf(url), url] as const).filter(([at]) => at >= 0)
    const [first] = places.sort(([a, one], [b, other]) => a - b || other.length - one.length)
    if (first === undefined) return undefined
    const [, url] = first
    return agents.some(agent => this.#sources.get(agent.slice(0, agent.indexOf('/'))) === url) ? undefined : url
  }

  /** Why nobody hosts a type any more. */
  failed(type: string): string | undefined {
    return this.#failed.get(type)
  }

  /** What a loop has to hear that knows that version of the table, or none. */
  since(version = -1): RouteTable | RouteChanges {
    if (version < this.#journalBase) return this.table()
    return { version: this.changes, changes: this.#journal.slice(version - this.#journalBase) }
  }

  /** The table. */
  table(): RouteTable {
    const types = Object.fromEntries(
      [...this.#types].map(([type, { loops }]) => [type, { loops, failed: this.#failed.get(type) }]),
    )
    return { version: this.changes, types, subscriptions: this.subscriptions }
  }

  /** Something else than subscriptions: who knows the table before needs all of the next. */
  #changed(): void {
    this.changes++
    this.#journal = []
    this.#journalBase = this.changes
  }

  #note(subscription: SubscriptionRoute, there: boolean): void {
    this.changes++
    this.#journal.push({ version: this.changes, subscription, there })
    if (this.#journal.length < 2 * JOURNAL) return
    this.#journal = this.#journal.slice(JOURNAL)
    this.#journalBase += JOURNAL
  }

  #remember(subscription: SubscriptionRoute): void {
    this.#subscriptions.set(subscription.id, subscription)
    this.#worded.set(wording(subscription), subscription)
    this.#note(subscription, true)
  }
}

/** What a subscription says, but for its id. */
function wording({ agent, topic, prefix }: { agent: string; topic?: string | undefined; prefix?: string | undefined }) {
  return JSON.stringify([agent, topic, prefix])
}
