// What MessagePack has no word for, by the numbers of its extension types, and who is what on the wire. All of a value is one
// tree with one set of rules; only what lives in the engine or in Node (a SharedArrayBuffer, a port, a Blob) and what is
// transferred goes beside the tree, as a structured clone of its own, and nothing else changes for that.
//
//   1 Map          keys and values, in turn         2 Set          its members
//   3 Error        see writer.ts                    6 bigint       its digits
//   8 undefined    where it cannot be left out      9 Date         milliseconds as a float
//  10 sparse list  see writer.ts                   11 what stands beside the tree, in its order
//  12 an object that was begun before, by its number
//  13 an object that comes later: which kind; its contents stand behind the value (nesting has a bound)
//  14 RegExp       source, flags                   15 a text that is not well formed, UTF-16
//  16 shape, 17 binary: see writer.ts
//  18 agent id     type, key                       19 topic id    type, source
//  20 URL          as text                         21 URLSearchParams, as text

export const MAP = 1
export const SET = 2
export const ERROR = 3
export const BIGINT = 6
export const UNDEFINED = 8
export const DATE = 9
export const SPARSE = 10
export const BESIDE = 11
export const AGAIN = 12
export const LATER = 13
export const REGEXP = 14
export const WIDE_TEXT = 15
export const SHAPED = 16
export const BINARY = 17
export const AGENT_ID = 18
export const TOPIC_ID = 19
export const URL = 20
export const URL_PARAMS = 21

/** What comes later is a list, an object, a Map or a Set. */
export const LATER_LIST = 0
export const LATER_OBJECT = 1
export const LATER_MAP = 2
export const LATER_SET = 3

/** Containers of a value are nested at most so deep on the wire; what is deeper comes later. */
export const MAX_DEPTH = 100

/** The value, or a part of it, cannot be sent. */
export class NotPlain extends Error {}

/** Views that travel as binary, by the number they have on the wire. ArrayBuffer itself is the last. */
export const views = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
] as const
export const ARRAY_BUFFER = views.length
const viewNumbers = new Map<string, number>(views.map((type, index) => [type.name, index]))
const tagOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as () => string | undefined

/** The number of a view's class, whatever realm or subclass it is of; undefined for one that has none. */
export function viewNumber(view: ArrayBufferView): number | undefined {
  return viewNumbers.get(tagOf.call(view) ?? 'DataView')
}
