// The route table: which loops host which agent type, and who hears which topic. The coordinator owns it; every loop
// holds a replica, replaced as a whole when it changes, so a loop always routes by one version, never by a mixture.

/** Where one agent type lives. */
export interface TypeRoute {
  /** Loops that host it, in the order by which keys are spread. */
  readonly loops: readonly number[]
  /** Why nobody hosts it any more. */
  readonly failed?: string | undefined
}

/** One subscription as data. */
export interface SubscriptionRoute {
  readonly id: string
  readonly agent: string
  /** Exactly this topic type, or every topic type with this prefix. */
  readonly topic: string | undefined
  readonly prefix: string | undefined
}

/** The whole table, as it is sent to the loops. */
export interface RouteTable {
  readonly version: number
  readonly types: Readonly<Record<string, TypeRoute>>
  readonly subscriptions: readonly SubscriptionRoute[]
}

/** Subscriptions that came and went, each with the version of the table that it made. */
export interface RouteChanges {
  /** Of the table with all of them. */
  readonly version: number
  readonly changes: readonly SubscriptionChange[]
}
export interface SubscriptionChange {
  readonly version: number
  readonly subscription: SubscriptionRoute
  /** Whether it is there from then on. */
  readonly there: boolean
}

/** Topic types that are remembered, and characters of them; more of either, and all are forgotten. */
const TOPICS = 10_000
const CHARACTERS = 64 * TOPICS

/** A loop's replica of the table. */
export class Routes {
  #version = -1
  #types = new Map<string, TypeRoute>()
  #exact = new Map<string, string[]>()
  /** By id, in their order. */
  #prefixes = new Map<string, SubscriptionRoute>()
  /** Agent types by topic type; dropped when it grows past its bound, since topic types may be made up without end. */
  #matches = new Map<string, readonly string[]>()
  #characters = 0

  get version(): number {
    return this.#version
  }

  replace(table: RouteTable): void {
    if (table.version <= this.#version) return
    this.#version = table.version
    this.#types = new Map(Object.entries(table.types))
    this.#exact = new Map()
    this.#prefixes = new Map()
    this.#forgetMatches()
    for (const subscription of table.subscriptions) this.#add(subscription)
  }

  /** The changes since this version; those before it are in it. */
  change({ version, changes }: RouteChanges): void {
    if (version <= this.#version) return
    for (const { version: made, subscription, there } of changes) {
      if (made <= this.#version) continue
      if (there) this.#add(subscription)
      else this.#remove(subscription)
    }
    this.#version = version
    this.#forgetMatches()
  }

  #add(subscription: SubscriptionRoute): void {
    const { id, topic, agent } = subscription
    if (topic === undefined) {
      this.#prefixes.set(id, subscription)
      return
    }
    const agents = this.#exact.get(topic)
    if (agents === undefined) this.#exact.set(topic, [agent])
    else agents.push(agent)
  }

  #remove({ id, topic, agent }: SubscriptionRoute): void {
    if (topic === undefined) {
      this.#prefixes.delete(id)
      return
    }
    const left = this.#exact.get(topic)?.filter(other => other !== agent) ?? []
    if (left.length === 0) this.#exact.delete(topic)
    else this.#exact.set(topic, left)
  }

  #forgetMatches(): void {
    this.#matches.clear()
    this.#characters = 0
  }

  get types(): readonly string[] {
    return [...this.#types.keys()]
  }

  /** The loop of an agent, or undefined when nobody hosts its type. */
  loopOf(type: string, key: string): number | undefined {
    const route = this.#types.get(type)
    if (route === undefined || route.failed !== undefined) return undefined
    const { loops } = route
    return loops.length === 1 ? loops[0] : loops[placeOf(key, loops.length)]
  }

  /** Why nobody hosts a type that is registered. */
  failed(type: string): string | undefined {
    return this.#types.get(type)?.failed
  }

  /** The agent types that hear a topic type, each once, in the order of their subscriptions. */
  match(topicType: string): readonly string[] {
    const known = this.#matches.get(topicType)
    if (known !== undefined) return known
    const agents = new Set(this.#exact.get(topicType))
    for (const { prefix, agent } of this.#prefixes.values())
      if (topicType.startsWith(prefix as string)) agents.add(agent)
    const matches = [...agents]
    this.#characters += topicType.length
    if (this.#matches.size >= TOPICS || this.#characters > CHARACTERS) {
      this.#matches.clear()
      this.#characters = topicType.length
    }
    this.#matches.set(topicType, matches)
    return matches
  }
}

/** More digits at the end of a key are no number that anybody counts. */
const DIGITS = 9
/** Numbers below it are those of workers; beyond are those of things. */
const WORKERS = 64

/**
 * Which of so many places a key has, from 0. A key without a number at its end goes by hash. Numbered ones (`7`,
 * `worker-7`) are dealt out in turn, so that four workers on four threads do not meet, whether they are counted from 0 or from
 * 1. Higher numbers may have gaps, and every second one must not mean every second place: each round of them begins where
 * a hash says.
 */
export function placeOf(key: string, places: number): number {
  let digits = 0
  while (digits < DIGITS && isDigit(key.charCodeAt(key.length - digits - 1))) digits++
  if (digits === 0) return hash(key) % places
  const number = Number(key.slice(-digits))
  const round = number < WORKERS ? 0 : Math.floor(number / places)
  return (hash(`${key.slice(0, -digits)} ${round}`) + number) % places
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57

/** FNV-1a over UTF-16 units, with a final mix (murmur3's fmix32) so that low bits spread short numbered keys evenly. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    h ^= text.charCodeAt(i)
    h = Math.imul(h, 0x01000193)
  }
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  h ^= h >>> 16
  return h >>> 0
}
