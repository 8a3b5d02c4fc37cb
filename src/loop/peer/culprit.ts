// What in a value cannot cross threads, for the message of the error: where it is, and not its source text.
import { shown } from '../../agent/check.js'
import { refusal } from '../../agent/kinds.js'
import { isError } from '../../transport/wire-error.js'

const names = { function: 'a function', symbol: 'a symbol' } as Readonly<Record<string, string>>
const MOST = 10_000

/**
 * The first function, symbol, promise, weak collection, or thing that Node or the web provides, in a value, with its place; undefined
 * when none is found. What is in an error is never the reason: it is named in it, and the error goes.
 */
export function culprit(value: unknown): string | undefined {
  const seen = new Set<unknown>()
  const look = (part: unknown, place: string): string | undefined => {
    const what = names[typeof part] ?? kindOf(part)
    if (what !== undefined) return place === '' ? `it is ${what}` : `${place} is ${what}`
    if (typeof part !== 'object' || part === null || ArrayBuffer.isView(part) || isError(part)) return undefined
    if (seen.has(part) || seen.add(part).size > MOST) return undefined
    for (const [step, field] of fields(part, place)) {
      const found = look(field, step)
      if (found !== undefined) return found
    }
    return undefined
  }
  try {
    return look(value, '')
  } catch {
    return undefined // a getter that throws, or nesting without end: what the codec says must do
  }
}

/** What is in an object, each with its place. */
function* fields(part: object, place: string): Iterable<readonly [string, unknown]> {
  const of = place === '' ? '' : ` of ${place}`
  if (part instanceof Map) {
    for (const [key, value] of part) {
      yield [`a key${of}`, key]
      yield [`${place === '' ? '' : `${place}.`}get(${shown(key)})`, value]
    }
  } else if (part instanceof Set) for (const member of part) yield [`a member${of}`, member]
  else {
    for (const [key, field] of Object.entries(part))
      yield [Array.isArray(part) ? `${place}[${key}]` : place === '' ? key : `${place}.${key}`, field]
  }
}

function kindOf(part: unknown): string | undefined {
  if (part instanceof Promise) return 'a promise (await it first)'
  if (part instanceof WeakMap || part instanceof WeakSet || part instanceof WeakRef) return `a ${part.constructor.name}`
  return typeof part === 'object' && part !== null ? refusal(part) : undefined
}
