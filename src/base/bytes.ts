// How much memory a value holds, about: enough to bound what is kept of values by. Counted by walking it, without a copy. What it
// keeps: a value may be anybody's, with getters that throw; measuring it never fails, and takes no longer than was asked for. Memory
// counts whole, however little of it a view shows: it is there as long as the view is.
import { types } from 'node:util'

const OBJECT = 16
const FIELD = 8

/**
 * Bytes of a value; what it holds more than once counts once.
 * @param most no further than that: what is bigger is bigger
 */
export function bytesOf(value: unknown, most = Number.POSITIVE_INFINITY): number {
  if (typeof value === 'string') return OBJECT + 2 * value.length
  if (typeof value !== 'object' || value === null) return FIELD
  const seen = new Set<object>()
  const open: unknown[] = [value]
  let bytes = 0
  while (open.length > 0 && bytes <= most) {
    const one = open.pop()
    bytes += FIELD
    if (typeof one === 'string') bytes += OBJECT + 2 * one.length
    if (typeof one !== 'object' || one === null || seen.has(one)) continue
    seen.add(one)
    bytes += OBJECT
    try {
      if (ArrayBuffer.isView(one)) open.push(one.buffer)
      else if (types.isAnyArrayBuffer(one)) bytes += one.byteLength
      else if (Array.isArray(one)) partsOf(one, open)
      else if (one instanceof Set) for (const part of one) open.push(part)
      else if (one instanceof Map) for (const [key, field] of one) open.push(key, field)
      else for (const [key, field] of fieldsOf(one)) open.push(key, field)
    } catch {
      // what does not let itself be looked at is not known to hold anything
    }
  }
  return bytes
}

/** What is in a list; of one with gaps only what is there: it may be nothing but a length. */
function partsOf(list: readonly unknown[], open: unknown[]): void {
  for (let index = 0; index < list.length; index++) {
    if (index in list) open.push(list[index])
    else {
      for (const [key, part] of Object.entries(list)) if (!(Number(key) < index)) open.push(part)
      return
    }
  }
}

/** What an object holds; of an error also what no loop over it would show. */
function fieldsOf(one: object): Iterable<readonly [string, unknown]> {
  if (!types.isNativeError(one)) return Object.entries(one)
  return Object.getOwnPropertyNames(one).map(key => [key, (one as unknown as Record<string, unknown>)[key]] as const)
}
