// The event log and the dead letters: what happened to messages, as plain data that crosses threads.

/**
 * One entry of the event log. Ids are `type/key`, topics `type/source`.
 * @example
 * const log = ({ event, loop, message, agent, reason }: LogEntry) => {
 *   if (event === 'error' || event === 'drop') console.error(`loop ${loop}: ${message} at ${agent}: ${reason}`)
 * }
 * await createRuntime({ agents: [hasher], log })
 */
export interface LogEntry {
  /** What happened: an agent was made, a message was sent, published, begun, answered, … */
  readonly event:
    | 'create'
    | 'send'
    | 'publish'
    | 'process'
    | 'respond'
    | 'handled'
    | 'error'
    | 'drop'
    | 'dead'
    | 'slow'
    | 'crash'
    | 'recycle'
  /** Loop on which it happened; 0 is the calling loop. */
  readonly loop: number
  /** Milliseconds since 1970. */
  readonly time: number
  /** Name of the message type. */
  readonly message?: string | undefined
  /** What the message is called; the same in all its entries. */
  readonly messageId?: string | undefined
  /** The agent that sent it; undefined when the application did. */
  readonly sender?: string | undefined
  /** The agent that it was sent to, or that it happened at. */
  readonly agent?: string | undefined
  /** Of an event: the topic that it was published to. */
  readonly topic?: string | undefined
  /** For `error`, `drop`, `dead`, `slow`, `crash` and `recycle`: why. */
  readonly reason?: string | undefined
  /** Of a `slow` entry about a thread that computes: where it was when it was told of, in the form of an error's stack. */
  readonly stack?: string | undefined
  /** W3C trace context of the message. */
  readonly traceparent?: string | undefined
  /** Of a `send` or `publish`: id of the message whose handler sent it. */
  readonly cause?: string | undefined
  /** Of a `send`: the conversation that its sender named for it. */
  readonly correlation?: string | undefined
}

/** A message that is not given to anybody again unless somebody asks for it. */
export interface Letter {
  /** `'poison'`: it was in flight in two crashes. `'no subscriber'`: nobody heard its topic. */
  readonly reason: 'poison' | 'no subscriber'
  /** What happened, in words. */
  readonly detail: string
  /** Milliseconds since 1970. */
  readonly time: number
  /** Name of the message type. */
  readonly message: string
  /** What the message is called in the event log. */
  readonly messageId: string
  /** The agent that sent it; undefined when the application did. */
  readonly sender: string | undefined
  /** `type/key` of a request, `type/source` of an event. */
  readonly recipient: string | undefined
  /** Of an event: the topic that it was published to. */
  readonly topic: string | undefined
  /** As it was sent. */
  readonly payload: unknown
}
