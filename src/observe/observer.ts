// Watching: what happened to each message, on `node:diagnostics_channel` (per thread) and, when the application asked
// for it, in the event log (from every thread). When nobody listens, a message costs one look at `active`.
import { channel } from 'node:diagnostics_channel'
import { textOf } from '../agent/errors.js'
import type { Letter, LogEntry } from './log.js'

const names = [
  'create',
  'send',
  'publish',
  'process',
  'respond',
  'handled',
  'error',
  'drop',
  'dead',
  'slow',
  'crash',
  'recycle',
] as const
type EventName = (typeof names)[number]

/** `ringreeve:create`, `ringreeve:send`, …; subscribers get a {@link LogEntry}. */
const channels = Object.fromEntries(names.map(name => [name, channel(`ringreeve:${name}`)])) as Record<
  EventName,
  ReturnType<typeof channel>
>

/** What an observer reads of a message. */
export interface Seen {
  readonly name: string
  readonly id: string
  readonly sender: { toString(): string } | undefined
  readonly recipient: { toString(): string } | undefined
  readonly topic: { toString(): string } | undefined
  readonly trace: string | undefined
}

/** What a message came from. Told where it is sent; it does not travel. */
export type Lineage = Pick<LogEntry, 'cause' | 'correlation'>

/** Tells of what happens on one loop. */
export class Observer {
  readonly #loop: number
  readonly #log: ((entry: LogEntry) => void) | undefined

  /** @param log takes entries for the event log; undefined when nobody asked for one */
  constructor(loop: number, log: ((entry: LogEntry) => void) | undefined) {
    this.#loop = loop
    this.#log = log
  }

  /** Whether anybody wants to know of single messages. */
  get active(): boolean {
    return (
      this.#log !== undefined ||
      channels.process.hasSubscribers ||
      channels.send.hasSubscribers ||
      channels.publish.hasSubscribers ||
      channels.respond.hasSubscribers ||
      channels.handled.hasSubscribers
    )
  }

  create(agent: { readonly text: string }): void {
    this.#tell('create', { agent: agent.text })
  }

  send(message: Seen, lineage: Lineage): void {
    this.#tell('send', { ...of(message), ...lineage })
  }

  publish(message: Omit<Seen, 'recipient'>, lineage: Lineage): void {
    this.#tell('publish', { ...of({ ...message, recipient: undefined }), ...lineage })
  }

  process(message: Seen): void {
    this.#tell('process', of(message))
  }

  /** A request was answered. */
  respond(message: Seen): void {
    this.#tell('respond', of(message))
  }

  /** An event's handler ended well. */
  handled(message: Seen): void {
    this.#tell('handled', of(message))
  }

  failed(agent: { readonly text: string }, message: Seen | undefined, error: unknown): void {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : textOf(error)
    this.#tell('error', { ...(message ? of(message) : {}), agent: agent.text, reason })
  }

  dropped(message: Seen, reason: string): void {
    this.#tell('drop', { ...of(message), reason })
  }

  /** A message became a dead letter. */
  dead(letter: Letter): void {
    const { message, messageId, sender, recipient, topic, reason, detail } = letter
    this.#tell('dead', { message, messageId, sender, agent: recipient, topic, reason: `${reason}: ${detail}` })
  }

  /** A turn takes longer than it should. */
  slow(agent: string, message: string | undefined, age: number, softDeadline: number): void {
    const reason = `it has taken ${age} ms so far; its soft deadline is ${softDeadline} ms`
    this.#tell('slow', { agent, message, reason })
  }

  /** A thread does not come back to its event loop. */
  stalled(reason: string): void {
    this.#tell('slow', { reason })
  }

  crash(reason: string): void {
    this.#tell('crash', { reason })
  }

  /** A thread whose heap was full was recycled, or could not be. */
  recycle(reason: string): void {
    this.#tell('recycle', { reason })
  }

  #tell(event: EventName, what: Partial<LogEntry>): void {
    const to = channels[event]
    if (this.#log === undefined && !to.hasSubscribers) return
    const entry: LogEntry = { event, loop: this.#loop, time: Date.now(), ...what }
    to.publish(entry)
    this.#log?.(entry)
  }
}

function of(message: Seen): Partial<LogEntry> {
  return {
    message: message.name,
    messageId: message.id,
    sender: message.sender?.toString(),
    agent: message.recipient?.toString(),
    topic: message.topic?.toString(),
    traceparent: message.trace,
  }
}
