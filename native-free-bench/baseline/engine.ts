// The baseline: an agent engine as one would write it first, and as the known ones in Python are written. One queue for
// everything, one promise task for each message that is taken from it, answers by way of the same queue. It keeps far
// fewer promises than Ringreeve (no order per agent, no bounds, no cancelling, no errors but the handler's own), so it
// should be quicker. What Ringreeve's single loop is measured against, so that threads are not compared with a straw man.

export type Handler = (payload: unknown, context: MessageContext) => unknown

/** What a handler gets beside its payload. */
export interface MessageContext {
  readonly sender: string | undefined
  readonly topic: string | undefined
  readonly isRequest: boolean
  readonly messageId: string
}

/** One agent: its handlers by message name. */
export type Agent = Readonly<Record<string, Handler>>

interface Send {
  readonly kind: 'send'
  readonly message: string
  readonly payload: unknown
  readonly recipient: string
  readonly sender: string | undefined
  readonly messageId: string
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: unknown) => void
}

interface Publish {
  readonly kind: 'publish'
  readonly message: string
  readonly payload: unknown
  readonly topic: string
  readonly sender: string | undefined
  readonly messageId: string
}

interface Answer {
  readonly kind: 'answer'
  readonly answer: unknown
  readonly resolve: (answer: unknown) => void
}

type Envelope = Send | Publish | Answer

/** What waits, first come first served. `take` waits for something to come. */
class Queue {
  #items: Envelope[] = []
  #first = 0
  #taker: ((envelope: Envelope) => void) | undefined

  put(envelope: Envelope): void {
    const taker = this.#taker
    if (taker === undefined) this.#items.push(envelope)
    else {
      this.#taker = undefined
      taker(envelope)
    }
  }

  async take(): Promise<Envelope> {
    if (this.#first === this.#items.length) return new Promise(resolve => (this.#taker = resolve))
    const envelope = this.#items[this.#first++]!
    if (this.#first === this.#items.length || this.#first === 4_096) {
      this.#items = this.#items.slice(this.#first)
      this.#first = 0
    }
    return envelope
  }
}

/** The engine. It runs from the moment it is made, for as long as anybody sends. */
export class BaselineEngine {
  readonly #factories = new Map<string, () => Agent | Promise<Agent>>()
  readonly #agents = new Map<string, Agent>()
  /** Agent types by topic type. */
  readonly #subscriptions = new Map<string, string[]>()
  readonly #queue = new Queue()
  #unfinished = 0
  #messages = 0
  #idle: (() => void)[] = []

  constructor() {
    void this.#run()
  }

  register(type: string, factory: () => Agent | Promise<Agent>): void {
    this.#factories.set(type, factory)
  }

  /** Events of a topic type go to the agent of `type` whose key is the topic's source. */
  subscribe(type: string, topicType: string): void {
    const types = this.#subscriptions.get(topicType)
    if (types === undefined) this.#subscriptions.set(topicType, [type])
    else types.push(type)
  }

  async send(message: string, payload: unknown, recipient: string, sender?: string): Promise<unknown> {
    const { promise, resolve, reject } = later()
    this.#put({ kind: 'send', message, payload, recipient, sender, messageId: this.#newId(), resolve, reject })
    return await promise
  }

  async publish(message: string, payload: unknown, topic: string, sender?: string): Promise<void> {
    this.#put({ kind: 'publish', message, payload, topic, sender, messageId: this.#newId() })
  }

  /** Resolves when nothing is queued or at work. */
  async idle(): Promise<void> {
    if (this.#unfinished > 0) await new Promise<void>(resolve => this.#idle.push(resolve))
  }

  #newId(): string {
    return `m${++this.#messages}`
  }

  #put(envelope: Envelope): void {
    this.#unfinished++
    this.#queue.put(envelope)
  }

  #finished(): void {
    if (--this.#unfinished > 0) return
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }

  async #run(): Promise<void> {
    while (true) {
      const envelope = await this.#queue.take()
      if (envelope.kind === 'send') void this.#processSend(envelope)
      else if (envelope.kind === 'publish') void this.#processPublish(envelope)
      else void this.#processAnswer(envelope)
      await undefined // what was just begun runs now
    }
  }

  async #processSend({ message, payload, recipient, sender, messageId, resolve, reject }: Send): Promise<void> {
    try {
      const agent = await this.#agent(recipient)
      const context = { sender, topic: undefined, isRequest: true, messageId }
      const answer = await handlerOf(agent, message, recipient)(payload, context)
      this.#put({ kind: 'answer', answer, resolve })
    } catch (error) {
      reject(error)
    } finally {
      this.#finished()
    }
  }

  async #processPublish({ message, payload, topic, sender, messageId }: Publish): Promise<void> {
    const slash = topic.indexOf('/')
    const source = topic.slice(slash + 1)
    const types = this.#subscriptions.get(topic.slice(0, slash)) ?? []
    const context = { sender, topic, isRequest: false, messageId }
    const deliver = async (recipient: string) => {
      const agent = await this.#agent(recipient)
      await handlerOf(agent, message, recipient)(payload, context)
    }
    const recipients = types.map(type => `${type}/${source}`).filter(recipient => recipient !== sender)
    try {
      await Promise.all(recipients.map(deliver))
    } finally {
      this.#finished()
    }
  }

  async #processAnswer({ answer, resolve }: Answer): Promise<void> {
    resolve(answer)
    this.#finished()
  }

  async #agent(id: string): Promise<Agent> {
    const known = this.#agents.get(id)
    if (known !== undefined) return known
    const factory = this.#factories.get(id.slice(0, id.indexOf('/')))
    if (factory === undefined) throw new Error(`there is no agent type for ${id}`)
    const agent = await factory()
    this.#agents.set(id, agent)
    return agent
  }
}

function handlerOf(agent: Agent, message: string, id: string): Handler {
  const handler = agent[message]
  if (handler === undefined) throw new Error(`${id} has no handler for '${message}'`)
  return handler
}

function later(): {
  promise: Promise<unknown>
  resolve: (answer: unknown) => void
  reject: (error: unknown) => void
} {
  let resolve!: (answer: unknown) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<unknown>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
