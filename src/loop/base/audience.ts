// Who hears a topic, as one loop sees it. What it keeps: an audience is worked out once per version of the routes and
// forgotten with it; whoever publishes leaves itself out when it goes through the list.
import { type TopicId, toTopicId } from '../../agent/ids.js'
import type { Address, Loop } from '../loop.js'

/** Members of all audiences that are remembered; more, and all are forgotten. */
const REMEMBERED = 100_000

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

/** The audiences of one loop. */
export class Audiences {
  readonly #loop: Loop
  readonly #known = new Map<string, Audience>()
  #members = 0

  constructor(loop: Loop) {
    this.#loop = loop
  }

  /** @throws InvalidNameError */
  of(topic: TopicId | string): Audience {
    return this.#known.get(typeof topic === 'string' ? topic : topic?.toString()) ?? this.#gather(toTopicId(topic))
  }

  /** The routes have changed. */
  forget(): void {
    this.#known.clear()
    this.#members = 0
  }

  #gather(topic: TopicId): Audience {
    const here: Address[] = []
    const elsewhere = new Map<number, string[]>()
    const nowhere: string[] = []
    const types = this.#loop.routes.match(topic.type)
    for (const type of types) {
      const address = this.#loop.addressOf(type, topic.source)
      if (address === undefined) nowhere.push(`${type}/${topic.source}`)
      else if (address.loop === this.#loop.index) here.push(address)
      else {
        const agents = elsewhere.get(address.loop)
        if (agents === undefined) elsewhere.set(address.loop, [address.text])
        else agents.push(address.text)
      }
    }
    const text = topic.toString()
    const audience = { topic, text, here, elsewhere, nowhere }
    this.#members += types.length + 1
    if (this.#members > REMEMBERED) this.forget()
    this.#known.set(text, audience)
    return audience
  }
}
