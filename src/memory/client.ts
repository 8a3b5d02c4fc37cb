// The client of a memory, for handlers and applications alike: each method is one request. What it keeps: a value is
// copied before it leaves, so that a change made after the call, on the same loop, cannot get in.
import { shown } from '../agent/check.js'
import type { Messenger } from '../agent/context.js'
import { InvalidArgumentError, NotSerializableError, textOf } from '../agent/errors.js'
import { type AgentId, toAgentId } from '../agent/ids.js'
import { plainCopy } from '../agent/plain.js'
import { type Entry, type Exchange, hasFields, Operate, type Operation } from './messages.js'

/**
 * What a memory holds, by key. Write yours as a `type`: an `interface` does not fit.
 * @example
 * type Board = { visits: number; steps: string[] }
 * const boardOf = (ctx: Context, key: string) => memoryAt<Board>(ctx, `memory/${key}`)
 */
export type Shape = Readonly<Record<string, unknown>>
type Key<S extends Shape> = keyof S & string
type NumberKey<S extends Shape> = { [K in Key<S>]: number extends S[K] ? K : never }[Key<S>]

/**
 * Access to one memory. Every method is one request to its agent and throws what a `send` throws.
 * @typeParam S what is under which key
 * @example
 * const board: MemoryClient<{ visits: number; title: string }> = memoryAt(runtime, 'memory/main')
 * await board.set('title', 'Hamlet')
 * console.log((await board.get('title'))?.value, await board.add('visits'))
 */
export interface MemoryClient<S extends Shape = Shape> {
  /**
   * A copy of the value with its version; undefined if there is none.
   * @example const entry = await memoryAt<{ title: string }>(ctx, 'memory/main').get('title')
   */
  get<K extends Key<S>>(key: K): Promise<Entry<S[K]> | undefined>
  /**
   * Puts a value in, whatever was there. Fields that are undefined are left out, as in a message to another thread.
   * @returns its version
   * @throws OverloadedError when the memory is full; NotSerializableError when the value cannot be state: it is, or has in
   *   it, a function, an id, a URL, an error with a code or other fields, or what else a structured clone takes something from
   * @example await memoryAt(ctx, 'memory/main').set('title', 'Hamlet')
   */
  set<K extends Key<S>>(key: K, value: S[K]): Promise<number>
  /**
   * Puts fields over those that are there; other fields stay, as do those that are given as undefined. Not there yet:
   * begins with no fields.
   * @returns the version
   * @throws InvalidArgumentError when what is there has no fields; and like {@link set}
   * @example await memoryAt<{ plan: { title: string; done: boolean } }>(ctx, 'memory/main').merge('plan', { done: true })
   */
  merge<K extends Key<S>>(key: K, fields: Partial<S[K]>): Promise<number>
  /**
   * Puts a value in if nobody changed the entry since `version`; 0: if there is none.
   * @throws like {@link set}
   * @example
   * const board = memoryAt<{ owner: string }>(ctx, 'memory/main')
   * const outcome = await board.compareAndSet('owner', ctx.id.key, 0)
   * if (!outcome.done) console.log('somebody was quicker:', outcome.current)
   */
  compareAndSet<K extends Key<S>>(key: K, value: S[K], version: number): Promise<Exchange<S[K]>>
  /**
   * Compare-and-set again and again until nobody was quicker. `change` gets a copy and may run more than once.
   * @returns what was put in
   * @throws like {@link set}
   * @example
   * const board = memoryAt<{ steps: string[] }>(ctx, 'memory/main')
   * await board.update('steps', (steps = []) => [...steps, 'wash up'])
   */
  update<K extends Key<S>>(key: K, change: (value: S[K] | undefined) => S[K]): Promise<S[K]>
  /**
   * Adds to a number (not there: 0) in one request.
   * @param by default 1
   * @returns the sum
   * @throws InvalidArgumentError when what is there is no number; OverloadedError when the memory is full
   * @example const visits = await memoryAt<{ visits: number }>(ctx, 'memory/main').add('visits')
   */
  add(key: NumberKey<S>, by?: number): Promise<number>
  /**
   * Takes an entry out.
   * @returns whether it was there
   */
  delete(key: Key<S>): Promise<boolean>
  /** Keys of all entries. */
  keys(): Promise<Key<S>[]>
}

/**
 * The memory at an address, as an application (`runtime`) or a handler (`ctx`) sees it. Costs nothing to make.
 * @throws InvalidNameError
 * @example
 * const board = memoryAt<{ visits: number; plan: { steps: string[] } }>(ctx, 'memory/main')
 * await board.add('visits')
 */
export function memoryAt<S extends Shape = Shape>(
  messenger: Pick<Messenger, 'send'>,
  address: AgentId | string,
): MemoryClient<S> {
  const to = toAgentId(address)
  const operate = (operation: Operation): Promise<never> => messenger.send(Operate, operation, to) as Promise<never>
  const exchange = (key: string, value: unknown, version: number): Promise<Exchange<never>> =>
    operate({ op: 'exchange', key: checked(key), value: copyOf(value, key), version })
  return {
    get: async key => operate({ op: 'get', key: checked(key) }),
    set: async (key, value) => operate({ op: 'set', key: checked(key), value: copyOf(value, key) }),
    merge: async (key, fields) => {
      const value = copyOf(fields ?? null, key) // what is an instance of a class is a plain object now
      if (!hasFields(value)) {
        throw new InvalidArgumentError(`merge: the fields for '${key}' must be an object, got ${shown(fields)}`)
      }
      return operate({ op: 'merge', key: checked(key), value: value as Readonly<Record<string, unknown>> })
    },
    compareAndSet: async (key, value, version) => exchange(key, value, version),
    update: async (key, change) => {
      let current: Entry | undefined = await operate({ op: 'get', key: checked(key) })
      while (true) {
        const value = change(current?.value as never)
        const outcome: Exchange = await exchange(key, value, current?.version ?? 0)
        if (outcome.done) return value
        current = outcome.current
      }
    },
    add: async (key, by = 1) => {
      if (typeof by !== 'number') throw new InvalidArgumentError(`add: '${key}' grows by a number, got ${typeof by}`)
      return operate({ op: 'add', key: checked(key), by })
    },
    delete: async key => operate({ op: 'delete', key: checked(key) }),
    keys: async () => operate({ op: 'keys' }),
  }
}

function checked(key: string): string {
  if (typeof key !== 'string' || key === '' || key === '__proto__') {
    throw new InvalidArgumentError(
      `the key of a memory's entry is a non-empty string other than __proto__, got ${JSON.stringify(key)}`,
    )
  }
  return key
}

function copyOf(value: unknown, key: string): unknown {
  if (value === undefined)
    throw new InvalidArgumentError(`a memory does not hold undefined ('${key}'); delete the entry`)
  try {
    return plainCopy(value)
  } catch (error) {
    throw new NotSerializableError(`the value for '${key}' is not plain data: ${textOf(error)}`, { cause: error })
  }
}
