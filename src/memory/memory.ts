// Shared working memory: one agent on one thread. What it keeps: each operation is one piece of work on one event loop,
// so there is no moment between looking and changing; what goes in and what comes out is a copy; no version is given
// twice, also not after the thread ended; telling of changes never holds an operation back, and never queues more than
// one change for an entry.

import { checkKnown } from '../agent/check.js'
import type { Context, LifeContext } from '../agent/context.js'
import { type AgentDefinition, agent } from '../agent/definition.js'
import { InvalidArgumentError, OverloadedError } from '../agent/errors.js'
import { type AgentId, topicId } from '../agent/ids.js'
import type { CheckpointPolicy } from '../agent/options.js'
import { plainCopy } from '../agent/plain.js'
import { bytesOf } from '../base/bytes.js'
import { wallNow } from '../base/real-time.js'
import { Changed, type Entry, type Exchange, hasFields, Operate, type Operation, Tell } from './messages.js'

/**
 * Options of {@link memory}.
 * @example export const board = memory('board', { capacity: 100 })
 */
export interface MemoryOptions {
  /** Entries that one memory holds; one more is refused with OverloadedError. Default 10,000. */
  readonly capacity?: number
  /** Bytes of all its keys and values, about; what does not fit is refused with OverloadedError. Default 64 MiB. */
  readonly maxBytes?: number
  /**
   * When the memory is kept for the case that its thread ends, all of it each time. Default: never; then it begins anew.
   */
  readonly checkpoint?: CheckpointPolicy
}

const memoryOptions: Readonly<Record<keyof MemoryOptions, true>> = { capacity: true, maxBytes: true, checkpoint: true }

interface MemoryState {
  readonly entries: Record<string, Entry>
  /** Of the last change. */
  version: number
}

/** What the entries of a state take. */
interface Sizes {
  readonly of: Map<string, number>
  total: number
}

type Ctx = Context<MemoryState>

/**
 * Declares a shared memory. `memory/main`, `memory/other`, … are memories of their own. It is pinned to one thread (given
 * as an object: to the calling one), and its entries are state, saved and restored with all other state.
 * @param type agent type; changes are published to `<type>.changed/<key>`
 * @throws InvalidNameError, InvalidArgumentError
 * @example
 * export const shared = memory('memory', { capacity: 1_000 })
 * // in a handler: await memoryAt(ctx, 'memory/main').set('title', 'Hamlet')
 */
export function memory(type: string, options: MemoryOptions = {}): AgentDefinition {
  checkKnown(`memory '${type}'`, options, memoryOptions)
  const { capacity = 10_000, maxBytes = 64 * 1024 * 1024, checkpoint } = options
  for (const [option, value] of Object.entries({ capacity, maxBytes })) {
    if (Number.isInteger(value) && value >= 1) continue
    throw new InvalidArgumentError(`memory '${type}': ${option} must be a whole number of at least 1, got ${value}`)
  }
  /** Keys to tell of. A key is there once, however often it changed. */
  const untold = new WeakMap<MemoryState, Set<string>>()
  /** Of each memory that is there, what it tells of changes by. */
  const lives = new WeakMap<AgentId, LifeContext<MemoryState>>()
  const sizes = new WeakMap<MemoryState, Sizes>()

  const sizesOf = (state: MemoryState): Sizes => {
    let all = sizes.get(state)
    if (all === undefined) {
      all = { of: new Map(), total: 0 }
      for (const [key, { value }] of Object.entries(state.entries)) measured(all, key, bytesOf(key) + bytesOf(value))
      sizes.set(state, all)
    }
    return all
  }

  const changed = ({ id, state }: LifeContext<MemoryState>, key: string, cause: string): void => {
    const keys = untold.get(state)
    if (keys !== undefined) {
      keys.add(key)
      return
    }
    const begun = new Set([key])
    untold.set(state, begun)
    // not in the name of this turn: its caller may cancel, and what it changed must be told all the same
    const life = lives.get(id)
    if (life?.state !== state) return // a turn that has outlived its agent: what it changes is no memory's any more
    const told = life.send(Tell, undefined, id, { cause })
    // the runtime stops, or a publish failed; that is in the event log. What changed since then has a telling of its own
    told.catch(() => untold.get(state) === begun && untold.delete(state))
  }

  const put = (ctx: Ctx, key: string, value: unknown): number => {
    const { state } = ctx
    const all = sizesOf(state)
    const old = all.of.get(key)
    const bytes = bytesOf(key) + bytesOf(value)
    if (old === undefined && all.of.size >= capacity) throw full(ctx, key, `${capacity} entries`)
    if (all.total - (old ?? 0) + bytes > maxBytes) throw full(ctx, key, `${maxBytes} bytes`)
    measured(all, key, bytes)
    state.version++
    state.entries[key] = { value, version: state.version }
    changed(ctx, key, ctx.messageId)
    return state.version
  }

  const operate = (operation: Operation, ctx: Ctx): unknown => {
    const { state } = ctx
    if (operation.op === 'keys') return Object.keys(state.entries)
    const { key } = operation
    const entry = Object.hasOwn(state.entries, key) ? state.entries[key] : undefined
    switch (operation.op) {
      case 'get':
        return entry && copyOf(entry)
      case 'set':
        return put(ctx, key, operation.value)
      case 'merge':
        return put(ctx, key, { ...fieldsOf(entry?.value, key), ...operation.value })
      case 'add':
        put(ctx, key, numberOf(entry?.value, key) + operation.by)
        return state.entries[key]?.value
      case 'exchange': {
        if ((entry?.version ?? 0) !== operation.version) {
          return { done: false, current: entry && copyOf(entry) } satisfies Exchange
        }
        return { done: true, version: put(ctx, key, operation.value) } satisfies Exchange
      }
      case 'delete': {
        if (entry === undefined) return false
        measured(sizesOf(state), key, 0)
        delete state.entries[key]
        state.version++
        changed(ctx, key, ctx.messageId)
        return true
      }
    }
  }

  const tell = async (ctx: Ctx): Promise<void> => {
    const { state } = ctx
    const keys = untold.get(state)
    const topic = topicId(`${type}.changed`, ctx.id.key)
    const failures: unknown[] = []
    try {
      // a key that changes while others are told of goes to the end of the set, and is told of with what it is then
      for (const key of keys ?? []) {
        keys?.delete(key)
        const entry = Object.hasOwn(state.entries, key) ? state.entries[key] : undefined
        const change = { memory: ctx.id.toString(), key, entry: entry && copyOf(entry) }
        // one that fails does not stop the others
        await ctx.publish(Changed, change, { topic }).catch(error => failures.push(error))
      }
    } finally {
      untold.delete(state)
    }
    if (failures.length === 1) throw failures[0]
    if (failures.length > 1) throw new AggregateError(failures, `${failures.length} changes could not be told`)
  }

  return agent<MemoryState>(type, {
    // turns interleave so that telling, which may wait for slow subscribers, holds back nothing else
    concurrency: 'interleaved',
    threads: 1,
    description: 'shared working memory',
    state: () => ({ entries: {}, version: 0 }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
  })
    .onStart(life => void lives.set(life.id, life))
    .onRestart(ctx => {
      // clients may know versions that were given after the last checkpoint, and who hears changes heard of them
      const { state } = ctx
      state.version = Math.max(state.version, wallNow() * 1_000)
      ctx.after(0, tick => {
        for (const key of Object.keys(tick.state.entries)) changed(tick, key, '')
      })
    })
    .onStop(({ id, state }) => {
      if (lives.get(id)?.state === state) lives.delete(id)
    })
    .on(Operate, operate)
    .on(Tell, (_, ctx) => tell(ctx)) as unknown as AgentDefinition
}

/** Notes what an entry takes; 0: it is not there. */
function measured(all: Sizes, key: string, bytes: number): void {
  all.total += bytes - (all.of.get(key) ?? 0)
  if (bytes === 0) all.of.delete(key)
  else all.of.set(key, bytes)
}

function full({ id }: Ctx, key: string, bound: string): OverloadedError {
  return new OverloadedError(`${id} is full (${bound}); '${key}' does not go in`, { agent: id.toString() })
}

/** On the same loop what is handed out would otherwise be the entry itself. */
function copyOf(entry: Entry): Entry {
  return { value: plainCopy(entry.value), version: entry.version }
}

function fieldsOf(value: unknown, key: string): object {
  if (value === undefined) return {}
  if (hasFields(value)) return value
  throw new InvalidArgumentError(`merge: '${key}' holds ${kindOf(value)}, not an object with fields`)
}

function numberOf(value: unknown, key: string): number {
  if (value === undefined) return 0
  if (typeof value === 'number') return value
  throw new InvalidArgumentError(`add: '${key}' holds ${kindOf(value)}, not a number`)
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object') return `a ${typeof value}`
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${value.constructor?.name ?? 'value'}`
}
