// An agent type as a loop uses it: the definition with its defaults filled in and its handlers by message name.
import type { AgentSpec, AnyAgent, HandlerEntry } from '../agent/definition.js'
import type { CheckpointPolicy } from '../agent/options.js'

/** Messages that wait for one agent, unless its type says otherwise. */
export const DEFAULT_CAPACITY = 1024

/** An agent type with its defaults filled in. */
export class HostedType {
  readonly spec: AgentSpec
  readonly handlers: ReadonlyMap<string, readonly HandlerEntry[]>
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
    const handlers = new Map<string, HandlerEntry[]>()
    for (const entry of spec.handlers) {
      const same = handlers.get(entry.message.name)
      if (same === undefined) handlers.set(entry.message.name, [entry])
      else same.push(entry)
    }
    this.handlers = handlers
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
