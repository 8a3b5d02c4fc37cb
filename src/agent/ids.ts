// Names: agents are `type/key`, topics are `type/source`, and both split at the first slash, so a key or a
// source may hold any text while a type may not. A bad name is refused here, when it is made, never on the way.
import { InvalidNameError } from './errors.js'

const agentTypeBad = /[^\w\-.]/
const topicTypeBad = /[^\w\-.:=]/

/**
 * Address of one agent: `type/key`. The type matches `^[\w\-.]+$`; the key is any string, also empty or with slashes.
 * @example
 * const id: AgentId = agentId('hasher', 'alice')
 * console.log(id.key, `${id}`) // alice hasher/alice
 */
export interface AgentId {
  /** What kind of agent. */
  readonly type: string
  /** Which one of that kind. */
  readonly key: string
  /** `type/key`. */
  toString(): string
}

/**
 * Address of a stream of events: `type/source`. The type matches `^[\w\-.:=]+$`; the source is any string.
 * @example
 * const id: TopicId = topicId('news', 'alice')
 * console.log(id.source, `${id}`) // alice news/alice
 */
export interface TopicId {
  /** What kind of events. */
  readonly type: string
  /** Whose; a subscription delivers to the agent with this key. */
  readonly source: string
  /** `type/source`. */
  toString(): string
}

/** Says of an id what it names: it holds across copies of this module. */
export const nameBrand: unique symbol = Symbol.for('ringreeve.name') as never

class Name {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  toString(): string {
    return this.#text
  }
  toJSON(): string {
    return this.#text
  }
}

class AgentName extends Name implements AgentId {
  get [nameBrand](): string {
    return 'agent'
  }
  readonly type: string
  readonly key: string
  constructor(type: string, key: string) {
    super(`${type}/${key}`)
    this.type = type
    this.key = key
  }
}

class TopicName extends Name implements TopicId {
  get [nameBrand](): string {
    return 'topic'
  }
  readonly type: string
  readonly source: string
  constructor(type: string, source: string) {
    super(`${type}/${source}`)
    this.type = type
    this.source = source
  }
}

function check(what: string, text: string, bad: RegExp, allowed: string): void {
  if (typeof text !== 'string') throw new InvalidNameError(`${what} must be a string, got ${typeof text}`)
  if (text === '') throw new InvalidNameError(`${what} is empty; it takes ${allowed}`)
  const at = text.search(bad)
  if (at >= 0) {
    throw new InvalidNameError(
      `${what} ${JSON.stringify(text)} has ${JSON.stringify(text[at])} at position ${at}; it takes ${allowed}`,
    )
  }
}

/** Throws {@link InvalidNameError} naming the first character that an agent type may not have. */
export function checkAgentType(type: string): void {
  check('agent type', type, agentTypeBad, 'letters, digits, "_", "-" and "."')
}

/** Throws {@link InvalidNameError} naming the first character that a topic type may not have. */
export function checkTopicType(type: string): void {
  check('topic type', type, topicTypeBad, 'letters, digits, "_", "-", ".", ":" and "="')
}

/**
 * Makes an agent id.
 * @param type what kind of agent; letters, digits, `_`, `-`, `.`
 * @param key which one of that kind; default `'default'`
 * @throws InvalidNameError naming the offending character
 * @example agentId('hasher', 'alice').toString() // 'hasher/alice'
 */
export function agentId(type: string, key = 'default'): AgentId {
  checkAgentType(type)
  if (typeof key !== 'string') throw new InvalidNameError(`agent key must be a string, got ${typeof key}`)
  return new AgentName(type, key)
}

/**
 * Makes a topic id.
 * @param type what kind of event stream; letters, digits, `_`, `-`, `.`, `:`, `=`
 * @param source whose; default `'default'`. A subscription delivers to the agent whose key is this source.
 * @throws InvalidNameError naming the offending character
 * @example await runtime.publish(Hashed, { total: 1 }, { topic: topicId('news', 'alice') })
 */
export function topicId(type: string, source = 'default'): TopicId {
  checkTopicType(type)
  if (typeof source !== 'string') throw new InvalidNameError(`topic source must be a string, got ${typeof source}`)
  return new TopicName(type, source)
}

/** Reads `type/key` (split at the first slash); an id is returned as it is. @throws InvalidNameError */
export function toAgentId(id: AgentId | string): AgentId {
  if (id instanceof AgentName) return id
  if (typeof id !== 'string') {
    const { type, key } = (id ?? {}) as Partial<AgentId>
    if (typeof type === 'string') return agentId(type, key)
    throw new InvalidNameError(`an agent is named by "type/key" or what agentId() returned, got ${kindOf(id)}`)
  }
  const slash = id.indexOf('/')
  if (slash < 0) throw new InvalidNameError(`agent id ${JSON.stringify(id)} has no "/"; write "type/key"`)
  return agentId(id.slice(0, slash), id.slice(slash + 1))
}

/** Reads `type/source` (split at the first slash); an id is returned as it is. @throws InvalidNameError */
export function toTopicId(id: TopicId | string): TopicId {
  if (id instanceof TopicName) return id
  if (typeof id !== 'string') {
    const { type, source } = (id ?? {}) as Partial<TopicId>
    if (typeof type === 'string') return topicId(type, source)
    throw new InvalidNameError(`a topic is named by "type/source" or what topicId() returned, got ${kindOf(id)}`)
  }
  const slash = id.indexOf('/')
  if (slash < 0) throw new InvalidNameError(`topic ${JSON.stringify(id)} has no "/"; write "type/source"`)
  return topicId(id.slice(0, slash), id.slice(slash + 1))
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return `an object with ${Object.keys(value).slice(0, 5).join(', ') || 'no fields'}`
}
