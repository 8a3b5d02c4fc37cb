// The tracer: a bounded ring of what happened, on top of the runtime's event log. What it keeps: never more than
// `capacity` entries; an entry is stored as it came, and everything else (conversations, trees) is worked out when it is
// asked for, since the entries of two threads come in an order that need not be the order in which things happened.
import { checkFunction, checkKnown } from '../agent/check.js'
import { saidAtOnce } from '../agent/edge.js'
import { InvalidArgumentError } from '../agent/errors.js'
import type { LogEntry } from '../observe/log.js'
import { type TraceNode, treesOf } from './tree.js'

/**
 * An entry of the event log with the conversation that it belongs to.
 * @example
 * const tracer = new Tracer()
 * const line = ({ event, message, correlation }: TraceEntry) => `${correlation}: ${event} ${message}`
 * console.log(tracer.entries().map(line).join('\n'))
 */
export interface TraceEntry extends LogEntry {
  /**
   * The conversation: what the first sender named so (a dispatcher's correlation id), else the id of the first message
   * in the chain of causes, as far back as the ring reaches.
   */
  readonly correlation?: string | undefined
}

/**
 * Which entries; all conditions that are given must hold.
 * @example
 * const late: TraceFilter = { event: ['error', 'drop'], agent: 'hasher', since: Date.now() - 60_000, last: 10 }
 * console.log(new Tracer().entries(late))
 */
export interface TraceFilter {
  /** Kinds of entries, e.g. `'send'` or `['error', 'drop']`. */
  readonly event?: LogEntry['event'] | readonly LogEntry['event'][]
  /** Name of the message type. */
  readonly message?: string
  /** An agent that sent, got or handled the message: `type/key`, or only the type. */
  readonly agent?: string
  /** The conversation. */
  readonly correlation?: string
  /** Milliseconds since 1970, this moment included. */
  readonly since?: number
  /** Milliseconds since 1970, this moment included. */
  readonly until?: number
  /** Anything else. */
  readonly where?: (entry: TraceEntry) => boolean
  /** Of those that fit, the last so many. */
  readonly last?: number
}

const traceFilter: Readonly<Record<keyof TraceFilter, true>> = {
  event: true,
  message: true,
  agent: true,
  correlation: true,
  since: true,
  until: true,
  where: true,
  last: true,
}

/**
 * Options of {@link Tracer}.
 * @example const tracer = new Tracer({ capacity: 1_000, onEntry: ({ event, agent }) => console.log(event, agent) })
 */
export interface TracerOptions {
  /** Entries that are kept; older ones make room. Default 10,000. */
  readonly capacity?: number
  /** Called with a copy of every entry as it comes. */
  readonly onEntry?: (entry: LogEntry) => void
}

/**
 * Remembers the last entries of the event log, of every thread.
 *
 * Give its `log` to the runtime. A runtime without `log` collects nothing: then a message costs one look at a flag.
 * Names of entries: `send` and `publish` when a message leaves its sender, `process` when it is delivered and its
 * handler begins, `respond` (requests) or `handled` (events) when the handler ended well, `error` when it did not, `drop`;
 * `dead` for a dead letter, `slow` for a turn past its soft deadline. Of no message: `create`, `crash`, a stalled thread.
 * @throws InvalidArgumentError when the capacity is not a whole number of at least 1
 * @example
 * const tracer = new Tracer({ capacity: 1_000 })
 * const runtime = await createRuntime({ threads: 2, agents: [new URL('./agents.js', import.meta.url)], log: tracer.log })
 * console.log(tracer.entries({ event: 'error', last: 10 }))
 */
export class Tracer {
  /** Entries that are kept; older ones make room. */
  readonly capacity: number
  /** While false, what comes is not stored. (To save what collecting costs, make the runtime without `log`.) */
  enabled = true
  readonly #onEntry: ((entry: LogEntry) => void) | undefined
  #ring: LogEntry[] = []
  #next = 0

  constructor(options: TracerOptions = {}) {
    checkKnown('a tracer', options, { capacity: true, onEntry: true })
    if (options.onEntry !== undefined) checkFunction("a tracer's onEntry", options.onEntry)
    const capacity = options.capacity ?? 10_000
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new InvalidArgumentError(`a tracer's capacity must be a whole number of at least 1, got ${capacity}`)
    }
    this.capacity = capacity
    this.#onEntry = options.onEntry
  }

  /**
   * Takes one entry: what `createRuntime({ log })` wants.
   * @example
   * const tracer = new Tracer()
   * await createRuntime({ agents: [hasher], log: tracer.log })
   */
  readonly log = (entry: LogEntry): void => {
    if (!this.enabled) return
    this.#ring[this.#next] = entry
    this.#next = (this.#next + 1) % this.capacity
    this.#onEntry?.({ ...entry }) // last: what it throws must not lose the entry
  }

  /** Entries that are kept now. */
  get size(): number {
    return this.#ring.length
  }

  /** Forgets everything. */
  clear(): void {
    this.#ring = []
    this.#next = 0
  }

  /**
   * The entries that fit, oldest first (as they came to the calling thread).
   * @example
   * const tracer = new Tracer()
   * const recent = tracer.entries({ agent: 'hasher/alice', since: Date.now() - 1_000 })
   */
  entries(filter: TraceFilter = {}): TraceEntry[] {
    checkKnown('entries()', filter, traceFilter)
    const { event, message, agent, correlation, since, until, where, last } = filter
    const events = event === undefined ? undefined : new Set([event].flat())
    const found = this.#inOrder().filter(
      entry =>
        (events === undefined || events.has(entry.event)) &&
        (message === undefined || entry.message === message) &&
        (agent === undefined || isOf(entry.agent, agent) || isOf(entry.sender, agent)) &&
        (correlation === undefined || entry.correlation === correlation) &&
        (since === undefined || entry.time >= since) &&
        (until === undefined || entry.time <= until) &&
        (where === undefined || saidAtOnce('where of entries()', where(entry))),
    )
    return last === undefined ? found : found.slice(Math.max(0, found.length - last))
  }

  /**
   * A conversation as trees: each message with where it was delivered and the messages that it led to, across threads.
   * More than one tree if the conversation was begun more than once, or if the ring no longer holds its beginning.
   * @param correlation the conversation, or the id of any message in it; left out: every conversation in the ring
   * @example
   * const tracer = new Tracer()
   * for (const root of tracer.trees('hamlet')) console.log(treeText(root))
   */
  trees(correlation?: string): TraceNode[] {
    const entries = this.#inOrder()
    if (correlation === undefined) return treesOf(entries)
    const named = entries.some(entry => entry.correlation === correlation)
      ? correlation
      : entries.find(entry => entry.messageId === correlation)?.correlation
    return treesOf(entries.filter(entry => entry.correlation === named))
  }

  /**
   * The entries that fit, one JSON object a line, for a file or a log collector.
   * @example
   * import { writeFile } from 'node:fs/promises'
   * await writeFile('trace.jsonl', new Tracer().toJSONLines({ event: 'error' }))
   */
  toJSONLines(filter: TraceFilter = {}): string {
    return this.entries(filter)
      .map(entry => `${JSON.stringify(entry)}\n`)
      .join('')
  }

  #inOrder(): TraceEntry[] {
    const ring = this.#ring
    return withConversations(
      ring.length < this.capacity ? ring : [...ring.slice(this.#next), ...ring.slice(0, this.#next)],
    )
  }
}

function isOf(id: string | undefined, agent: string): boolean {
  return id !== undefined && (id === agent || (!agent.includes('/') && id.startsWith(`${agent}/`)))
}

/** Finds out to which conversation each entry belongs, by following causes. */
function withConversations(entries: readonly LogEntry[]): TraceEntry[] {
  const sent = new Map<string, LogEntry>()
  for (const entry of entries) {
    if (entry.messageId !== undefined && (entry.event === 'send' || entry.event === 'publish'))
      sent.set(entry.messageId, entry)
  }
  const known = new Map<string, string>()
  const conversation = (id: string): string => {
    const path = new Set<string>() // messages with ids of the sender's own choice could name each other as causes
    let at = id
    let name: string | undefined
    while (name === undefined) {
      path.add(at)
      const { correlation, cause }: Partial<LogEntry> = sent.get(at) ?? {}
      name = known.get(at) ?? correlation ?? (cause === undefined || path.has(cause) ? at : undefined)
      if (name === undefined) at = cause as string
    }
    for (const one of path) known.set(one, name)
    return name
  }
  return entries.map(entry =>
    // copies, also of what has no conversation: what is handed out may be changed
    entry.messageId === undefined ? { ...entry } : { ...entry, correlation: conversation(entry.messageId) },
  )
}
