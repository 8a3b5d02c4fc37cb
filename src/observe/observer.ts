// Watching: what happened to each message, on `node:diagnostics_channel` (per thread) and, when the application asked
// for it, in the event log (from every thread). When nobody listens, a message costs one look at `active`.

import { channel } from 'node:diagnostics_channel'
import { lineOf } from '../agent/errors.js'
import { cut } from '../base/cut.js'
import { wallNow } from '../base/real-time.js'
import type { Letter, LogEntry } from './log.js'
import type { Slow } from './slow.js'
import type { Warning } from './warning.js'

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

/** Characters of what was thrown in an entry: many entries may wait for who reads them. */
const MOST_REASON = 10_000

/** A message, as far as an observer reads of it. */
interface Message {
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
  readonly #warn: (warning: Warning) => void

  /**
   * @param log takes entries for the event log; undefined when nobody asked for one
   * @param warn takes what must not go by unseen, where nobody listens
   */
  constructor(loop: number, log: ((entry: LogEntry) => void) | undefined, warn: (warning: Warning) => void) {
    this.#loop = loop
    this.#log = log
    this.#warn = warn
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

  /** Whether anybody is told of entries of that kind. */
  hears(event: EventName): boolean {
    return this.#log !== undefined || channels[event].hasSubscribers
  }

  create(agent: { readonly text: string }): void {
    if (this.hears('create')) this.#tell({ ...this.#stamp('create'), agent: agent.text })
  }

  send(message: Message, lineage: Lineage): void {
    this.#left('send', message, message.recipient?.toString(), lineage)
  }

  /** @param message its recipient is whoever hears the topic, and is not told */
  publish(message: Message, lineage: Lineage): void {
    this.#left('publish', message, undefined, lineage)
  }

  process(message: Message): void {
    this.#came('process', message)
  }

  /** A request was answered. */
  respond(message: Message): void {
    this.#came('respond', message)
  }

  /** An event's handler ended well. */
  handled(message: Message): void {
    this.#came('handled', message)
  }

  failed(agent: { readonly text: string }, message: Message | undefined, error: unknown): void {
    if (!this.hears('error')) return
    const reason = cut(lineOf(error), MOST_REASON)
    this.#tell({ ...(message ? this.#of('error', message) : this.#stamp('error')), agent: agent.text, reason })
  }

  dropped(message: Message, reason: string): void {
    if (this.hears('drop')) this.#tell({ ...this.#of('drop', message), reason })
  }

  /** A message was dropped, and nobody has wished it. */
  lost(message: Message, reason: string): void {
    if (this.hears('drop')) return this.dropped(message, reason)
    const text = `'${message.name}' was dropped at ${message.recipient}: ${reason}`
    this.#warn({ code: 'RINGREEVE_LOST', kind: `${message.name} ${reason}`, text })
  }

  /** A message became a dead letter. */
  dead(letter: Letter): void {
    const { message, messageId, sender, recipient, topic, reason, detail } = letter
    const what = { message, messageId, sender, agent: recipient, topic, reason: `${reason}: ${detail}` }
    if (this.hears('dead')) this.#tell({ ...this.#stamp('dead'), ...what })
  }

  /** A turn takes longer than it should. */
  slow({ agent, message, softDeadline }: Slow, age: number, stack?: string): void {
    if (!this.hears('slow')) {
      const kind = `${agent.slice(0, agent.indexOf('/'))} ${message?.name}`
      const text = `${message === undefined ? '' : `'${message.name}' of `}${agent} has taken ${age} ms so far; its soft deadline is ${softDeadline} ms`
      return this.#warn({ code: 'RINGREEVE_SLOW', kind, text, detail: stack })
    }
    const reason = `it has taken ${age} ms so far; its soft deadline is ${softDeadline} ms`
    this.#tell({ ...this.#stamp('slow'), agent, message: message?.name, messageId: message?.id, reason, stack })
  }

  /** A thread does not come back to its event loop, or is long in something. */
  stalled(reason: string, stack: string | undefined): void {
    if (this.hears('slow')) this.#tell({ ...this.#stamp('slow'), reason, stack })
    else this.#warn({ code: 'RINGREEVE_SLOW', kind: 'thread', text: reason, detail: stack })
  }

  /** A stop waits for something, or did not wait any longer. @param what told once */
  heldUp(what: string, reason: string): void {
    if (this.hears('slow')) this.#tell({ ...this.#stamp('slow'), reason })
    else this.#warn({ code: 'RINGREEVE_STOP', kind: what, text: reason })
  }

  /** The runtime ends by itself. */
  ends(reason: string): void {
    if (this.hears('crash')) this.#tell({ ...this.#stamp('crash'), reason })
    else this.#warn({ code: 'RINGREEVE_STOP', kind: 'ends', text: reason })
  }

  crash(reason: string): void {
    if (this.hears('crash')) this.#tell({ ...this.#stamp('crash'), reason })
    else this.#warn({ code: 'RINGREEVE_CRASH', kind: 'thread', text: reason })
  }

  /** Something will not be there any more in this run. */
  givenUp(what: string, reason: string): void {
    if (this.hears('crash')) this.#tell({ ...this.#stamp('crash'), reason })
    else this.#warn({ code: 'RINGREEVE_GIVEN_UP', kind: what, text: reason })
  }

  /** A thread whose heap was full was recycled, or could not be. */
  recycle(reason: string): void {
    if (this.hears('recycle')) this.#tell({ ...this.#stamp('recycle'), reason })
  }

  // ---- entries: those of every message are one literal each; putting them together from parts is several times slower

  #left(event: 'send' | 'publish', message: Message, agent: string | undefined, lineage: Lineage): void {
    if (!this.hears(event)) return
    this.#tell({
      event,
      loop: this.#loop,
      time: wallNow(),
      message: message.name,
      messageId: message.id,
      sender: message.sender?.toString(),
      agent,
      topic: message.topic?.toString(),
      traceparent: message.trace,
      cause: lineage.cause,
      correlation: lineage.correlation,
    })
  }

  #came(event: EventName, message: Message): void {
    if (this.hears(event)) this.#tell(this.#of(event, message))
  }

  #of(event: EventName, message: Message): LogEntry {
    return {
      event,
      loop: this.#loop,
      time: wallNow(),
      message: message.name,
      messageId: message.id,
      sender: message.sender?.toString(),
      agent: message.recipient?.toString(),
      topic: message.topic?.toString(),
      traceparent: message.trace,
    }
  }

  #stamp(event: EventName): LogEntry {
    return { event, loop: this.#loop, time: wallNow() }
  }

  #tell(entry: LogEntry): void {
    const to = channels[entry.event]
    if (to.hasSubscribers) to.publish(entry)
    this.#log?.(entry)
  }
}
