// The event log and the dead letters: what happened to messages, as plain data that crosses threads.

/** One entry of the event log. Ids are `type/key`, topics `type/source`. */
export interface LogEntry {
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
  readonly message?: string | undefined
  readonly messageId?: string | undefined
  readonly sender?: string | undefined
  readonly agent?: string | undefined
  readonly topic?: string | undefined
  /** For `error`, `drop`, `dead`, `slow`, `crash` and `recycle`: why. */
  readonly reason?: string | undefined
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
  readonly message: string
  readonly messageId: string
  readonly sender: string | undefined
  /** `type/key` of a request, `type/source` of an event. */
  readonly recipient: string | undefined
  readonly topic: string | undefined
  readonly payload: unknown
}
