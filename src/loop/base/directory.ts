// Where agents are and who hears what, by the loop's replica of the routes. What it keeps: what is remembered of addresses and
// audiences belongs to one version of the routes and is forgotten with it; whoever publishes leaves itself out when it goes
// through an audience.
import { AgentFailedError, UnknownAgentError } from '../../agent/errors.js'
import { type AgentId, agentId, type TopicId, toAgentId, toTopicId } from '../../agent/ids.js'
import { type RouteChanges, Routes, type RouteTable } from '../../routing/table.js'
import type { Address } from './recipient.js'

/** Addresses that are remembered, and characters of their texts: 64 for each. More of either, and all are forgotten. */
const ADDRESSES = 100_000
const CHARACTERS = 64 * ADDRESSES
/** Members of all audiences that are remembered, each topic counted as one, and characters of the topics; likewise. */
const MEMBERS = 100_000

/** The agents that hear a topic, each once. */
export interface Audience {
  readonly topic: TopicId
  readonly text: string
  /** On this loop, in the order of their subscriptions. */
  readonly here: readonly Address[]
  /** On other loops, by loop. */
  readonly elsewhere: ReadonlyMap<number, readonly string[]>
  /** Of types that failed. */
  readonly nowhere: readonly string[]
}

/** Addresses and audiences of one loop. */
export class Directory {
  /** The loop whose directory this is. */
  readonly index: number
  readonly #routes = new Routes()
  #addresses = new Map<string, Address>()
  /** Characters of their texts. */
  #named = 0
  readonly #audiences = new Map<string, Audience>()
  #members = 0
  /** Characters of the topics. */
  #heard = 0

  constructor(index: number) {
    this.index = index
  }

  /** Of the routes. */
  get version(): number {
    return this.#routes.version
  }

  route(table: RouteTable): void {
    this.#routes.replace(table)
    this.#forgetAddresses()
    this.#forgetAudiences()
  }

  /** Who hears what has changed, and nothing else. */
  change(changes: RouteChanges): void {
    this.#routes.change(changes)
    this.#forgetAudiences()
  }

  /** Where an agent is. Ids that were used are remembered. @throws InvalidNameError */
  of(recipient: AgentId | string): Address {
    const text = typeof recipient === 'string' ? recipient : recipient?.toString()
    return this.#addresses.get(text) ?? this.#remember(toAgentId(recipient))
  }

  /** Where an agent is; undefined when nobody hosts its type. */
  #hostedAt(type: string, key: string): Address | undefined {
    const address = this.#addresses.get(`${type}/${key}`) ?? this.#remember(agentId(type, key))
    return address.loop < 0 ? undefined : address
  }

  #remember(id: AgentId): Address {
    const text = id.toString()
    const known = this.#addresses.get(text)
    if (known !== undefined) return known
    const address = { id, text, loop: this.#routes.loopOf(id.type, id.key) ?? -1, recipient: undefined }
    if (address.loop < 0) return address
    this.#named += text.length
    if (this.#addresses.size >= ADDRESSES || this.#named > CHARACTERS) this.#forgetAddresses(text)
    this.#addresses.set(text, address)
    return address
  }

  /** @param next the one that is remembered next */
  #forgetAddresses(next = ''): void {
    this.#addresses = new Map()
    this.#named = next.length
  }

  /** The agent is gone: whoever asks for it again gets its address anew. */
  forget(text: string): void {
    if (this.#addresses.delete(text)) this.#named -= text.length
  }

  /** Whether an agent lives on that loop. */
  livesOn(agent: string, loop: number): boolean {
    return this.of(agent).loop === loop
  }

  /** Why nobody hosts an agent. */
  nowhere({ id, text }: Address, message?: string): UnknownAgentError | AgentFailedError {
    const failed = this.failure(id.type, text)
    if (failed !== undefined) return failed
    const types = this.#routes.types.join(', ') || 'none'
    return new UnknownAgentError(`no agent type '${id.type}' is registered (asked for ${text}); registered: ${types}`, {
      agent: text,
      message,
    })
  }

  /** What an agent gets whose type is not hosted any more; undefined while it is. */
  failure(type: string, agent: string): AgentFailedError | undefined {
    const why = this.#routes.failed(type)
    if (why === undefined) return undefined
    const text = `${agent} is not hosted any more: its type ended threads too often, last: ${why}`
    return new AgentFailedError(text, { agent })
  }

  /** Who hears a topic: worked out once per version of the routes. @throws InvalidNameError */
  audience(topic: TopicId | string): Audience {
    return this.#audiences.get(typeof topic === 'string' ? topic : topic?.toString()) ?? this.#gather(toTopicId(topic))
  }

  #gather(topic: TopicId): Audience {
    const here: Address[] = []
    const elsewhere = new Map<number, string[]>()
    const nowhere: string[] = []
    const types = this.#routes.match(topic.type)
    for (const type of types) {
      const address = this.#hostedAt(type, topic.source)
      if (address === undefined) nowhere.push(`${type}/${topic.source}`)
      else if (address.loop === this.index) here.push(address)
      else {
        const agents = elsewhere.get(address.loop)
        if (agents === undefined) elsewhere.set(address.loop, [address.text])
        else agents.push(address.text)
      }
    }
    const text = topic.toString()
    const audience = { topic, text, here, elsewhere, nowhere }
    this.#members += types.length + 1
    this.#heard += text.length
    if (this.#members > MEMBERS || this.#heard > CHARACTERS) this.#forgetAudiences()
    this.#audiences.set(text, audience)
    return audience
  }

  #forgetAudiences(): void {
    this.#audiences.clear()
    this.#members = 0
    this.#heard = 0
  }
}
