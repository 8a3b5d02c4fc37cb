// What an object is to whoever copies it, by its prototype: looked at once for each. Plain objects, errors, and what the language
// itself has (Map, Date, views) are told apart before. What it keeps: no copy is empty. What Node or the web provides keeps what it is
// where nobody sees it, and is a class written in JavaScript like any other; so it is copied as itself, as a clone, or not at all.
import { URL, URLSearchParams } from 'node:url'
import { isError } from './errors.js'
import { nameBrand } from './ids.js'

/** Fields and nothing else: plain objects of any realm, instances of classes that are written in JavaScript. */
export const RECORD = 0
/** It has something inside that only the engine or Node can copy. */
export const INSIDE = 1
/** What Node or the web provides and nothing can copy; it may be transferable. */
export const PROVIDED = 2
/** A class of somebody's own that is derived from one of these: a record, if it has fields of its own. */
export const DERIVED = 3
// what consists of its texts
export const AGENT_ID = 4
export const TOPIC_ID = 5
export const WEB_URL = 6
export const URL_PARAMS = 7

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
  if (name === 'agent') return AGENT_ID
  if (name === 'topic') return TOPIC_ID
  let kind = RECORD
  let at = prototype
  for (let up: object | null = Object.getPrototypeOf(at); up !== null; at = up, up = Object.getPrototypeOf(at)) {
    if (at === URL.prototype) return WEB_URL
    if (at === URLSearchParams.prototype) return URL_PARAMS
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
