// What a memory and its clients say to each other. All plain data.
import { type EventType, event, type RequestType, request } from '../agent/message.js'

/**
 * A value and its version. Versions grow with every change of the whole memory, so no two states share one.
 * @example
 * const entry: Entry<string> | undefined = await memoryAt<{ title: string }>(runtime, 'memory/main').get('title')
 * if (entry !== undefined) console.log(entry.value, 'since version', entry.version)
 */
export interface Entry<Value = unknown> {
  /** A copy of what is there. */
  readonly value: Value
  /** Of the change that put it there. */
  readonly version: number
}

/**
 * What came of a compare-and-set: the new version, or, if somebody was quicker, what is there now.
 * @example
 * const board = memoryAt<{ owner: string }>(runtime, 'memory/main')
 * const outcome: Exchange<string> = await board.compareAndSet('owner', 'alice', 0)
 * console.log(outcome.done ? 'mine' : `taken by ${outcome.current?.value}`)
 */
export type Exchange<Value = unknown> =
  | { readonly done: true; readonly version: number }
  | { readonly done: false; readonly current: Entry<Value> | undefined }

/**
 * What changed, as {@link Changed} tells it.
 * @example
 * const tell = ({ memory, key, entry }: Change) => console.log(`${key} in ${memory}:`, entry?.value ?? 'deleted')
 * agent('mirror', { subscriptions: ['memory.changed'] }).on(Changed, tell)
 */
export interface Change<Value = unknown> {
  /** The memory: `type/key`. */
  readonly memory: string
  /** Of the entry. */
  readonly key: string
  /** What is there now; undefined if it was deleted. */
  readonly entry: Entry<Value> | undefined
}

/**
 * Published by a memory to the topic `<its type>.changed/<its key>` after a change. Subscribe to it like to any event.
 * Under load the changes of one entry may come as one: then it tells the last.
 * @example
 * agent('mirror', { subscriptions: ['memory.changed'] }) // mirror/main hears memory/main
 *   .on(Changed, ({ key, entry }) => console.log(key, entry?.value))
 */
export const Changed: EventType<string, { sent: Change; received: Change; returned: void; answered: void }> =
  event<Change>('ringreeve.memory.changed')

/** One change, or a look at an entry. */
export type Operation =
  | { readonly op: 'get'; readonly key: string }
  | { readonly op: 'set'; readonly key: string; readonly value: unknown }
  | { readonly op: 'merge'; readonly key: string; readonly value: Readonly<Record<string, unknown>> }
  | { readonly op: 'exchange'; readonly key: string; readonly value: unknown; readonly version: number }
  | { readonly op: 'add'; readonly key: string; readonly by: number }
  | { readonly op: 'delete'; readonly key: string }
  | { readonly op: 'keys' }

/** Whether fields can be put over a value: those of a Map, a Date or a list would be lost, or none. */
export function hasFields(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

export const Operate: RequestType<
  string,
  { sent: Operation; received: Operation; returned: unknown; answered: unknown }
> = request<Operation, unknown>('ringreeve.memory')

/** To itself: tell what changed. */
export const Tell: RequestType<string, { sent: void; received: void; returned: void; answered: void }> =
  request('ringreeve.memory.tell')
