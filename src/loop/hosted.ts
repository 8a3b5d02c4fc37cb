// An agent type as a loop uses it: the definition with its defaults filled in and its handlers by kind and name of the
// message: a request and an event of one name are two messages, and neither runs the other's handler.
import type { AgentSpec, AnyAgent, HandlerEntry } from '../agent/definition.js'
import type { MessageType } from '../agent/message.js'
import type { CheckpointPolicy } from '../agent/options.js'

/** Messages that wait for one agent, unless its type says otherwise. */
export const DEFAULT_CAPACITY = 1024

/** An agent type with its defaults filled in. */
export class HostedType {
  readonly spec: AgentSpec
  /** Handlers of requests, by name, and of events. */
  readonly requests: ReadonlyMap<string, readonly HandlerEntry[]>
  readonly events: ReadonlyMap<string, readonly HandlerEntry[]>
  /** Turns at a time. */
  readonly limit: number
  /** Whether calls from its own call chain go past the limit. */
  readonly reentrant: boolean
  readonly capacity: number
  readonly overflow: 'wait' | 'reject' | 'drop-oldest'
  readonly keys: ReadonlySet<string> | undefined
  readonly deadline: number
  /** 0: none. */
  readonly softDeadline: number
  /** Whether its turns are watched for one of these. */
  readonly timed: boolean
  readonly version: number
  readonly checkpoint: CheckpointPolicy | undefined
  /** 0: never. */
  readonly unloadAfter: number
  readonly keepState: boolean

  constructor(agent: AnyAgent) {
    const { spec } = agent
    const { options } = spec
    this.spec = spec
    this.requests = handlersOf(spec, 'request')
    this.events = handlersOf(spec, 'event')
    const concurrency = options.concurrency ?? 'serial'
    this.limit =
      typeof concurrency === 'number' ? concurrency : concurrency === 'interleaved' ? Number.POSITIVE_INFINITY : 1
    this.reentrant = concurrency === 'callchain'
    this.capacity = options.mailbox?.capacity ?? DEFAULT_CAPACITY
    this.overflow = options.mailbox?.overflow ?? 'wait'
    this.keys = options.keys === undefined ? undefined : new Set(options.keys)
    this.deadline = options.deadline ?? 0
    this.softDeadline = options.softDeadline ?? 0
    this.timed = this.deadline > 0 || this.softDeadline > 0
    this.version = options.version ?? 1
    this.checkpoint = options.checkpoint
    this.unloadAfter = options.unloadAfter ?? 0
    this.keepState = options.keepState ?? true
  }
}

function handlersOf(spec: AgentSpec, kind: MessageType['kind']): ReadonlyMap<string, readonly HandlerEntry[]> {
  const handlers = new Map<string, HandlerEntry[]>()
  for (const entry of spec.handlers) {
    const { message } = entry
    if (message.kind !== kind) continue
    const same = handlers.get(message.name)
    if (same === undefined) handlers.set(message.name, [entry])
    else same.push(entry)
  }
  return handlers
}
