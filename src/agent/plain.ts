// A copy of a value that is kept as state, or may become state. What it keeps: what was copied comes out of every structured clone,
// of which states are saved and moved, as it went in: what that would empty, or take something from, is refused, with its place. A copy
// holds no memory but its own: of a view only the bytes that it shows. Where there is a choice it is that of a message to another
// thread: fields that are undefined and named properties of lists are left out, instances of classes are plain objects.
import { types } from 'node:util'
import { shown } from './check.js'
import { isError, NotSerializableError } from './errors.js'
import { AGENT_ID, DERIVED, INSIDE, kindOf, RECORD, refusal, TOPIC_ID, URL_PARAMS, WEB_URL } from './kinds.js'

const texts: Readonly<Record<number, string>> = {
  [AGENT_ID]: 'an agent id',
  [TOPIC_ID]: 'a topic id',
  [WEB_URL]: 'a URL',
  [URL_PARAMS]: 'URLSearchParams',
}
const builtIn: ReadonlyMap<unknown, ErrorConstructor> = new Map(
  [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError].map(type => [type.name, type]),
)
/** Levels of nesting: a structured clone goes by the stack, of which who saves the state may have less than is here. */
const MAX_DEPTH = 500
const errorParts = ['message', 'stack', 'cause']
const tagOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as () => string | undefined

/** The way to a part: a key, an index, or what stands in a Map under a key. */
type Step = string | number | { readonly key: unknown }

/** An object, its copy that is not filled yet, and where it was found. */
interface Open {
  readonly from: object
  readonly to: object
  readonly within: Open | undefined
  readonly step: Step
  readonly depth: number
}

/**
 * A copy.
 * @param errors 'whole': one that has more than every error has is refused. 'lossy': it has what a structured clone leaves of it
 * @throws NotSerializableError for what is not plain data; what a getter throws
 */
export function plainCopy(value: unknown, { errors = 'whole' }: { readonly errors?: 'whole' | 'lossy' } = {}): unknown {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol') throw refused(undefined, '', `a ${typeof value}`)
    return value
  }
  return new Copying(errors === 'lossy').all(value)
}

/** One value on its way. */
class Copying {
  readonly #copies = new Map<object, object>()
  readonly #open: Open[] = []
  readonly #lossy: boolean

  constructor(lossy: boolean) {
    this.#lossy = lossy
  }

  all(value: object): object {
    const copy = this.#begin(value, undefined, '')
    for (let next = this.#open.pop(); next !== undefined; next = this.#open.pop()) this.#fill(next)
    return copy
  }

  #part(value: unknown, within: Open, step: Step): unknown {
    if (typeof value === 'object' && value !== null) return this.#copies.get(value) ?? this.#begin(value, within, step)
    if (typeof value === 'function' || typeof value === 'symbol') throw refused(within, step, `a ${typeof value}`)
    return value
  }

  #begin(from: object, within: Open | undefined, step: Step): object {
    const [to, whole] = this.#lossy && isError(from) ? [structuredClone(from), true] : begun(from, within, step)
    this.#copies.set(from, to)
    if (!whole) {
      const depth = (within?.depth ?? 0) + 1
      if (depth > MAX_DEPTH) throw new NotSerializableError(`it is nested more than ${MAX_DEPTH} levels`)
      this.#open.push({ from, to, within, step, depth })
    }
    return to
  }

  #fill(open: Open): void {
    const { from, to } = open
    if (Array.isArray(from)) this.#fillList(from, to as unknown[], open)
    else if (types.isNativeError(from)) {
      if (Object.hasOwn(from, 'cause')) hidden(to, 'cause', this.#part(from.cause, open, 'cause'))
    } else if (types.isMap(from)) {
      Map.prototype.forEach.call(from, (value, key) => {
        const copied = this.#part(key, open, 'a key')
        ;(to as Map<unknown, unknown>).set(copied, this.#part(value, open, { key }))
      })
    } else if (types.isSet(from)) {
      Set.prototype.forEach.call(from, member => (to as Set<unknown>).add(this.#part(member, open, 'a member')))
    } else this.#fillRecord(from as Record<string, unknown>, to as Record<string, unknown>, open)
  }

  #fillRecord(from: Readonly<Record<string, unknown>>, to: Record<string, unknown>, open: Open): void {
    for (const key of Object.keys(from)) {
      if (key === '__proto__') throw refused(open, key, 'a key that no copy can have')
      const field = from[key]
      if (field !== undefined) to[key] = this.#part(field, open, key)
    }
  }

  #fillList(from: readonly unknown[], to: unknown[], open: Open): void {
    let dense = 0
    for (; dense < from.length && dense in from; dense++) to[dense] = this.#part(from[dense], open, dense)
    if (dense === from.length) return
    to.length = from.length // from its first gap on, only what is there is looked at: a list may be nothing but a length
    for (const key of Object.keys(from)) {
      const index = Number(key)
      if (String(index) !== key || index >= from.length) break // names come behind indices
      if (index >= dense) to[index] = this.#part(from[index], open, index)
    }
  }
}

/** The copy of an object, and whether it is whole: nothing of it is to be filled. */
function begun(from: object, within: Open | undefined, step: Step): readonly [object, boolean] {
  if (Array.isArray(from)) return [[], false]
  if (isError(from)) return [errorLike(from, within, step), false]
  const prototype: object | null = Object.getPrototypeOf(from)
  if (prototype === Object.prototype || prototype === null) return [{}, false]
  if (ArrayBuffer.isView(from)) return [viewLike(from), true]
  if (types.isMap(from)) return [new Map(), false]
  if (types.isSet(from)) return [new Set(), false]
  if (types.isDate(from)) return [new Date(Date.prototype.getTime.call(from)), true]
  if (types.isRegExp(from)) return [new RegExp(from.source, from.flags), true]
  if (types.isArrayBuffer(from)) return [bytesIn(from).buffer, true]
  const kind = kindOf(prototype)
  if (kind === INSIDE) return [structuredClone(from), true]
  if (kind === RECORD) return [{}, false]
  const text = texts[kind]
  if (text !== undefined) throw refused(within, step, `${text} (give its text)`)
  const provided = refusal(from)
  if (provided !== undefined || kind !== DERIVED) throw refused(within, step, provided ?? 'what no copy can be made of')
  return [{}, false]
}

/** Of an error a structured clone keeps only this. */
function errorLike(error: Error, within: Open | undefined, step: Step): Error {
  const { name, message, stack } = error
  const more = Object.getOwnPropertyNames(error).filter(key => !errorParts.includes(key))
  const type = builtIn.get(name)
  if (type === undefined || more.length > 0 || !types.isNativeError(error)) {
    const what = more.length > 0 ? `an error with ${more.join(', ')}` : `an error called ${name}`
    throw refused(within, step, `${what} (give what you need of it as an object)`)
  }
  const copy = new type(message)
  if (typeof stack === 'string') hidden(copy, 'stack', stack)
  return copy
}

function hidden(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, configurable: true, enumerable: false })
}

function viewLike(view: ArrayBufferView): object {
  const { buffer, byteOffset, byteLength } = view
  if (!types.isArrayBuffer(buffer)) return structuredClone(view) // it shows memory that is shared
  const bytes = bytesIn(buffer, byteOffset, byteLength)
  const tag = tagOf.call(view) ?? 'DataView'
  if (tag === 'Uint8Array') return bytes // a Buffer too
  return new (globalThis as unknown as Record<string, new (of: ArrayBuffer) => object>)[tag]!(bytes.buffer)
}

/** A copy in memory of its own, and no more of it. */
function bytesIn(buffer: ArrayBuffer, offset = 0, length = buffer.byteLength): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, offset, length).slice()
}

function refused(within: Open | undefined, step: Step, what: string): NotSerializableError {
  let place = ''
  let last = step
  for (let at = within; at !== undefined; at = at.within) {
    const part = typeof last === 'number' ? `[${last}]` : typeof last === 'string' ? last : `get(${shown(last.key)})`
    place = place === '' || place.startsWith('[') ? `${part}${place}` : `${part}.${place}`
    last = at.step
  }
  return new NotSerializableError(place === '' ? `it is ${what}` : `${place} is ${what}`)
}
