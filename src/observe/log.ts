// The event log: what happened to each message, as plain data that crosses threads.

/** One entry of the event log. Ids are `type/key`, topics `type/source`. */
export interface LogEntry {
  readonly event: 'create' | 'send' | 'publish' | 'process' | 'respond' | 'handled' | 'error' | 'drop' | 'crash'
  /** Loop on which it happened; 0 is the calling loop. */
  readonly loop: number
  /** Milliseconds since 1970. */
  readonly time: number
  readonly message?: string | undefined
  readonly messageId?: string | undefined
  readonly sender?: string | undefined
  readonly agent?: string | undefined
  readonly topic?: string | undefined
  /** For `error`, `drop` and `crash`: why. */
  readonly reason?: string | undefined
  readonly traceparent?: string | undefined
  /** Of a `send` or `publish`: id of the message whose handler sent it. */
  readonly cause?: string | undefined
  /** Of a `send`: the conversation that its sender named for it. */
  readonly correlation?: string | undefined
}
