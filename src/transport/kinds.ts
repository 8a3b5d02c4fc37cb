// What an object is on the wire, by its prototype: looked at once for each. Plain objects, errors, and what the language itself has
// (Map, Date, views) are told apart before. What it keeps: nothing arrives empty. What Node or the web provides keeps what it is where
// nobody sees it, and is a class written in JavaScript like any other; so it goes as itself, as a clone, or not at all.
import { URL, URLSearchParams } from 'node:url'
import { types } from 'node:util'
import { nameBrand } from '../agent/ids.js'
import * as ext from './extensions.js'
import { isError } from './wire-error.js'

/** Fields and nothing else: plain objects of any realm, instances of classes that are written in JavaScript. */
export const RECORD = 0
/** It has something inside that only the engine or Node can copy. */
export const INSIDE = 1
/** What Node or the web provides and nothing can copy; it may be transferable. */
export const PROVIDED = 2
/** A class of somebody's own that is derived from one of these: a record, if it has fields of its own. */
export const DERIVED = 3
// what goes as its texts has the number of its extension: ext.AGENT_ID and so on

const kinds = new WeakMap<object, number>()
const sourceOf = Function.prototype.toString

/** What objects with that prototype are. */
export function kindOf(prototype: object): number {
  let kind = kinds.get(prototype)
  if (kind === undefined) {
    kind = find(prototype)
    kinds.set(prototype, kind)
  }
  return kind
}

function find(prototype: object): number {
  const name = (prototype as { [nameBrand]?: unknown })[nameBrand]
  if (name === 'agent') return ext.AGENT_ID
  if (name === 'topic') return ext.TOPIC_ID
  let kind = RECORD
  let at = prototype
  for (let up: object | null = Object.getPrototypeOf(at); up !== null; at = up, up = Object.getPrototypeOf(at)) {
    if (at === URL.prototype) return ext.URL
    if (at === URLSearchParams.prototype) return ext.URL_PARAMS
    const type: unknown = Object.getOwnPropertyDescriptor(at, 'constructor')?.value
    if (typeof type !== 'function') {
      if (Object.hasOwn(at, Symbol.toStringTag)) return INSIDE // an iterator, a generator
    } else if (sourceOf.call(type).endsWith('{ [native code] }')) return INSIDE
    else if (kind === RECORD && isProvided(at, type)) kind = at === prototype ? PROVIDED : DERIVED
    // Node's own classes that can be cloned, or transferred
    const symbols = Object.getOwnPropertySymbols(at).map(({ description }) => description ?? '')
    if (symbols.some(symbol => symbol.startsWith('messaging_clone'))) return INSIDE
    if (kind === RECORD && symbols.some(symbol => symbol.startsWith('messaging_'))) return INSIDE
  }
  return kind
}

/** Whether a class is one that is there everywhere, or one by the same name and tag (of a package). */
function isProvided(prototype: object, type: { readonly name: unknown }): boolean {
  const { name } = type
  const global = typeof name === 'string' ? Object.getOwnPropertyDescriptor(globalThis, name) : undefined
  if (global === undefined || global.enumerable === true) return false // what an application puts there is enumerable
  return global.value === type || Object.getOwnPropertyDescriptor(prototype, Symbol.toStringTag)?.value === name
}

/** The texts of which an object of that kind consists. */
export function textsOf(kind: number, value: object): readonly string[] {
  switch (kind) {
    case ext.AGENT_ID: {
      const { type, key } = value as { type: string; key: string }
      return [type, key]
    }
    case ext.TOPIC_ID: {
      const { type, source } = value as { type: string; source: string }
      return [type, source]
    }
    default:
      return [String(value)]
  }
}

const instead: Readonly<Record<string, string>> = {
  AbortController: 'pass its signal as the option signal of the send',
  AbortSignal: 'pass it as the option signal of the send',
  FormData: 'send its entries, as a list',
  Headers: 'send its entries, as a list',
  ReadableStream: 'send what is read from it',
  Request: 'send its url, method, headers as a list, and what its body is',
  Response: 'send its status, headers as a list, and what its body is',
}

/** What to say of what Node or the web provides and cannot be sent; undefined for all else. */
export function refusal(value: object): string | undefined {
  const prototype: object | null = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype || isError(value)) return undefined
  const kind = kindOf(prototype)
  if (kind !== PROVIDED && !(kind === DERIVED && Object.keys(value).length === 0)) return undefined
  const { name } = value.constructor
  const article = /^[AEIO]/.test(name) ? 'an' : 'a'
  return `${article} ${name} (${instead[name] ?? 'send what you need of it as plain data'})`
}

/** Which kind of container comes later where values are nested too deep; -1 for none. */
export function laterKind(value: object): number {
  if (Array.isArray(value)) return ext.LATER_LIST
  if (types.isMap(value)) return ext.LATER_MAP
  if (types.isSet(value)) return ext.LATER_SET
  if (isError(value)) return -1
  const prototype: object | null = Object.getPrototypeOf(value)
  const kind = prototype === null ? RECORD : kindOf(prototype)
  return kind === RECORD || kind === DERIVED ? ext.LATER_OBJECT : -1
}
